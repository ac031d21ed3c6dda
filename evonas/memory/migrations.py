"""Archives of earlier versions, brought up to date: one function a version, all in one transaction.

A change of `schema.py` ships its step here, and a test that opens an archive of the version before. A step knows the
tables as they were after it, in words of its own: `schema.py` will have gone on by the time that it runs.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from glob import escape
from itertools import count
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import StaticPool

from evonas.core.errors import EvonasError
from evonas.core.files import UNFINISHED, whole
from evonas.core.parsing import parse_json
from evonas.core.specs import home_name
from evonas.memory.places import shown, without_passwords
from evonas.memory.schema import SCHEMA_VERSION, dumps, meta

log = logging.getLogger(__name__)


def migrate(engine: sa.Engine, where: str, file: Path | None) -> None:
    """Bring an archive up to date, whole or not at all; of a file a copy is kept beside it.

    Of several processes that open it at once, one does it and the others wait.
    Raises EvonasError where the copy cannot be written.
    """
    with engine.connect() as connection:
        sqlite = engine.dialect.name == "sqlite"
        if sqlite:  # tables are made anew: a foreign key must not follow what is dropped
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            version = connection.execute(sa.select(meta.c.schema_version).with_for_update()).scalar_one()
            if version < SCHEMA_VERSION:
                kept = f", and a copy is kept: {str(_copy(file, version))!r}" if file is not None else ""
                _steps(connection, version)
                log.warning("%r was written by an earlier evonas; it is brought up to date%s", where, kept)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
        finally:
            if sqlite:
                connection.exec_driver_sql("PRAGMA foreign_keys=ON")


def migrated_copy(engine: sa.Engine, where: str) -> sa.Engine:
    """An older SQLite archive that must stay as it is: a copy in memory, up to date, to read from.

    Raises EvonasError for any other database.
    """
    if engine.dialect.name != "sqlite":
        raise EvonasError(
            f"{where!r} was written by an earlier evonas; bring it up to date first: evonas runs list --archive …"
        )
    copy = sqlite3.connect(":memory:", check_same_thread=False)
    with engine.connect() as connection:
        connection.connection.driver_connection.backup(copy)  # type: ignore[union-attr]
    there = sa.create_engine(
        "sqlite://", creator=lambda: copy, poolclass=StaticPool, json_serializer=dumps, json_deserializer=parse_json
    )
    with there.begin() as connection:
        _steps(connection, connection.execute(sa.select(meta.c.schema_version)).scalar_one())
    return there


def _steps(connection: sa.Connection, version: int) -> None:
    for step in range(version, SCHEMA_VERSION):
        try:
            _STEPS[step](connection)
        except (ValueError, TypeError, AttributeError) as error:  # of what its columns hold
            raise EvonasError(
                f"the archive of version {version} is damaged ({type(error).__name__}: {error}) and left as it is"
            ) from error
    connection.execute(sa.update(meta).values(schema_version=SCHEMA_VERSION))


def copies(file: Path) -> list[Path]:
    """The copies beside an archive's file, as it was before it was brought up to date, those included whose writing
    was cut off."""
    name = f"{escape(file.name)}.v*.bak*"
    return sorted([*file.parent.glob(name), *file.parent.glob(f"{UNFINISHED}*/{name}")])


def _copy(file: Path, version: int) -> Path:
    """The archive as it was, in `archive.db.v1.bak`, or the next name that is free."""
    names = (file.with_name(f"{file.name}.v{version}.bak{number or ''}") for number in count())
    path = next(name for name in names if not name.exists())
    try:
        with (
            whole(path) as unfinished,
            closing(sqlite3.connect(file)) as source,
            closing(sqlite3.connect(unfinished)) as target,
        ):
            source.backup(target)
    except (OSError, sqlite3.Error) as error:
        raise EvonasError(
            f"{str(file)!r} was written by an earlier evonas, and no copy can be made of it before it is brought up to "
            f"date: {error}"
        ) from error
    return path


def _to_2(connection: sa.Connection) -> None:
    """Where a candidate came from, tracebacks, domains, the encoding's plain name; ids that are never given twice; no
    passwords."""
    if connection.dialect.name == "sqlite":
        for name, columns in _SQLITE_2.items():
            old = [row.name for row in connection.exec_driver_sql(f"PRAGMA table_info({name})")]
            names = ", ".join(map(_quoted, old))
            connection.exec_driver_sql(f"CREATE TABLE new_{name} ({columns})")
            connection.exec_driver_sql(f"INSERT INTO new_{name} ({names}) SELECT {names} FROM {name}")
            connection.exec_driver_sql(f"DROP TABLE {name}")
            connection.exec_driver_sql(f"ALTER TABLE new_{name} RENAME TO {name}")
        # runs may remember evaluations beyond those that are left: their ids are not to come again
        connection.exec_driver_sql("DELETE FROM sqlite_sequence WHERE name = 'evaluations'")
        connection.exec_driver_sql(
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'evaluations', "
            "max((SELECT coalesce(max(id), 0) FROM evaluations), (SELECT coalesce(max(mark), 0) FROM runs))"
        )
    else:
        for table, column in (
            ("tasks", "domain TEXT NOT NULL DEFAULT 'images'"),
            ("runs", "encoding_name TEXT NOT NULL DEFAULT ''"),
            ("runs", "signature JSON"),
            ("evaluations", "origin TEXT NOT NULL DEFAULT 'unknown'"),
            ("evaluations", "traceback TEXT"),
        ):
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {column}")
        connection.exec_driver_sql("ALTER TABLE runs ALTER COLUMN seed TYPE BIGINT")
    connection.exec_driver_sql("CREATE INDEX ix_runs_encoding_name ON runs (encoding_name)")
    texts = (sa.column(name) for name in ("id", "encoding", "encoding_name", "command"))
    runs = sa.table("runs", *texts, sa.column("config", sa.JSON))
    for run in connection.execute(sa.select(runs)).all():
        values = {"command": shown(run.command), "config": without_passwords(run.config)}
        values |= {"encoding_name": home_name(run.encoding)}
        connection.execute(sa.update(runs).where(runs.c.id == run.id).values(values))


def _quoted(column: str) -> str:
    """A file's own name of a column, which may be anything, for SQL."""
    return '"' + column.replace('"', '""') + '"'


_SQLITE_2 = {
    "tasks": """
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL,
        fingerprint TEXT NOT NULL,
        input_shape JSON NOT NULL,
        n_classes INTEGER NOT NULL,
        features JSON NOT NULL,
        domain TEXT DEFAULT 'images' NOT NULL""",
    "runs": """
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        task_id INTEGER NOT NULL,
        encoding TEXT NOT NULL,
        encoding_name TEXT DEFAULT '' NOT NULL,
        method TEXT NOT NULL,
        surrogate TEXT NOT NULL,
        seed BIGINT NOT NULL,
        config JSON NOT NULL,
        versions JSON NOT NULL,
        signature JSON,
        device TEXT NOT NULL,
        command TEXT NOT NULL,
        status TEXT NOT NULL,
        created TEXT NOT NULL,
        mark INTEGER NOT NULL,
        result JSON,
        FOREIGN KEY (task_id) REFERENCES tasks (id)""",
    "evaluations": """
        id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        run_id INTEGER NOT NULL,
        number INTEGER NOT NULL,
        "after" INTEGER NOT NULL,
        genome JSON NOT NULL,
        fidelity FLOAT NOT NULL,
        parents JSON NOT NULL,
        metrics JSON NOT NULL,
        seconds FLOAT NOT NULL,
        elapsed FLOAT NOT NULL,
        status TEXT NOT NULL,
        error TEXT,
        origin TEXT DEFAULT 'unknown' NOT NULL,
        traceback TEXT,
        UNIQUE (run_id, number),
        FOREIGN KEY (run_id) REFERENCES runs (id) ON DELETE CASCADE""",
}

_STEPS: dict[int, Callable[[sa.Connection], Any]] = {1: _to_2}  # from version -> the step to the next
