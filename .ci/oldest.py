"""Writes oldest.txt beside this file: pip's constraints to the oldest version of everything that `evonas[test]` names.

    python .ci/oldest.py

Peers are left out (they want newer versions of what evonas needs itself), and so are the tools of the extra `dev`.
"""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent


def constraints() -> str:
    project = tomllib.loads((HERE.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {*project["dependencies"], *with_extras("test", project["optional-dependencies"])}
    floors = {one: re.fullmatch(r"([\w.-]+)(?:\[\w+\])?>=([\w.]+)", one) for one in sorted(named)}
    if without := [one for one, floor in floors.items() if floor is None]:
        raise SystemExit(f"no floor: {', '.join(without)}; write it as package>=version")
    return "# written by oldest.py\n" + "".join(f"{floor[1]}=={floor[2]}\n" for floor in floors.values() if floor)


def with_extras(extra: str, extras: dict[str, list[str]]) -> Iterator[str]:
    """What an extra names, and what those name that it includes as `evonas[a,b]`."""
    for one in extras[extra]:
        included = re.fullmatch(r"evonas\[(.*)\]", one)
        if included is None:
            yield one
        else:
            for name in included[1].split(","):
                yield from with_extras(name, extras)


if __name__ == "__main__":
    (HERE / "oldest.txt").write_text(constraints(), encoding="utf-8")
