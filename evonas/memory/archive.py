"""The archive: the memory of all runs. SQLAlchemy Core on SQLite (WAL), or any database by URL.

What is appended is on disk before any searcher observes it. One file holds all runs, by default in the user's data
folder.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import RLock
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa
from sqlalchemy import exc

from evonas.core.errors import EvonasError, NameTaken, choices, first_line
from evonas.core.genomes import freeze
from evonas.core.specs import home_name
from evonas.core.types import Task, Trial
from evonas.memory import damage, migrations, places, schema
from evonas.memory.connections import (
    PATIENCE,
    Unreachable,
    alone,
    alone_without_tables,
    engine_of,
    lost,
    patiently,
    wait_for_appends,
)
from evonas.memory.places import ELSEWHERE, default_archive, shown, without_passwords
from evonas.memory.schema import RUN_COLUMNS, SCHEMA_VERSION, TASK_COLUMNS, dumps, evaluations, runs, tasks

if TYPE_CHECKING:
    from evonas.core.goals import Objective

__all__ = ["SCHEMA_VERSION", "Archive", "RunRecord", "default_archive", "dumps"]

DRIVER = "write postgresql+psycopg://… after pip install 'evonas[postgres]'"

R = TypeVar("R")
_INSERT = sa.insert(evaluations)


@dataclass(frozen=True)
class RunRecord:
    """A run with its whole configuration.

    `signature` is what the encoding offered (`evonas.encodings.signature`), so that a changed one is noticed.
    `mark` is the id of the newest evaluation when the run began: what it could remember, and can again on resume.
    `status` is 'running' until it is 'done' or 'interrupted'; a killed run stays 'running' here, and
    `evonas.memory.locks.status` says what it is.
    """

    name: str
    task: Task
    encoding: str
    method: str
    surrogate: str = "none"
    seed: int = 0
    config: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    signature: Mapping[str, Any] | None = None
    device: str = ""
    command: str = ""
    status: str = "running"
    created: str = ""
    mark: int = 0
    result: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Without passwords from the beginning: whoever has a record may show it."""
        object.__setattr__(self, "config", without_passwords(self.config))
        object.__setattr__(self, "command", shown(self.command))


class Archive:
    """A Store in a database.

    A file that is not there reads as an empty archive, and is made when the first run is written (or by `make`).
    An archive of an earlier evonas is brought up to date when it is opened (see `migrations.py`), and a copy of it is
    kept. One that cannot be written, or is opened `read_only`, stays as it is and takes no trials.

    Args:
        where: a file's path or a database URL; by default `default_archive()`.
        read_only: leave what it holds as it is, and its version too.

    Attributes:
        where: the place for people and for the record: a file's absolute path, or a URL without its password.
        file: of an SQLite archive; None of another database.

    Raises EvonasError where the place cannot be used, holds something else, or was made by a newer evonas.
    """

    def __init__(self, where: str | Path | None = None, *, read_only: bool = False):
        place = places.located(where or default_archive())
        url = places.url_of(place)
        self.where = shown(place) if places.is_url(place) else place
        self.file = places.file_of(url)
        if self.file is not None and not read_only:
            places.check_room(self.file)
        locked = self.file is not None and not places.writable(self.file)
        self.read_only = read_only or locked
        self._until: int | None = None
        self._run_ids: dict[str, int] = {}
        try:
            self._engine = engine_of(places.read_only_url(self.file) if self.file is not None and locked else url)
        except (exc.ArgumentError, ImportError) as error:  # no such database, or no driver for it
            words = shown(first_line(error))
            driver = url.get_backend_name() == "postgresql" and isinstance(error, ImportError)
            out = f"{DRIVER}, or {ELSEWHERE}" if driver else ELSEWHERE
            raise EvonasError(f"cannot use {self.where!r} as an archive: {words}; {out}") from error
        self._is, self._gone = None, ""
        self._lock = RLock()
        new = self.file is not None and not read_only and not os.path.lexists(self.file)
        self._nothing = schema.empty() if new else None  # what is read while there is no file
        if not new:
            self._begin()

    def make(self) -> None:
        """Make a new archive's file now. Otherwise the first that is written does, for who only looks leaves nothing
        behind. Raises EvonasError where it cannot be made."""
        with self._lock:
            if self._nothing is not None and self.file is not None:
                places.make_room(self.file)
                self._begin()
                self._nothing = None

    def _looked_at(self) -> sa.Engine:
        """The database, or an empty one until there is a file, which another process may make."""
        if self._nothing is not None and self.file is not None and os.path.lexists(self.file):
            self.make()
        return self._nothing or self._engine

    def _begin(self) -> None:
        try:
            self._open()
        except exc.DBAPIError as error:
            if self._sqlite and "malformed" in _reason(error):
                raise EvonasError(self._damaged(_reason(error))) from error
            raise EvonasError(f"cannot use {self.where!r} as an archive: {_reason(error)}; {ELSEWHERE}") from error
        except UnicodeError as error:  # of the file's own table of tables, or of its name
            raise EvonasError(self._damaged(_cause(error))) from error
        self._is = damage.identity(self.file) if self.file is not None else None

    def _open(self) -> None:
        """Make the tables in an empty place, migrate older ones; refuse a foreign or a newer one, and leave it."""
        if self.file is not None and damage.emptied(self.file):
            raise EvonasError(self._damaged("it is empty, and its log is not"))
        if self.file is not None and self.file.exists():
            with self._engine.connect() as connection:
                if damage.cut_short(connection, self.file):
                    raise EvonasError(self._damaged("it is cut short"))
        there = set(sa.inspect(self._engine).get_table_names())
        if not there and not self.read_only:
            there = self._make_tables()
        if not set(schema.metadata.tables) <= there:
            raise EvonasError(f"{self.where!r} is a database but no evonas archive; {ELSEWHERE}")
        with self._reading(self._engine) as connection:
            found = connection.execute(sa.select(schema.meta.c.schema_version)).scalars().all()
        version = found[0] if len(found) == 1 else None
        if not isinstance(version, int) or version < 1:
            raise EvonasError(self._damaged(f"its schema version is {found}"))
        if version > SCHEMA_VERSION:
            raise EvonasError(
                f"{self.where!r} has schema version {version}, this evonas knows up to {SCHEMA_VERSION}; "
                "upgrade evonas, or give another --archive"
            )
        if version < SCHEMA_VERSION and self.read_only:
            self._engine = migrations.migrated_copy(self._engine, self.where)
        elif version < SCHEMA_VERSION:
            migrations.migrate(self._engine, self.where, self.file)
        if self._sqlite and not self.read_only:
            self._write_ahead()

    def _make_tables(self) -> set[str]:
        """Of several searches that begin at once, one makes them and the others wait."""
        with self._engine.begin() as connection:
            alone_without_tables(connection)
            if not sa.inspect(connection).get_table_names():
                schema.metadata.create_all(connection)
                connection.execute(sa.insert(schema.meta), {"schema_version": SCHEMA_VERSION})
            return set(sa.inspect(connection).get_table_names())

    def _write_ahead(self) -> None:
        """WAL: readers do not block the writer. SQLite does not wait for others with this change, so we do."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with self._engine.connect() as connection:
                    if connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() != "wal":
                        connection.exec_driver_sql("PRAGMA journal_mode=WAL")
                return
            except exc.OperationalError as error:
                if "locked" not in _reason(error) or time.monotonic() > deadline:
                    raise
            time.sleep(0.01)

    @property
    def _sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    # --- runs

    def add_run(self, record: RunRecord) -> RunRecord:
        """Begin a run; returns the record with its creation time and its mark.

        Raises NameTaken.
        """
        with self.writing() as connection:
            alone(connection)
            wait_for_appends(connection)
            mark = connection.execute(sa.select(sa.func.coalesce(sa.func.max(evaluations.c.id), 0))).scalar_one()
            record = replace(record, mark=mark, created=datetime.now(UTC).isoformat(timespec="seconds"))
            values = {c: getattr(record, c) for c in RUN_COLUMNS}
            values |= {"encoding_name": home_name(record.encoding)}
            try:
                connection.execute(sa.insert(runs), {**values, "task_id": schema.task_id(connection, record.task)})
            except exc.IntegrityError as error:
                raise _taken(record.name) from error
        return record

    def check_free(self, name: str) -> None:
        """Raises NameTaken where there is a run of that name."""
        if self.runs(name):
            raise _taken(name)

    def run(self, name: str) -> RunRecord:
        """Raises EvonasError, with the names there are, where there is no such run."""
        for record in self.runs(name) if isinstance(name, str) and is_utf8(name) else ():
            return record
        names = [record.name for record in self.runs()]
        there = f"there are {choices(names)}" if names else "the archive has no runs yet"
        raise EvonasError(f"no run named {name!r} in {self.where!r}; {there}")

    def runs(self, name: str | None = None) -> list[RunRecord]:
        """All runs, oldest first."""
        query = sa.select(*(runs.c[c] for c in RUN_COLUMNS), *TASK_COLUMNS).join(tasks)
        if name is not None:
            query = query.where(runs.c.name == name)
        return self._read(query.order_by(runs.c.id), _record_of)

    def update_run(self, name: str, **values: Any) -> None:
        """Set columns of a run, its `status` and `result` say."""
        if "config" in values:
            values["config"] = without_passwords(values["config"])

        def update(_again: bool) -> None:
            with self.writing() as connection:
                connection.execute(sa.update(runs).where(runs.c.name == name).values(**values))

        patiently(update)

    def delete_run(self, name: str) -> int:
        """Forget a run and its trials; returns how many trials that were. Raises EvonasError where there is none."""
        self.run(name)
        return self.delete_runs([name])

    def delete_runs(self, names: Sequence[str]) -> int:
        """Forget these runs and their trials, all or none; returns how many trials that were."""
        deleted = 0
        with self.writing() as connection:
            alone(connection)
            for name in names:
                run_id = sa.select(runs.c.id).where(runs.c.name == name).scalar_subquery()
                deleted += connection.execute(sa.delete(evaluations).where(evaluations.c.run_id == run_id)).rowcount
                connection.execute(sa.delete(runs).where(runs.c.name == name))
                self._run_ids.pop(name, None)
            orphan = ~sa.exists().where(runs.c.task_id == tasks.c.id)
            connection.execute(sa.delete(tasks).where(orphan))
        return deleted

    def summary(self) -> list[dict[str, Any]]:
        """What is remembered: one row for each data set and encoding spec, in the order they were begun."""
        ok = evaluations.c.status == "ok"
        accuracy = sa.case((ok, evaluations.c.metrics["val_accuracy"].as_float()))
        query = (
            sa.select(
                *TASK_COLUMNS,
                runs.c.encoding,
                sa.func.count(sa.case((evaluations.c.status != "absent", 1))).label("trainings"),
                sa.func.count(sa.case((ok, 1))).label("succeeded"),
                sa.func.count(sa.distinct(runs.c.id)).label("runs"),
                sa.func.max(accuracy).label("best"),
                sa.func.max(runs.c.created).label("last"),
            )
            .select_from(runs.join(tasks).outerjoin(evaluations))
            .group_by(tasks.c.id, runs.c.encoding)
            .order_by(sa.func.min(runs.c.id))
        )
        figures = ("encoding", "trainings", "succeeded", "runs", "best", "last")
        return self._read(query, lambda row: {"task": schema.task_of(row), **{name: row[name] for name in figures}})

    # --- trials (the Store agreement)

    def append(self, trial: Trial) -> None:
        """Returns when the trial is committed. Raises EvonasError where its run is not in the archive."""
        patiently(lambda again: self._append(trial, again))

    def _append(self, trial: Trial, again: bool) -> None:
        """Where the connection was lost while it was written (`again`) it may be there."""
        with self.writing() as connection:
            if trial.run not in self._run_ids:
                run_id = connection.execute(sa.select(runs.c.id).where(runs.c.name == trial.run)).scalar()
                if run_id is None:
                    raise EvonasError(f"no run named {trial.run!r} to append a trial to; add_run comes first")
                self._run_ids[trial.run] = run_id
            try:
                values = {"run_id": self._run_ids[trial.run], **schema.values_of(trial)}
                if not (again and _is_there(connection, values)):
                    connection.execute(_INSERT, values)
            except (TypeError, ValueError, exc.StatementError) as error:
                if isinstance(error, exc.DBAPIError):
                    raise
                raise EvonasError(f"trial {trial.number} cannot be stored: {_cause(error)}") from error

    def trials(self, run: str | None = None, *, encoding: str | None = None, task: str | None = None) -> list[Trial]:
        """In the order they were observed; of one run, of one encoding (by its plain name), of one task (by name)."""
        query = sa.select(evaluations, runs.c.name.label("run"))
        query = query.select_from(evaluations.join(runs).join(tasks))
        if run is not None:
            query = query.where(runs.c.name == run)
        if encoding is not None:
            query = query.where(runs.c.encoding_name == home_name(encoding))
        if task is not None:
            query = query.where(tasks.c.name == task)
        if self._until is not None:
            query = query.where(evaluations.c.id <= self._until)
        return self._read(query.order_by(evaluations.c.id), schema.trial_of)

    def some_trials(self, most: int, objective: Objective, encoding: str) -> list[Trial]:
        """About `most` trials of an encoding, in the order they were observed; all where there are no more.

        Runs have equal shares, and what a small one leaves the others share. Of a run that has more than its share one
        in five are its best by the objective; the others are spread evenly over its length.
        """
        run_id, value = evaluations.c.run_id, evaluations.c.metrics[objective.name].as_float()
        those = sa.select(runs.c.id).where(runs.c.encoding_name == home_name(encoding))
        of_it = run_id.in_(those) if self._until is None else run_id.in_(those) & (evaluations.c.id <= self._until)
        each = sa.select(run_id, sa.func.count().label("n")).where(of_it).group_by(run_id).subquery()
        counts = self._read(sa.select(each.c.n), lambda row: row["n"])
        share = _equal_share(counts, most)
        if share >= max(counts, default=0):
            return self.trials(encoding=encoding)
        best = max(1, share // 5)
        rest = share - best
        spread = sa.select(evaluations.c.id).join(each, each.c.run_id == run_id).where(of_it)
        spread = spread.where(
            (each.c.n <= share) | (sa.cast(evaluations.c.number, sa.BigInteger) * rest % each.c.n < rest)
        )
        good = sa.case((evaluations.c.status == "ok", value if objective.maximize else -value))
        placed = sa.func.row_number().over(partition_by=run_id, order_by=good.desc().nulls_last()).label("place")
        places = sa.select(evaluations.c.id, placed).where(of_it).subquery()
        chosen = spread.union(sa.select(places.c.id).where(places.c.place <= best))
        query = sa.select(evaluations, runs.c.name.label("run")).select_from(evaluations.join(runs))
        return self._read(query.where(evaluations.c.id.in_(chosen)).order_by(evaluations.c.id), schema.trial_of)

    def counts(self, run: str | None = None) -> dict[str, int]:
        """How many trials each run has, or that one; a run without any is left out."""
        query = (
            sa.select(runs.c.name, sa.func.count(evaluations.c.id).label("trials"))
            .join(evaluations)
            .group_by(runs.c.name)
        )
        if run is not None:
            query = query.where(runs.c.name == run)
        return dict(self._read(query, lambda row: (row["name"], row["trials"])))

    def as_of(self, mark: int) -> Archive:
        """The same archive, but its `trials` end with evaluation `mark`: what a run could remember when it began."""
        view = copy(self)
        view._until = mark
        return view

    def unused(self) -> int:
        """Bytes of an SQLite file that hold nothing since runs were deleted; 0 of other databases."""
        if not self._sqlite:
            return 0
        with self.reading() as connection:
            pages, page = (
                connection.exec_driver_sql(f"PRAGMA {what}").scalar_one() for what in ("freelist_count", "page_size")
            )
        return pages * page

    def compact(self) -> None:
        """Give `unused` bytes back. Raises EvonasError where another process does not let the file go."""
        self.check_writable()
        try:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM")
        except exc.OperationalError as error:
            raise EvonasError(
                f"cannot compact the archive {self.where!r}: {_reason(error)}; try again later"
            ) from error

    def close(self) -> None:
        self._engine.dispose()

    def check_writable(self) -> None:
        """Raises EvonasError where nothing can be added."""
        if self.read_only:
            raise EvonasError(f"the archive {self.where!r} cannot be written; {ELSEWHERE}")

    def _read(self, query: sa.Executable, made: Callable[[Any], R]) -> list[R]:
        """What is made of each row; read again where the connection was lost."""

        def read(_again: bool) -> list[R]:
            with self.reading() as connection:
                return [made(row) for row in connection.execute(query).mappings().all()]

        return patiently(read)

    def reading(self) -> AbstractContextManager[sa.Connection]:
        """A connection to read by. Raises EvonasError where the archive cannot be read, is damaged, or holds what no
        evonas writes."""
        return self._reading(self._looked_at())

    @contextmanager
    def _reading(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        try:
            with engine.connect() as connection:
                yield connection
        except EvonasError:
            raise
        except exc.DatabaseError as error:
            raise self._refusal(error, "read") from error
        except (ValueError, OverflowError) as error:  # of its JSON, of its columns
            raise EvonasError(self._damaged(_cause(error))) from error

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction: all of what is done with the connection is kept, or nothing.

        Raises EvonasError where the archive cannot be written, is damaged or was removed, or another process does not
        let it go.
        """
        self.check_writable()
        self.make()
        self._check_there()
        try:
            with self._engine.begin() as connection:
                yield connection
        except exc.DatabaseError as error:
            raise self._refusal(error, "write to") from error

    def _check_there(self) -> None:
        """Raises EvonasError where the file was removed or replaced, having saved what it held."""
        if self.file is None or self._is is None or damage.identity(self.file) == self._is:
            return
        if not self._gone:
            with self._engine.connect() as connection:
                how = damage.saved(connection, self.file)
            self._gone = f"the archive {self.where!r} was removed or replaced while it was in use; {how}"
        raise EvonasError(self._gone)

    def _damaged(self, how: str) -> str:
        return (
            f"the archive {self.where!r} is damaged: {shown(how)}; bring back a copy of it, or take what can be read "
            "to a new one with the command `.recover` of the program sqlite3"
        )

    def _refusal(self, error: exc.DatabaseError, what: str) -> Exception:
        """In words, what a person can mend; other errors as they are."""
        if type(error) is exc.DatabaseError and self._sqlite:  # which is SQLite's for a file that makes no sense
            return EvonasError(self._damaged(_cause(error)))
        if lost(self._engine, error):
            return Unreachable(f"cannot {what} the archive {self.where!r}: {_reason(error)}; see to its server")
        if not isinstance(error, exc.OperationalError):
            return error
        return EvonasError(f"cannot {what} the archive {self.where!r}: {_reason(error)}; {ELSEWHERE}")


def _record_of(row: Any) -> RunRecord:
    schema.check(row, RUN_COLUMNS)
    return RunRecord(task=schema.task_of(row), **{column: row[column] for column in RUN_COLUMNS})


def _is_there(connection: sa.Connection, values: Mapping[str, Any]) -> bool:
    """Whether this very evaluation is stored; another one by its number is not it."""
    own = evaluations.c
    same = (own.run_id == values["run_id"]) & (own.number == values["number"]) & (own.elapsed == values["elapsed"])
    found = connection.execute(sa.select(own.genome).where(same)).scalars().all()
    return [freeze(one) for one in found] == [freeze(values["genome"])]


def _equal_share(counts: Sequence[int], most: int) -> int:
    """The share of each, so that all of them, none with more than it has, come to `most`."""
    left = most
    for i, count in enumerate(sorted(counts)):
        if count * (len(counts) - i) >= left:
            return left // (len(counts) - i)
        left -= count
    return max(counts, default=0)


def is_utf8(text: str) -> bool:
    """Whether a database takes it: a word of the command line may be no text."""
    try:
        return bool(text.encode() or True)
    except UnicodeEncodeError:
        return False


def _reason(error: exc.DBAPIError) -> str:
    return shown(_cause(error))


def _cause(error: Exception) -> str:
    """What is wrong, or what JSON or the database has no word for, in one line."""
    return first_line(getattr(error, "orig", None) or error)


def _taken(name: str) -> NameTaken:
    return NameTaken(
        f"a run named {name!r} is in the archive already; give another --name, or go on with it: evonas resume {name}"
    )
