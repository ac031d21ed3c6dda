"""Folders of results: what belongs to a run is written over, what belongs to anything else never."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from html import unescape
from pathlib import Path
from typing import Any

from evonas.app.config import check_name
from evonas.core.errors import EvonasError, in_short
from evonas.core.parsing import read_json

FILES = ("report.html", "result.json", "genome.json", "model.safetensors", "model.pt2")
EXPORTED = ("model.onnx", "model.py", "weights.safetensors")  # by `evonas export --format` alone


def results_folder(name: str, out: Any) -> Path:
    """Where a run's results go: `out`, or `runs/NAME`. Raises EvonasError where the name leads elsewhere, or what an
    archive has as `out` is no path."""
    if out and not isinstance(out, str):
        raise EvonasError(f"run {name!r} is recorded with results in {in_short(out)}, which is no folder")
    return Path(out) if out else Path("runs") / check_name(name, recorded=True)


def check_folder(
    folder: Path, name: str, *, new: bool = False, files: Sequence[str] = FILES, what: str = "--out"
) -> None:
    """Refuse a folder that cannot be written, or that holds files by our names which are not this run's.

    All that writes results asks here first. A `new` run has no results yet, so it may overwrite none: those by its
    name are of a run that was deleted. `what` the folder is called to whoever gave it.

    Raises EvonasError.
    """
    if folder.exists() and not folder.is_dir():
        raise EvonasError(f"{what} {str(folder)!r} is a file; give a folder")
    parent = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    try:
        with tempfile.TemporaryFile(dir=parent):  # asking for permission is not enough where root may do all
            pass
    except OSError as error:
        raise EvonasError(f"{what} {str(folder)!r} cannot be written: {error.strerror}; give another folder") from error
    there = [file for file in files if (folder / file).exists()]
    if not there:
        return
    owner = owner_of(folder)
    if owner is None:
        raise EvonasError(
            f"{what} {str(folder)!r} holds a {there[0]} that is of no run; move it away, or give another folder"
        )
    if owner != name:
        raise EvonasError(f"{what} {str(folder)!r} holds the results of {owner!r}; give another folder")
    if new:
        raise EvonasError(
            f"{str(folder)!r} holds the results of an earlier run {name!r} that the archive does not have any more; "
            "move them away, or give another --name or --out"
        )


def owner_of(folder: Path) -> str | None:
    """The run whose results a folder holds, by its result.json, or by its report while the run is not finished."""
    try:
        return str(read_json(folder / "result.json")["run"])
    except FileNotFoundError:
        pass
    except (OSError, ValueError, KeyError, TypeError):
        return None
    try:
        with (folder / "report.html").open(encoding="utf-8") as file:
            title = re.search(r"<title>(.*?) · evonas</title>", file.read(2000))
    except (OSError, ValueError):
        return None
    return unescape(title[1]) if title else None
