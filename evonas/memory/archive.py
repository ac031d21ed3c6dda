"""The archive: the memory of all runs. SQLAlchemy Core on SQLite (WAL), or any database by URL.

What is appended is on disk before anybody is told. One file holds all runs, by default in the user's data folder.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from evonas.core import plugins
from evonas.core.errors import EvonasError, NameTaken, choices
from evonas.core.genomes import freeze
from evonas.core.types import Candidate, Evaluation, Task, Trial

SCHEMA_VERSION = 1
PATIENCE = 30  # seconds that one process waits for another

_metadata = sa.MetaData()
_meta = sa.Table("evonas", _metadata, sa.Column("schema_version", sa.Integer, nullable=False))
_tasks = sa.Table(
    "tasks",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("input_shape", sa.JSON, nullable=False),
    sa.Column("n_classes", sa.Integer, nullable=False),
    sa.Column("features", sa.JSON, nullable=False),
)
_runs = sa.Table(
    "runs",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("task_id", sa.ForeignKey("tasks.id"), nullable=False),
    sa.Column("encoding", sa.Text, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("surrogate", sa.Text, nullable=False),
    sa.Column("seed", sa.Integer, nullable=False),
    sa.Column("config", sa.JSON, nullable=False),
    sa.Column("versions", sa.JSON, nullable=False),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("mark", sa.Integer, nullable=False),
    sa.Column("result", sa.JSON),
)
_evaluations = sa.Table(
    "evaluations",
    _metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("run_id", sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("after", sa.Integer, nullable=False),
    sa.Column("genome", sa.JSON, nullable=False),
    sa.Column("fidelity", sa.Float, nullable=False),
    sa.Column("parents", sa.JSON, nullable=False),
    sa.Column("metrics", sa.JSON, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("elapsed", sa.Float, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("error", sa.Text),
    sa.UniqueConstraint("run_id", "number"),
)
_RUN_COLUMNS = [column.name for column in _runs.c if column.name not in ("id", "task_id")]
_TASK_COLUMNS = [column.label(f"task_{column.name}") for column in _tasks.c]
_insert_evaluation = sa.insert(_evaluations)


@dataclass(frozen=True)
class RunRecord:
    """A run with its whole configuration.

    `mark` is the id of the newest evaluation when the run began: what it could remember, and can again on resume.
    `status` is 'running' until it is 'done' or 'interrupted'; a killed run stays 'running'.
    """

    name: str
    task: Task
    encoding: str
    method: str
    surrogate: str = "none"
    seed: int = 0
    config: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    device: str = ""
    command: str = ""
    status: str = "running"
    created: str = ""
    mark: int = 0
    result: Mapping[str, Any] | None = None


def default_archive() -> str:
    """`EVONAS_ARCHIVE`, or `archive.db` in the user's data folder."""
    from platformdirs import user_data_path

    return os.environ.get("EVONAS_ARCHIVE") or str(user_data_path("evonas", appauthor=False) / "archive.db")


class Archive:
    """A Store in a database. `where` is a file's path or a database URL; by default `default_archive()`.

    Raises EvonasError where the place cannot be written, holds something else, or was made by a newer evonas.
    """

    def __init__(self, where: str | Path | None = None):
        self.where = str(where or default_archive())
        self._until: int | None = None
        self._run_ids: dict[str, int] = {}
        self._engine = _engine(self.where)
        if self._sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
        try:
            self._check()
        except exc.DatabaseError as error:
            raise EvonasError(f"cannot use {self.where!r} as an archive: {_reason(error)}; {_ELSEWHERE}") from error

    def _check(self) -> None:
        """Make the tables in an empty place; refuse a foreign or a newer one, and leave it as it is."""
        tables = set(sa.inspect(self._engine).get_table_names())
        if not tables:
            tables = self._make_tables()
        if not set(_metadata.tables) <= tables:
            raise EvonasError(f"{self.where!r} is a database but no evonas archive; {_ELSEWHERE}")
        with self._engine.connect() as connection:
            version = connection.execute(sa.select(_meta.c.schema_version)).scalar_one()
        if version > SCHEMA_VERSION:
            raise EvonasError(
                f"{self.where!r} has schema version {version}, this evonas knows up to {SCHEMA_VERSION}; "
                "upgrade evonas, or give another --archive"
            )
        if self._sqlite:
            self._write_ahead()

    def _make_tables(self) -> set[str]:
        """Of several searches that begin at once, one makes them and the others wait."""
        with self._engine.begin() as connection:
            if self._sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            if not sa.inspect(connection).get_table_names():
                _metadata.create_all(connection)
                connection.execute(sa.insert(_meta), {"schema_version": SCHEMA_VERSION})
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
        with self._begin() as connection:
            mark = connection.execute(sa.select(sa.func.coalesce(sa.func.max(_evaluations.c.id), 0))).scalar_one()
            record = replace(record, mark=mark, created=datetime.now(UTC).isoformat(timespec="seconds"))
            values = {c: getattr(record, c) for c in _RUN_COLUMNS}
            try:
                connection.execute(sa.insert(_runs), {**values, "task_id": _task_id(connection, record.task)})
            except exc.IntegrityError as error:
                raise NameTaken(
                    f"a run named {record.name!r} is in the archive already; give another --name, "
                    f"or go on with it: evonas resume {record.name}"
                ) from error
        return record

    def run(self, name: str) -> RunRecord:
        """Raises EvonasError, with the names there are, where there is no such run."""
        for record in self.runs(name):
            return record
        names = [record.name for record in self.runs()]
        there = f"there are {choices(names)}" if names else "the archive has no runs yet"
        raise EvonasError(f"no run named {name!r} in {self.where!r}; {there}")

    def runs(self, name: str | None = None) -> list[RunRecord]:
        """All runs, oldest first."""
        query = sa.select(*(_runs.c[c] for c in _RUN_COLUMNS), *_TASK_COLUMNS).join(_tasks)
        if name is not None:
            query = query.where(_runs.c.name == name)
        with self._connect() as connection:
            rows = connection.execute(query.order_by(_runs.c.id)).mappings().all()
        return [RunRecord(task=_task(row), **{c: row[c] for c in _RUN_COLUMNS}) for row in rows]

    def update_run(self, name: str, **values: Any) -> None:
        """Set columns of a run, its `status` and `result` say."""
        with self._begin() as connection:
            connection.execute(sa.update(_runs).where(_runs.c.name == name).values(**values))

    def delete_run(self, name: str) -> int:
        """Forget a run and its trials; returns how many trials that were. Raises EvonasError where there is none."""
        self.run(name)
        return self.delete_runs([name])

    def delete_runs(self, names: Sequence[str]) -> int:
        """Forget these runs and their trials, all or none; returns how many trials that were."""
        deleted = 0
        with self._begin() as connection:
            for name in names:
                run_id = sa.select(_runs.c.id).where(_runs.c.name == name).scalar_subquery()
                deleted += connection.execute(sa.delete(_evaluations).where(_evaluations.c.run_id == run_id)).rowcount
                connection.execute(sa.delete(_runs).where(_runs.c.name == name))
                self._run_ids.pop(name, None)
            orphan = ~sa.exists().where(_runs.c.task_id == _tasks.c.id)
            connection.execute(sa.delete(_tasks).where(orphan))
        return deleted

    def summary(self) -> list[dict[str, Any]]:
        """What is remembered: one row for each data set and encoding spec, in the order they were begun."""
        ok = _evaluations.c.status == "ok"
        accuracy = sa.case((ok, _evaluations.c.metrics["val_accuracy"].as_float()))
        query = (
            sa.select(
                *_TASK_COLUMNS,
                _runs.c.encoding,
                sa.func.count(sa.case((_evaluations.c.status != "absent", 1))).label("trainings"),
                sa.func.count(sa.case((ok, 1))).label("succeeded"),
                sa.func.count(sa.distinct(_runs.c.id)).label("runs"),
                sa.func.max(accuracy).label("best"),
                sa.func.max(_runs.c.created).label("last"),
            )
            .select_from(_runs.join(_tasks).outerjoin(_evaluations))
            .group_by(_tasks.c.id, _runs.c.encoding)
            .order_by(sa.func.min(_runs.c.id))
        )
        with self._connect() as connection:
            found = connection.execute(query).mappings().all()
        figures = ("encoding", "trainings", "succeeded", "runs", "best", "last")
        return [{"task": _task(row), **{name: row[name] for name in figures}} for row in found]

    # --- trials (the Store agreement)

    def append(self, trial: Trial) -> None:
        """Returns when the trial is committed. Raises EvonasError where its run is not in the archive."""
        evaluation, candidate = trial.evaluation, trial.evaluation.candidate
        with self._begin() as connection:
            if trial.run not in self._run_ids:
                run_id = connection.execute(sa.select(_runs.c.id).where(_runs.c.name == trial.run)).scalar()
                if run_id is None:
                    raise EvonasError(f"no run named {trial.run!r} to append a trial to; add_run comes first")
                self._run_ids[trial.run] = run_id
            connection.execute(
                _insert_evaluation,
                {
                    "run_id": self._run_ids[trial.run],
                    "number": trial.number,
                    "after": trial.after,
                    "genome": candidate.genome,
                    "fidelity": candidate.fidelity,
                    "parents": candidate.parents,
                    "metrics": dict(evaluation.metrics),
                    "seconds": evaluation.seconds,
                    "elapsed": trial.elapsed,
                    "status": evaluation.status,
                    "error": evaluation.error,
                },
            )

    def trials(self, run: str | None = None, *, encoding: str | None = None, task: str | None = None) -> list[Trial]:
        """In the order they were told; of one run, of one encoding (by its plain name), of one task (by name)."""
        query = sa.select(_evaluations, _runs.c.name.label("run"), _runs.c.encoding)
        query = query.select_from(_evaluations.join(_runs).join(_tasks))
        if run is not None:
            query = query.where(_runs.c.name == run)
        if task is not None:
            query = query.where(_tasks.c.name == task)
        if self._until is not None:
            query = query.where(_evaluations.c.id <= self._until)
        with self._connect() as connection:
            rows = connection.execute(query.order_by(_evaluations.c.id)).mappings().all()
        return [_trial(row) for row in rows if encoding in (None, plugins.plain_name(row["encoding"]))]

    def counts(self) -> dict[str, int]:
        """How many trials each run has."""
        query = (
            sa.select(_runs.c.name, sa.func.count(_evaluations.c.id).label("trials"))
            .join(_evaluations)
            .group_by(_runs.c.name)
        )
        with self._connect() as connection:
            return {row.name: row.trials for row in connection.execute(query)}

    def as_of(self, mark: int) -> Archive:
        """The same archive, but its `trials` end with evaluation `mark`: what a run could remember when it began."""
        view = copy(self)
        view._until = mark
        return view

    def close(self) -> None:
        self._engine.dispose()

    def _connect(self) -> sa.Connection:
        return self._engine.connect()

    def _begin(self):
        return self._engine.begin()


_ELSEWHERE = "give another place with --archive or EVONAS_ARCHIVE"


def _engine(where: str) -> sa.Engine:
    try:
        return sa.create_engine(_url(where), json_serializer=dumps)
    except (exc.ArgumentError, ImportError) as error:
        raise EvonasError(f"cannot use {where!r} as an archive: {error}; {_ELSEWHERE}") from error


def _url(where: str) -> str:
    """A path as an SQLite URL, its folder made; a URL as it is."""
    if "://" in where:
        return where
    path = Path(where).expanduser()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EvonasError(f"cannot make a folder for the archive {where!r}: {error.strerror}; {_ELSEWHERE}") from error
    if path.is_dir():
        raise EvonasError(f"the archive {where!r} is a folder; give a file, for example {str(path / 'archive.db')!r}")
    return f"sqlite:///{path}"


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """NORMAL: a commit survives a killed process; only a power cut, not a kill, can lose the last ones, and never
    corrupts."""
    cursor = connection.cursor()
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={1000 * PATIENCE}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _reason(error: exc.DatabaseError) -> str:
    return str(error.orig or error).splitlines()[0]


def dumps(value: Any) -> str:
    """JSON without NaN, which it has no word for: such a metric is stored as null."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_without_nan(value), allow_nan=False)


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _without_nan(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(v) for v in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _task_id(connection: sa.Connection, task: Task) -> int:
    same = (_tasks.c.name == task.name) & (_tasks.c.fingerprint == task.fingerprint)
    found = connection.execute(sa.select(_tasks.c.id).where(same)).scalar()
    if found is not None:
        return found
    values = {**vars(task), "features": dict(task.features)}
    return connection.execute(sa.insert(_tasks).returning(_tasks.c.id), values).scalar_one()


def _task(row: sa.RowMapping) -> Task:
    return Task(
        name=row["task_name"],
        input_shape=tuple(row["task_input_shape"]),
        n_classes=row["task_n_classes"],
        features={k: math.nan if v is None else v for k, v in row["task_features"].items()},
        fingerprint=row["task_fingerprint"],
    )


def _trial(row: sa.RowMapping) -> Trial:
    candidate = Candidate(freeze(row["genome"]), row["fidelity"], freeze(row["parents"]))
    metrics = {name: math.nan if value is None else value for name, value in row["metrics"].items()}
    evaluation = Evaluation(candidate, metrics, row["seconds"], row["status"], row["error"])
    return Trial(row["run"], row["number"], row["after"], evaluation, row["elapsed"])
