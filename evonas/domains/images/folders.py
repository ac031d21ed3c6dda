"""Images from a folder: one folder of pictures for each class, at any depth; perhaps in `train`, `val` and `test`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from evonas.core.errors import EvonasError
from evonas.domains.images.arrays import images_from_arrays
from evonas.domains.images.dataset import Images
from evonas.domains.images.pictures import ON_CONDITION, Picture, endings, read_picture, reason
from evonas.domains.images.pixels import PixelScale
from evonas.domains.labels import word

DEFAULT_SIZE = 32
PARTS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing"),
}
LITTER = {"Thumbs.db", "desktop.ini", "ehthumbs.db"}  # what systems leave behind, as are hidden files
LITTER_FOLDERS = {"__MACOSX", "__pycache__", "@eaDir", "$RECYCLE.BIN", "System Volume Information", "lost+found"}
NAMED = 5  # files that a message names before it counts


def from_folder(argument: str, *, root: Path | None = None) -> Images:
    """`PATH/CLASS/**`, or `PATH/train/CLASS/**` beside `PATH/test` or `PATH/val`; 32×32, or `PATH?size=48`.

    All pictures below the folder of a class belong to it, linked folders' as well. Hidden folders and what systems
    leave behind are none. Grey where every picture is. Mirroring is for colour images only.

    Raises EvonasError, one line, where there is no such folder, no class, or a file that cannot be read.
    """
    path, size = _path_and_size(argument)
    found = _Found(path)
    parts = _parts(path, found)
    files = {part: _files(folder, found) for part, folder in parts.items()}
    pictures = _read({part: [file for file, _ in held] for part, held in files.items()}, size, found)
    arrays = _arrays(pictures, found)
    labels = {part: [label for _, label in held] for part, held in files.items()}
    names = {label: word(label) for label in sorted(set(labels["train"]))}
    found.notes += [
        f"the name of the folder of class {name} is no UTF-8" for label, name in names.items() if label != name
    ]
    return images_from_arrays(
        arrays["train"],
        labels["train"],
        arrays.get("test"),
        labels.get("test"),
        x_val=arrays.get("val"),
        y_val=labels.get("val"),
        channels="last",
        name=word(path.resolve().name),
        notes=found.notes,
        left_out=found.left_out(),
    )


def _path_and_size(argument: str) -> tuple[Path, int]:
    text, mark, query = argument.rpartition("?")
    if not mark or "=" not in query or Path(argument).expanduser().is_dir():
        text, query = argument, ""
    size = DEFAULT_SIZE
    if query:
        value = query.removeprefix("size=")
        if value == query or not value.isdecimal() or not 4 <= int(value) <= 1024:
            raise EvonasError(f"cannot read {query!r} in folder:{argument}; write ?size=48, from 4 to 1024 pixels")
        size = int(value)
    path = Path(text).expanduser()
    if not text or not path.is_dir():
        raise EvonasError(f"no folder {text!r}; give folder:PATH with one folder of images a class")
    return path, size


@dataclass
class _Found:
    """What a walk through a folder meets: lines to be said, and files that are passed over, by the reason."""

    path: Path
    notes: list[str] = field(default_factory=list)
    passed: dict[str, list[str]] = field(default_factory=dict)

    def pass_over(self, reason: str, *paths: Path) -> None:
        if paths:
            self.passed.setdefault(reason, []).extend(repr(os.path.relpath(path, self.path)) for path in paths)

    def left_out(self) -> list[str]:
        return [f"{reason} ({len(paths):,}): {_some(paths)}" for reason, paths in self.passed.items()]


def _parts(path: Path, found: _Found) -> dict[str, Path]:
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


def _files(part: Path, found: _Found) -> list[tuple[Path, str]]:
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


def _below(folder: Path, found: _Found) -> list[Path]:
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


def _belongs(file: Path, found: _Found, elsewhere: str = "") -> bool:
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


def _pass_hidden(folder: Path, found: _Found) -> None:
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


def _read(files: dict[str, list[Path]], size: int, found: _Found) -> dict[str, list[Picture]]:
    """The pictures of each part. Raises EvonasError that names all files which are none, or the first of them."""
    pictures: dict[str, list[Picture]] = {part: [] for part in files}
    broken: list[str] = []
    laid_on: Counter[str] = Counter()
    for part, paths in files.items():
        for path in paths:
            try:
                picture = read_picture(path, size)
            except Exception as error:  # whatever a reader meets in a damaged file
                broken.append(f"{str(path)!r} cannot be read: {reason(error)}")
                continue
            pictures[part].append(picture)
            laid_on[picture.laid_on] += 1
            found.pass_over("animated pictures of which only the first frame is used", *[path] * picture.animated)
    if len(broken) == 1:
        raise EvonasError(f"the image {broken[0]}; mend or remove it")
    if broken:
        raise EvonasError(f"{len(broken):,} images are damaged: {_some(broken)}; mend or remove them")
    found.notes += [
        f"pictures with transparent parts, which were laid on {colour}: {laid_on[colour]:,}"
        for colour in ("white", "black")
        if laid_on[colour]
    ]
    return pictures


def _arrays(pictures: dict[str, list[Picture]], found: _Found) -> dict[str, np.ndarray]:
    """The pictures of each part in one array: bytes, or numbers of any range where all are deep (more than 8 bits)."""
    everything = [picture for part in pictures.values() for picture in part]
    if all(picture.deep for picture in everything):
        return {part: np.stack([picture.pixels for picture in held]) for part, held in pictures.items()}
    deep = [picture.pixels for picture in pictures["train"] if picture.deep]
    deep = deep or [picture.pixels for picture in everything if picture.deep]
    scale = PixelScale.of(np.stack(deep), "the pictures of more than 8 bits") if deep else PixelScale()
    if deep:
        found.notes.append(
            f"some pictures have more than 8 bits: their values from {scale.low:g} to {scale.high:g} became 0 to 255"
        )
    arrays = {part: np.stack([_bytes(picture, scale) for picture in held]) for part, held in pictures.items()}
    grey = all((a[..., 0] == a[..., 1]).all() and (a[..., 0] == a[..., 2]).all() for a in arrays.values())
    return {part: a[..., :1] for part, a in arrays.items()} if grey else arrays


def _bytes(picture: Picture, scale: PixelScale) -> np.ndarray:
    """(height, width, 3) bytes."""
    if not picture.deep:
        return picture.pixels
    read, _ = scale.read(picture.pixels, "a picture of more than 8 bits", beside="those of the training images")
    return np.repeat(read[..., None], 3, axis=-1)


def _some(words: Sequence[str]) -> str:
    more = len(words) - NAMED
    return ", ".join(words[:NAMED]) + (f", and {more:,} more" if more > 0 else "")
