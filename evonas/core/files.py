"""Files that are whole or not there, however the process or the machine ends: the one way in which outputs are written.

They are written in a folder of their own beside their place, brought to the disk, and then take their places. A killed
process leaves that folder, `.writing-…`, which `evonas runs gc` removes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

UNFINISHED = ".writing-"


@contextmanager
def all_whole(folder: Path, *names: str) -> Iterator[Path]:
    """A new folder in which to write files, or folders, of these names: at the end they take their places in `folder`,
    one after the other in this order. With an exception none does, and what was there stays. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder, prefix=UNFINISHED, ignore_cleanup_errors=True) as made:
        unfinished = Path(made)
        for name in names:
            (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
        try:
            yield unfinished
        except OSError as error:  # whoever reads it knows this folder, and not the one that is gone
            if made in str(error.filename2 or error.filename or made):
                error.filename, error.filename2 = str(folder), None
            raise
        for name in names:
            for path in (unfinished / name, *(unfinished / name).rglob("*")):
                _sync(path)
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(unfinished / name, folder / name)
        for place in {(folder / name).parent for name in names}:
            with suppress(OSError):  # not every system can; the files themselves are on the disk
                _sync(place)


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Where to write a file, by its own name, that takes its place at the end. What a link leads to is replaced, not
    the link. Raises OSError."""
    place = path.absolute().resolve() if path.is_symlink() else path.absolute()
    with all_whole(place.parent, place.name) as unfinished:
        yield unfinished / place.name


def write_text(path: Path, text: str) -> None:
    """A file in UTF-8, whole; half a character, which a name or somebody's JSON may hold, is written as JSON has it.
    Raises OSError."""
    with whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", errors="backslashreplace")


def unfinished_in(folder: Path) -> list[Path]:
    """Files whose writing was cut off, and folders where it was before there was one."""
    return sorted(path for path in folder.glob(f"{UNFINISHED}*/**/") if not any(path.iterdir())) + sorted(
        path for path in folder.glob(f"{UNFINISHED}*/**/*") if path.is_file()
    )


def _sync(path: Path) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    if path.is_dir() and os.name == "nt":  # which opens no folders
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
