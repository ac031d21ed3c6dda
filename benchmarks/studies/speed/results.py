"""benchmarks/results/speed.md: one section a script and device, rewritten when the script records again."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from evonas.core import environment

FILE = Path(__file__).parents[2] / "results" / "speed.md"
HEAD = """# Speed

What the scripts of [benchmarks/studies/speed](../studies/speed) measured. A ratio compares what ran side by side in one
run; figures of different sections do not compare. Nobody types here: `--record` rewrites a script's own section.
"""
OPEN = "Open: not recorded on a CUDA device."


def hardware(device: str) -> str:
    """The processor, or the GPU and the processor beside it."""
    processor = environment.processor()
    return processor if device == "cpu" else f"{torch.cuda.get_device_name(device)}; {processor}"


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> str:
    """Markdown; `columns` are titles and formats: `{"ratio": "{ratio:.2f}"}`. A missing figure is a dash."""
    lines = [list(columns), ["---"] * len(columns)]
    for row in rows:
        lines.append([_cell(text, row) for text in columns.values()])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cell(text: str, row: Mapping[str, Any]) -> str:
    try:
        return text.format(**row)
    except (KeyError, TypeError, ValueError):
        return "–"


def record(title: str, device: str, body: str, *, waiting: str = "", file: Path = FILE) -> None:
    """Write the section of `title` on this kind of device.

    `waiting` says what a GPU would be measured for: written as an open row where none ever was.
    """
    versions = ", ".join(f"{name} {version}" for name, version in environment.versions().items())
    command = " ".join(
        ["python", f"benchmarks/studies/speed/{Path(sys.argv[0]).name}", *(_without_folders(a) for a in sys.argv[1:])]
    )
    ending = f"Made by `{command}` on {hardware(device)}; {versions}."
    sections = {**read(file), _name(title, device): f"{body}\n\n{ending}"}
    _write(sections, file)
    if device == "cpu" and waiting:
        leave_open(title, waiting, file=file)


def tell(title: str, said: str, lines: Sequence[Mapping[str, Any]], columns: Mapping[str, str], recorded: bool) -> None:
    """Print lines as a table, and where it is to be `recorded` write it, after what is `said`, as a CPU's section."""
    body = table(lines, columns)
    print(body)
    if recorded:
        record(title, "cpu", f"{said}\n\n{body}")


def leave_open(title: str, waiting: str, *, file: Path = FILE) -> None:
    """The section of `title` on a GPU in words, unless one was measured."""
    name = _name(title, "cuda")
    sections = read(file)
    if name not in sections or sections[name].startswith(OPEN):
        _write({**sections, name: f"{OPEN} {waiting}"}, file)


def _write(sections: Mapping[str, str], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    parts = [f"## {name}\n\n{text}\n" for name, text in sorted(sections.items())]
    file.write_text("\n".join([HEAD, *parts]), encoding="utf-8")


def read(file: Path = FILE) -> dict[str, str]:
    """Section by title."""
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    found = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return {name.strip(): part.strip() for name, part in zip(found[::2], found[1::2], strict=True)}


def _name(title: str, device: str) -> str:
    return f"{title}: {'CPU' if device == 'cpu' else 'GPU'}"


def _without_folders(argument: str) -> str:
    """Whoever repeats it has the data elsewhere."""
    return re.sub(r"(?<=:)/?(?:[^:]*/)", "", argument) if ":" in argument else argument.rpartition("/")[2]
