"""What may befall an archive's file: cut short, or removed or replaced while a process writes to it.

SQLite notices neither by itself: of a file cut short it finds what is left, and what is written to a removed one is
gone with the process.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from itertools import count
from pathlib import Path

import sqlalchemy as sa

from evonas.core.files import whole

_HEADER = 100  # bytes, https://www.sqlite.org/fileformat.html


def cut_short(file: Path) -> bool:
    """Whether an SQLite file is shorter than it says, as it is for a moment while another process writes to it."""
    wal = file.with_name(f"{file.name}-wal")
    try:
        with file.open("rb") as opened:
            head, size = opened.read(_HEADER), os.fstat(opened.fileno()).st_size
    except OSError:  # none yet, or none that can be read: who opens it says so
        return False
    if len(head) < _HEADER:
        return not head and wal.exists() and wal.stat().st_size > 0
    page = int.from_bytes(head[16:18], "big")
    return size < int.from_bytes(head[28:32], "big") * (65536 if page == 1 else page)


def identity(file: Path) -> tuple[int, int] | None:
    """What tells a file from another one by the same name; None where there is none."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def saved(connection: sa.Connection, file: Path) -> str:
    """Write all that an open connection still has into a file beside the one that is gone; says where, or why not."""
    names = (file.with_name(f"{file.name}.saved{number or ''}") for number in count())
    path = next(name for name in names if not name.exists())
    try:
        with whole(path) as unfinished, closing(sqlite3.connect(unfinished)) as copy:
            connection.connection.driver_connection.backup(copy)  # type: ignore[union-attr]
    except (OSError, sqlite3.Error) as error:
        return f"what it held cannot be saved beside it: {error}"
    return f"all that it held is in {str(path)!r}; move it back, and go on from there"
