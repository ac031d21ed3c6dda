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


def emptied(file: Path) -> bool:
    """Whether nothing is left of a file whose log (WAL) is there: SQLite would take it for a new one."""
    try:
        return file.stat().st_size == 0 and file.with_name(f"{file.name}-wal").stat().st_size > 0
    except OSError:  # there is none, or no log
        return False


def cut_short(connection: sa.Connection, file: Path) -> bool:
    """Whether pages are missing that its log (WAL) does not have either.

    The file is not opened here: when a process closes any descriptor of it, the system takes its other connections'
    locks away, and another process may remove the log under them.
    """
    pages, page = (connection.exec_driver_sql(f"PRAGMA {what}").scalar_one() for what in ("page_count", "page_size"))
    if file.stat().st_size >= pages * page:
        return False
    return connection.exec_driver_sql("PRAGMA quick_check(1)").scalar() != "ok"  # a look at every page


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
