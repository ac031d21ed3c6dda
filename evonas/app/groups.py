"""`--groups`: values from a file, from a level of folders, or an array, laid upon the data."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from evonas.app.config import SearchConfig
from evonas.core.errors import EvonasError
from evonas.domains.domain import Data, domain_named
from evonas.domains.groups import all_files, digest, with_groups
from evonas.domains.supervised import Supervised

MEMORY = "memory"  # what stands in the record instead of an array


def laid_upon(data: Any, config: SearchConfig, objects: Mapping[str, Any]) -> tuple[Data, SearchConfig]:
    """The data with the groups that the options say, and the options with what tells that they are the same later.

    Raises EvonasError where they cannot be, or where they are others than the run began with.
    """
    if config.groups is None:
        return data, config
    kind = domain_named(data.domain)
    what = kind.what if isinstance(kind, Supervised) else "example"
    found: Any = with_groups(data, _values(config.groups, data, objects), what)
    there = digest(found.groups)
    if config.grouped not in (None, there):
        raise EvonasError(
            f"--groups {config.groups}: the groups have changed since the run began; bring them back, or search as a "
            "new run"
        )
    return found, config.model_copy(update={"grouped": there})


def _values(option: str, data: Any, objects: Mapping[str, Any]) -> Any:
    if "groups" in objects:
        return objects["groups"]
    if option == MEMORY:
        raise EvonasError("the groups of this run were an array, which is gone; give it again: groups=…")
    if option.isdecimal():
        return _of_folders(int(option), data)
    return _of_file(Path(os.path.expanduser(option)), data)


def _of_folders(level: int, data: Any) -> list[str]:
    """The names of folders, of which the first is the one within a class's."""
    files = all_files(data)
    if not files:
        raise EvonasError(
            f"--groups {level} is a level of folders, and {data.name!r} is not of folders; give a file with a group "
            "for each example"
        )
    names = [PurePath(file).parts for file in files]
    labels = set(data.class_names)
    first = 1 if all(parts[0] in labels for parts in names) else 2  # below train/, where there are parts
    found = [parts[first + level - 1] if level and len(parts) - 1 >= first + level else None for parts in names]
    bare = next((file for file, group in zip(files, found, strict=True) if group is None), None)
    if bare is not None:
        example = "/".join(["CLASS", *["…"] * max(0, level - 1), "PATIENT", "1.png"])
        raise EvonasError(
            f"--groups {level}: {bare!r} lies in no folder of that level; 1 is the first below a class's: {example}"
        )
    return [str(group) for group in found]


def _of_file(path: Path, data: Any) -> Sequence[str]:
    """A group a line, in the order of the examples; or lines of a file's name and its group."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8"
        raise EvonasError(
            f"--groups {str(path)!r} cannot be read: {reason}; give a file with a group for each example, or a level "
            "of folders: --groups 1"
        ) from None
    rows = [row for row in csv.reader(text.splitlines(), delimiter="\t" if "\t" in text else ",") if row]
    widths = {len(row) for row in rows}
    if widths == {1}:
        n = len(data.y) + (0 if data.aside is None else len(data.aside))
        header = len(rows) == n + 1 and rows[0][0].strip().lower() in ("group", "groups")
        return [row[0] for row in rows[header:]]
    if widths != {2}:
        raise EvonasError(f"--groups {str(path)!r} needs one column, a group, or two: a file's name and its group")
    files = all_files(data)
    if not files:
        raise EvonasError(
            f"--groups {str(path)!r} names files, and {data.name!r} is not of files; give a group a line, in order"
        )
    group_of = {PurePath(row[0].strip()).as_posix(): row[1].strip() for row in rows}
    missing = [file for file in files if PurePath(file).as_posix() not in group_of]
    if missing:
        more = f" and {len(missing) - 1:,} more" if len(missing) > 1 else ""
        raise EvonasError(f"--groups {str(path)!r} has no group for {missing[0]!r}{more}; give each file one")
    return [group_of[PurePath(file).as_posix()] for file in files]
