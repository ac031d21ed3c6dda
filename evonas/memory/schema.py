"""The archive's tables, and how what is recorded becomes rows and comes back.

Whoever changes a table raises `SCHEMA_VERSION` and writes the step from the version before in `migrations.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from evonas.core.errors import in_short
from evonas.core.genomes import freeze, plain
from evonas.core.types import STATES, Candidate, Evaluation, Task, Trial

SCHEMA_VERSION = 2

metadata = sa.MetaData()
meta = sa.Table("evonas", metadata, sa.Column("schema_version", sa.Integer, nullable=False))


def _table(name: str, *columns: Any) -> sa.Table:
    """With ids that are never given twice, so that `RunRecord.mark` holds after a deletion."""
    return sa.Table(name, metadata, sa.Column("id", sa.Integer, primary_key=True), *columns, sqlite_autoincrement=True)


tasks = _table(
    "tasks",
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("input_shape", sa.JSON, nullable=False),
    sa.Column("n_classes", sa.Integer, nullable=False),
    sa.Column("features", sa.JSON, nullable=False),
    sa.Column("domain", sa.Text, nullable=False, server_default="images"),
)
runs = _table(
    "runs",
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("task_id", sa.ForeignKey("tasks.id"), nullable=False),
    sa.Column("encoding", sa.Text, nullable=False),
    # `home_name` of the encoding: a search reads the trainings of its own only
    sa.Column("encoding_name", sa.Text, nullable=False, index=True, server_default=""),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("surrogate", sa.Text, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("config", sa.JSON, nullable=False),
    sa.Column("versions", sa.JSON, nullable=False),
    sa.Column("signature", sa.JSON),
    sa.Column("device", sa.Text, nullable=False),
    sa.Column("command", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("created", sa.Text, nullable=False),
    sa.Column("mark", sa.Integer, nullable=False),
    sa.Column("result", sa.JSON),
)
evaluations = _table(
    "evaluations",
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
    sa.Column("origin", sa.Text, nullable=False, server_default="unknown"),
    sa.Column("traceback", sa.Text),
    sa.UniqueConstraint("run_id", "number"),
)
RUN_COLUMNS = [column.name for column in runs.c if column.name not in ("id", "task_id", "encoding_name")]
_OF_AN_EVALUATION = [column.name for column in evaluations.c if column.name not in ("id", "run_id", "genome")]
_OF_A_TASK = [column.name for column in tasks.c if column.name != "id"]
TASK_COLUMNS = [column.label(f"task_{column.name}") for column in tasks.c]


def task_id(connection: sa.Connection, task: Task) -> int:
    """The row of a task, made where there is none yet."""
    same = (tasks.c.name == task.name) & (tasks.c.fingerprint == task.fingerprint) & (tasks.c.domain == task.domain)
    found = connection.execute(sa.select(tasks.c.id).where(same)).scalar()
    if found is not None:
        return found
    values = {**vars(task), "features": dict(task.features)}
    return connection.execute(sa.insert(tasks).returning(tasks.c.id), values).scalar_one()


NUMBER, WHOLE, TEXT = (int, float), (int,), (str,)
TYPES: Mapping[str, tuple[type, ...]] = {  # what a column holds once its JSON is read; SQLite would take anything
    **dict.fromkeys(("number", "after", "id", "seed", "mark", "n_classes"), WHOLE),
    **dict.fromkeys(("fidelity", "seconds", "elapsed"), NUMBER),
    **dict.fromkeys(("metrics", "features", "config", "versions", "signature", "result"), (dict,)),
    **dict.fromkeys(("parents", "input_shape"), (list,)),
}
MAY_BE_EMPTY = ("signature", "result", "error", "traceback")


def empty() -> sa.Engine:
    """An archive without a run, in memory."""
    engine = sa.create_engine("sqlite://", poolclass=sa.StaticPool, connect_args={"check_same_thread": False})
    metadata.create_all(engine)
    return engine


def check(row: Mapping[Any, Any], names: Iterable[str], prefix: str = "") -> None:
    """Whether columns of a row hold what they are for. Raises ValueError that names the column and the value."""
    for name in names:
        value = row[prefix + name]
        wanted = TYPES.get(name, TEXT)
        if (isinstance(value, wanted) and not isinstance(value, bool)) or (value is None and name in MAY_BE_EMPTY):
            continue
        raise ValueError(f"{prefix + name} is {in_short(value)}, not {wanted[0].__name__}")


def check_evaluation(row: Mapping[Any, Any]) -> None:
    """The same of all columns of an evaluation, and of what stands in them. Raises ValueError."""
    check(row, _OF_AN_EVALUATION)
    if row["status"] not in STATES:
        raise ValueError(f"status is {row['status']!r}, not 'ok', 'failed' or 'absent'")
    if not 0 < row["fidelity"] <= 1:
        raise ValueError(f"fidelity is {row['fidelity']}, not above 0 and up to 1")
    for value in row["metrics"].values():
        if not isinstance(value, int | float | None):
            raise ValueError(f"a metric is {in_short(value)}, not a number")
    try:
        hash((freeze(row["genome"]), freeze(row["parents"])))
    except TypeError:
        raise ValueError(f"the genome {in_short(row['genome'])}, or a parent, holds an object") from None


def check_task(row: Mapping[Any, Any]) -> None:
    """The same of a task, whose columns are called `task_…`. Raises ValueError."""
    check(row, _OF_A_TASK, "task_")
    if not all(isinstance(n, int) and not isinstance(n, bool) for n in row["task_input_shape"]):
        raise ValueError(f"task_input_shape is {row['task_input_shape']!r}, not whole numbers")
    for value in row["task_features"].values():
        if not isinstance(value, int | float | None):
            raise ValueError(f"a feature of the task is {in_short(value)}, not a number")


def task_of(row: Mapping[Any, Any]) -> Task:
    """From a row with `TASK_COLUMNS`. Raises ValueError where they hold something else."""
    check_task(row)
    return Task(
        name=row["task_name"],
        input_shape=tuple(row["task_input_shape"]),
        n_classes=row["task_n_classes"],
        features={k: math.nan if v is None else v for k, v in row["task_features"].items()},
        fingerprint=row["task_fingerprint"],
        domain=row["task_domain"],
    )


def trial_of(row: Mapping[Any, Any]) -> Trial:
    """From a row with the columns of an evaluation and its `run`'s name. Raises ValueError where they hold something
    else."""
    check_evaluation(row)
    candidate = Candidate(freeze(row["genome"]), row["fidelity"], freeze(row["parents"]), row["origin"])
    metrics = {name: math.nan if value is None else value for name, value in row["metrics"].items()}
    evaluation = Evaluation(candidate, metrics, row["seconds"], row["status"], row["error"], row["traceback"])
    return Trial(row["run"], row["number"], row["after"], evaluation, row["elapsed"])


def values_of(trial: Trial) -> dict[str, Any]:
    """The columns of a trial's evaluation, all but the run's id; numpy's numbers as Python's."""
    evaluation, candidate = trial.evaluation, trial.evaluation.candidate
    return {
        "number": trial.number,
        "after": trial.after,
        "genome": plain(candidate.genome),
        "fidelity": float(candidate.fidelity),
        "parents": plain(candidate.parents),
        "metrics": {name: plain(value) for name, value in evaluation.metrics.items()},
        "seconds": float(evaluation.seconds),
        "elapsed": float(trial.elapsed),
        "status": evaluation.status,
        "error": _utf8(evaluation.error),
        "origin": candidate.origin,
        "traceback": _utf8(evaluation.traceback),
    }


def _utf8(text: str | None) -> str | None:
    """Text that a database takes: file names that are no UTF-8 stand in messages too."""
    return None if text is None else text.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")


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
