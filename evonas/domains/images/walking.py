"""Which files below a folder are pictures of which class; perhaps in `train`, `val` and `test`."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evonas.core.errors import EvonasError
from evonas.domains.images.pictures import ON_CONDITION, Source, endings

PARTS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
LITTER = {"Thumbs.db", "desktop.ini", "ehthumbs.db"}  # what systems leave behind, as are hidden files
LITTER_FOLDERS = {"__MACOSX", "__pycache__", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"}
NAMED = 5  # files that a message names before it counts


@dataclass
class Found:
    """What a walk through a folder meets: lines to be said, and files that are passed over, by the reason."""

    path: Path
    source: str = "folder"
    notes: list[str] = field(default_factory=list)
    passed: dict[str, list[str]] = field(default_factory=dict)

    def name(self, file: Source) -> str:
        """Of a path, what it is called below the whole."""
        return os.path.relpath(file, self.path) if isinstance(file, Path) else str(file)

    def pass_over(self, reason: str, *files: Source) -> None:
        if files:
            self.passed.setdefault(reason, []).extend(repr(self.name(file)) for file in files)

    def left_out(self) -> list[str]:
        return [f"{reason} ({len(paths):,}): {some(paths)}" for reason, paths in self.passed.items()]


def parts_of(path: Path, found: Found) -> dict[str, Path]:
    """The folders that hold classes: the whole, or its folders for training, validation and test."""
    folders = _folders(path)
    there = {part: [folder for folder in folders if folder.name.lower() in names] for part, names in PARTS.items()}
    there = {part: mine for part, mine in there.items() if mine}
    others = [folder for folder in folders if not any(folder in mine for mine in there.values())]
    if "train" not in there or (len(there) == 1 and others):
        if len(there) > 1 and not others:
            names = " and ".join(repr(mine[0].name) for mine in there.values())
            raise EvonasError(f"the folder {str(path)!r} has {names}, but no 'train'; name the one to learn from so")
        return {"train": path}  # a folder of such a name is a class, then
    for mine in there.values():
        if len(mine) > 1:
            names = " and ".join(repr(folder.name) for folder in mine)
            raise EvonasError(f"the folder {str(path)!r} has {names}, which mean the same; keep one of them")
    found.pass_over("folders beside those for training, validation and test", *others)
    for file in _loose(path):
        _belongs(file, found, "files beside the folders for training, validation and test")
    return {part: mine[0] for part, mine in there.items()}


def files_of(part: Path, found: Found) -> list[tuple[Path, str]]:
    """All pictures below the classes' folders, sorted, with the names of the folders."""
    files: list[tuple[Path, str]] = []
    classes, loose = _folders(part), _loose(part)
    if not classes:
        there = f"; {len(loose):,} files lie directly in it" if loose else ""
        raise EvonasError(
            f"the folder {str(part)!r} holds no images in folders of classes{there}; give each class a folder, as in "
            "cat/1.png and dog/2.png"
        )
    empty: list[Path] = []
    for folder in classes:
        pictures = _below(folder, found)
        files += [(picture, folder.name) for picture in pictures]
        empty += [] if pictures else [folder]
    if empty:
        culprit = empty[0] if files else part
        but = f" ({'; '.join(found.left_out())})" if found.passed else ""
        raise EvonasError(f"the folder {str(culprit)!r} holds no images{but}; give each class a folder with some")
    for file in loose:
        _belongs(file, found, "pictures outside of any class")
    for folder in _hidden_folders(part):
        _pass_hidden(folder, found)
    return sorted(files)


def pictures_below(folder: Path) -> tuple[list[Path], list[str]]:
    """All pictures below a folder, at any depth, sorted; and what was passed over, a line each."""
    found = Found(folder)
    return sorted(_below(folder, found)), found.left_out()


def _below(folder: Path, found: Found) -> list[Path]:
    """All pictures below a folder, through links as well, but never around in a circle."""
    pictures: list[Path] = []
    waiting = [(folder, frozenset([_identity(folder)]))]
    while waiting:
        here, above = waiting.pop()
        pictures += [file for file in _loose(here) if _belongs(file, found)]
        for inner in _folders(here):
            if _identity(inner) in above:
                found.pass_over("links that lead back to a folder above", inner)
            else:
                waiting.append((inner, above | {_identity(inner)}))
        for inner in _hidden_folders(here):
            _pass_hidden(inner, found)
    return pictures


def _belongs(file: Path, found: Found, elsewhere: str = "") -> bool:
    """Whether the file is a picture of a class. Another one is passed over with the reason, unless it is litter."""
    ending = file.suffix.lower()
    picture = ending in endings()
    if file.name.startswith(".") or file.name in LITTER:
        found.pass_over("hidden pictures", *[file] if picture else [])
    elif not picture:
        way_out = f", which {ON_CONDITION[ending]} makes readable" if ending in ON_CONDITION else ""
        found.pass_over(f"files that end with {ending}{way_out}" if ending else "files without an ending", file)
    elif file.exists() and not file.is_file():
        found.pass_over("pictures by name that are no files", file)
    elif elsewhere:
        found.pass_over(elsewhere, file)
    else:
        return True
    return False


def _pass_hidden(folder: Path, found: Found) -> None:
    """A hidden folder is worth a word where it holds pictures."""
    if any(Path(name).suffix.lower() in endings() for _, _, names in os.walk(folder) for name in names):
        found.pass_over("hidden folders", folder)


def _loose(folder: Path) -> list[Path]:
    return [entry for entry in _entries(folder) if not entry.is_dir()]


def _folders(folder: Path) -> list[Path]:
    return [entry for entry in _entries(folder) if entry.is_dir() and not _is_hidden(entry)]


def _hidden_folders(folder: Path) -> list[Path]:
    return [entry for entry in _entries(folder) if entry.is_dir() and _is_hidden(entry)]


def _is_hidden(folder: Path) -> bool:
    return folder.name.startswith(".") or folder.name in LITTER_FOLDERS


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise EvonasError(f"the folder {str(folder)!r} cannot be read: {error.strerror}") from error


def _identity(folder: Path) -> tuple[int, int]:
    status = folder.stat()
    return status.st_dev, status.st_ino


def some(words: Sequence[str]) -> str:
    """The first few, and how many more."""
    more = len(words) - NAMED
    return ", ".join(words[:NAMED]) + (f", and {more:,} more" if more > 0 else "")
