"""Connections to an archive's database: how they are made, and what is done again when one is lost.

A server may be started anew or a network break at any moment. What was being read is read again, what was being written
is written again where that can be told from having been written; meanwhile nothing else is done.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import event, exc

from evonas.core.errors import EvonasError
from evonas.core.parsing import parse_json
from evonas.memory.schema import dumps, evaluations, meta

PATIENCE = 30  # seconds that one process waits for another, and for a server that is gone
_LIBPQ = {
    "connect_timeout": 10,
    "tcp_user_timeout": 1000 * PATIENCE,
}  # s and ms; without them a dead host is waited for
_KEY = 0x65766F6E6173  # "evonas", of a lock of PostgreSQL's
R = TypeVar("R")


class Unreachable(EvonasError):
    """The database does not answer: it is gone, or the connection to it is lost."""


def engine_of(url: sa.URL) -> sa.Engine:
    """Raises exc.ArgumentError or ImportError where SQLAlchemy knows no such database, or has no driver for it."""
    sqlite = url.get_backend_name() == "sqlite"
    libpq = url.get_driver_name() in ("psycopg", "psycopg2")
    asked = {name: value for name, value in _LIBPQ.items() if libpq and name not in url.query}
    options: dict[str, Any] = {} if sqlite else {"pool_pre_ping": True, "connect_args": asked}
    own = {"json_serializer": dumps, "json_deserializer": parse_json, "hide_parameters": True}
    engine = sa.create_engine(url, **own, **options)
    if sqlite:
        event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """NORMAL: a commit survives a killed process; only a power cut, not a kill, can lose the last ones, and never
    corrupts."""
    cursor = connection.cursor()
    own = f"busy_timeout={1000 * PATIENCE}", "trusted_schema=OFF"  # a file's own views and triggers call nothing
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON", *own):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def lost(engine: sa.Engine, error: exc.DBAPIError) -> bool:
    """Whether a server did not answer, rather than refuse."""
    if engine.dialect.name == "sqlite":
        return False
    # what fails before there is a connection is an OperationalError without a statement
    return error.connection_invalidated or (isinstance(error, exc.OperationalError) and error.statement is None)


def patiently(work: Callable[[bool], R]) -> R:
    """What `work(False)` gives, and where the database is lost meanwhile `work(True)`, again and again for `PATIENCE`
    seconds. Raises Unreachable after them."""
    deadline, again = time.monotonic() + PATIENCE, False
    while True:
        try:
            return work(again)
        except Unreachable:
            if time.monotonic() > deadline:
                raise
        again = True
        time.sleep(0.2)


def alone(connection: sa.Connection) -> None:
    """Wait until nobody else is in a transaction that begins so, and keep the others waiting until this one ends."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.execute(sa.select(meta.c.schema_version).with_for_update())


def alone_without_tables(connection: sa.Connection) -> None:
    """The same where there is no table to wait at."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_KEY)))


def wait_for_appends(connection: sa.Connection) -> None:
    """Evaluations that are being written get their ids before they are committed: after this no lower one can come.

    SQLite writes one after the other.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"LOCK TABLE {evaluations.name} IN SHARE MODE")
