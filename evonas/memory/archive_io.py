"""Taking memories from one archive to another: as rows, as a Parquet file, or archive to archive.

A row is one evaluation with all that is known of its run. Runs are recognised by what they are, not by name alone: two
archives both have a `digits-cell-1`, and the second to come is given another name. What is there already is left out,
so bringing in the same file twice changes nothing. All is one transaction: a file is taken in whole or not at all.
"""

from __future__ import annotations

import os
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, islice
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from evonas.core.errors import EvonasError, first_line
from evonas.core.files import whole
from evonas.core.parsing import parse_json
from evonas.core.specs import home_name
from evonas.memory import schema
from evonas.memory.archive import Archive
from evonas.memory.connections import alone, wait_for_appends
from evonas.memory.places import is_url, located, shown, without_passwords
from evonas.memory.schema import TASK_COLUMNS, dumps, evaluations, runs, tasks

Row = Mapping[str, Any]

FORMAT = 2  # of the Parquet file
_TASK = ("task_name", "task_fingerprint", "task_input_shape", "task_n_classes", "task_features", "task_domain")
_RUN = (
    "encoding",
    "method",
    "surrogate",
    "seed",
    "config",
    "versions",
    "signature",
    "device",
    "command",
    "created",
    "result",
)
_RESULT = ("metrics", "seconds", "elapsed", "status", "error", "traceback")
_EVALUATION = ("number", "after", "genome", "fidelity", "parents", "origin", *_RESULT)
COLUMNS = ("id", "run", *_TASK, *_RUN, "mark", "run_status", *_EVALUATION)
_IDENTITY = ("task_name", "task_fingerprint", "encoding", "method", "surrogate", "seed", "device", "command", "created")
_JSON = (
    "task_input_shape",
    "task_features",
    "config",
    "versions",
    "signature",
    "result",
    "genome",
    "parents",
    "metrics",
)
_INTEGERS = ("id", "task_n_classes", "seed", "mark", "number", "after")
_FLOATS = ("fidelity", "seconds", "elapsed")
# format -> the columns that it lacks, and what they would have held
_LACKS: Mapping[int, Row] = {
    1: {"task_domain": "images", "signature": None, "origin": "unknown", "traceback": None},
    FORMAT: {},
}
_BATCH = 10_000


@dataclass(frozen=True)
class Absorbed:
    """What came in: trainings and runs that are new, and trainings that were there already."""

    trainings: int
    runs: int
    known: int


def rows(archive: Archive) -> Iterator[Row]:
    """Every evaluation of an archive with `COLUMNS`, in the order they were observed."""
    query = sa.select(
        evaluations.c.id,
        runs.c.name.label("run"),
        *TASK_COLUMNS,
        *(runs.c[name] for name in (*_RUN, "mark")),
        runs.c.status.label("run_status"),
        *(evaluations.c[name] for name in _EVALUATION),
    ).select_from(evaluations.join(runs).join(tasks))
    with archive.reading() as connection:
        found = connection.execution_options(yield_per=_BATCH).execute(query.order_by(evaluations.c.id))
        for row in found.mappings():
            yield {name: row[name] for name in COLUMNS}


def absorb(archive: Archive, incoming: Iterable[Row]) -> Absorbed:
    """Take in rows, in their order; what is there already stays as it is, a run that has grown since is completed.

    What a run could remember when it began (`RunRecord.mark`) is kept as far as it came along.
    Raises EvonasError where the archive cannot be written.
    """
    batches = _batches(incoming)
    first = list(islice(batches, 1))  # before the archive is made: a file that cannot be read leaves none behind
    try:
        with archive.writing() as connection:
            alone(connection)
            wait_for_appends(connection)
            taker = _Taker(connection)
            for batch in chain(first, batches):
                if new := [made for row in batch if (made := taker.take(row))]:
                    connection.execute(sa.insert(evaluations), new)
            taker.finish()
    except exc.DatabaseError as error:
        words = shown(first_line(error.orig or error))
        raise EvonasError(f"nothing was taken into {archive.where!r}: {words}") from error
    return Absorbed(taker.new, len(taker.made), len(taker.places) - taker.new)


def _batches(incoming: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(incoming)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


class _Taker:
    """Finds or makes the run of each incoming row, and tells new rows from known ones."""

    def __init__(self, connection: sa.Connection):
        self.connection = connection
        self.new = 0
        self.made: dict[int, int] = {}  # run that is new here -> its mark there
        self.grown: dict[int, Row] = {}  # run that has new rows -> the last of them
        self.places: list[tuple[int, int, int]] = []  # id there, run here, number: of every row
        self._numbers: dict[int, set[int]] = {}  # run -> the trials that are there
        columns = [runs.c[name] for name in ("id", "name", *(c for c in _IDENTITY if c in _RUN))]
        found = connection.execute(sa.select(*columns, *TASK_COLUMNS).join(tasks)).mappings().all()
        self._names = {run["name"] for run in found}
        self._runs = {_identity(run["name"], dict(run)): run["id"] for run in found}

    def take(self, row: Row) -> dict[str, Any] | None:
        """The evaluation to insert; None where it is there already."""
        key = _identity(row["run"], row)
        run = self._runs[key] if key in self._runs else self._make(key, row)
        if run not in self._numbers:
            there = sa.select(evaluations.c.number).where(evaluations.c.run_id == run)
            self._numbers[run] = set(self.connection.execute(there).scalars())
        self.places.append((row["id"], run, row["number"]))
        if row["number"] in self._numbers[run]:
            return None
        self._numbers[run].add(row["number"])
        self.new += 1
        self.grown[run] = row
        return {"run_id": run, **{name: row[name] for name in _EVALUATION}}

    def _make(self, key: tuple[str, tuple], row: Row) -> int:
        name = key[0] if key[0] not in self._names else f"{key[0]}-{_tag(*key)}"
        values = {column: row[column] for column in _RUN}
        values |= {"name": name, "status": row["run_status"], "mark": 0}
        values["encoding_name"] = home_name(row["encoding"])
        values["task_id"] = schema.task_id(self.connection, schema.task_of(row))
        run = self.connection.execute(sa.insert(runs).returning(runs.c.id), values).scalar_one()
        self._names.add(name)
        self._runs[key] = run
        self._numbers[run] = set()
        self.made[run] = row["mark"]
        return run

    def finish(self) -> None:
        """Set how far the new runs could remember, and how the grown ones ended."""
        self.places.sort()
        for run, mark in self.made.items():
            before = bisect_right(self.places, mark, key=lambda place: place[0])
            if before:
                _, of, number = self.places[before - 1]
                same = (evaluations.c.run_id == of) & (evaluations.c.number == number)
                newest = sa.select(evaluations.c.id).where(same).scalar_subquery()
                self.connection.execute(sa.update(runs).where(runs.c.id == run).values(mark=newest))
        for run, row in self.grown.items():
            ended = {"status": row["run_status"], "result": row["result"]}
            self.connection.execute(sa.update(runs).where(runs.c.id == run).values(ended))


def _identity(name: str, run: Row) -> tuple[str, tuple]:
    """What tells a run from all others: the name it was born with, and what it searched, how, and when."""
    key = tuple(run[column] for column in _IDENTITY)
    stem, _, tag = name.rpartition("-")
    return (stem if tag == _tag(stem, key) else name), key


def _tag(name: str, key: tuple) -> str:
    return sha256(repr((name, key)).encode()).hexdigest()[:8]


# --- Parquet


def write_parquet(archive: Archive, path: Path) -> int:
    """Write all rows, what Parquet has no type for as JSON text; returns how many. The file is whole or not there.

    Raises EvonasError where it cannot be written.
    """
    import pyarrow as pa
    from pyarrow import parquet

    types: dict[str, Any] = {**dict.fromkeys(_INTEGERS, pa.int64()), **dict.fromkeys(_FLOATS, pa.float64())}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS], {"evonas": str(FORMAT)})
    count = 0
    try:
        with (
            whole(path) as unfinished,
            unfinished.open("wb") as file,
            parquet.ParquetWriter(file, schema, compression="zstd") as writer,
        ):
            for batch in _batches(rows(archive)):
                texts = [row | {name: _text(row[name]) for name in _JSON} for row in map(dict, batch)]
                writer.write_table(pa.Table.from_pylist(texts, schema))
                count += len(batch)
    except OSError as error:
        raise EvonasError(f"cannot write {str(path)!r}: {error.strerror or error}; give another file") from error
    return count


def read_parquet(path: Path) -> Iterator[Row]:
    """The rows of such a file.

    Raises EvonasError where it is none, columns are missing, a newer evonas wrote it, or a value is not valid.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path.absolute())
    except (OSError, ValueError, pa.ArrowException) as error:
        raise EvonasError(
            f"{str(path)!r} is no Parquet file that can be read; `evonas memory export` makes one"
        ) from error
    with file:
        lacks = _LACKS[_format(path, file.schema_arrow)]
        position = 0
        try:
            for batch in file.iter_batches(_BATCH, columns=[name for name in COLUMNS if name not in lacks]):
                for row in batch.to_pylist():
                    position += 1
                    yield _parsed({**row, **lacks})
        except (ValueError, TypeError, pa.ArrowException, OSError) as error:
            raise EvonasError(
                f"row {position} of {str(path)!r} is not valid: {first_line(error)}; nothing was taken in"
            ) from error


def _format(path: Path, columns: Any) -> int:
    """The file's format, all of whose columns it has. Raises EvonasError."""
    said = (columns.metadata or {}).get(b"evonas", b"1").decode(errors="replace")
    if not said.isdigit() or int(said) not in _LACKS:
        raise EvonasError(f"{str(path)!r} has format {said}, this evonas knows up to {FORMAT}; upgrade evonas")
    missing = [name for name in COLUMNS if name not in columns.names and name not in _LACKS[int(said)]]
    if missing:
        raise EvonasError(f"{str(path)!r} has no column {missing[0]!r}; a memory has {', '.join(COLUMNS)}")
    return int(said)


def _parsed(row: dict[str, Any]) -> Row:
    """A row with its JSON read and its types checked. Raises ValueError."""
    parsed = {name: parse_json(row[name]) if name in _JSON and row[name] is not None else row[name] for name in COLUMNS}
    schema.check(parsed, ("id", "run", *_RUN, "mark", "run_status"))
    schema.check_task(parsed)
    schema.check_evaluation(parsed)
    parsed["command"] = shown(parsed["command"])
    parsed["config"] = without_passwords(parsed["config"])
    return parsed


def _text(value: Any) -> str | None:
    return None if value is None else dumps(value)


def open_existing(where: str) -> Archive:
    """The archive in a place that must hold one already, to read from: it stays as it is. Raises EvonasError."""
    if not is_url(where):
        path = Path(located(where))
        if not os.path.isfile(path):
            raise EvonasError(f"no archive {where!r}; give the file of one")
        if path.stat().st_size == 0:
            raise EvonasError(f"{where!r} is an empty file and no archive; give the file of one")
    return Archive(where, read_only=True)
