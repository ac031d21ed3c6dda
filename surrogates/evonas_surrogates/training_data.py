"""SourceData to learn from or to be judged by: an archive's, those of an exported memory, or a benchmark's table."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core import plugins
from evonas.core.errors import EvonasError, choices
from evonas.core.goals import VAL_ACCURACY, Objective
from evonas.core.types import Task
from evonas.memory import archive_io as exchange
from evonas.memory.archive import Archive
from evonas_surrogates import source_data
from evonas_surrogates.source_data import SourceData


@dataclass(frozen=True)
class TrainingData:
    """SourceData of several tasks, and what they are of; `encoding` is a plain name, `said` the source in words,
    `sources` what the examples of a task are made of, where that is other examples."""

    rows: SourceData
    encoding: str
    objective: Objective
    said: str
    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def identities(self) -> dict[str, dict[str, Any]]:
        """Of each task what a model file says, so that its own data, or what they are made of, can be left out."""
        return {
            name: {
                "name": task.name,
                "fingerprint": task.fingerprint,
                "sources": list(self.sources.get(name, ())),
                "features": dict(task.features),
            }
            for name, task in self.rows.tasks.items()
        }


def read(
    where: str | None, *, encoding: str | None = None, objective: Objective | None = None, archive: str | None = None
) -> TrainingData:
    """`where` is a Parquet file that `evonas memory export` wrote, an archive, or a suite by name or file.

    None is the archive in use. Of a table the encoding is its own, and the objective each task's own.

    Raises EvonasError where it is none of these, or has no row of this encoding.
    """
    if where is not None and _is_suite(where):
        found = _of_suite(where, encoding, objective)
    elif where is not None and where.endswith(".parquet"):
        with tempfile.TemporaryDirectory() as folder:
            store = Archive(Path(folder) / "memory.db")
            exchange.absorb(store, exchange.read_parquet(_existing(where)))
            found = _of_archive(store, encoding, objective, where)
            store.close()
    else:
        store = Archive(archive) if where is None else exchange.open_existing(where)
        found = _of_archive(store, encoding, objective, store.where)
    if not len(found.rows.y):
        instead = _instead(where, archive, found.encoding)
        raise EvonasError(f"{found.said} has nothing to learn of the encoding {found.encoding!r}{instead}")
    return found


def _of_archive(store: Archive, encoding: str | None, objective: Objective | None, where: str) -> TrainingData:
    spec, goal = encoding or "cell", objective or VAL_ACCURACY
    plugins.resolve("evonas.encodings", spec)
    rows = source_data.read(store, spec, None, goal)
    return TrainingData(rows, plugins.plain_name(spec), goal, f"the archive {where!r}")


def _of_suite(where: str, encoding: str | None, objective: Objective | None) -> TrainingData:
    suite: Any = import_module("evonas_benchmarks.suites").load_suite(where)
    if not suite.tabular:
        raise EvonasError(f"suite {where!r} trains for real and has no table; give one that has, or an archive")
    table = suite.load_table()
    X, y, groups, results = [], [], [], {}
    for name in suite.task_names():
        scores = table.scores(name) if objective is None else _signed(table, name, objective)
        known = np.flatnonzero(~np.isnan(scores))
        X.append(np.asarray(table.features, dtype=float)[known])
        y.append(scores[known])
        groups += [name] * len(known)
        results[name] = {table.genomes[row]: float(scores[row]) for row in known}
    goals = {table.entry(name).objective for name in suite.task_names()}
    if objective is None and len(goals) > 1:
        raise EvonasError(f"the tasks of {where!r} have several objectives ({choices(map(str, goals))}); choose one")
    tasks: dict[str, Task] = {task.name: task for task in table.tasks}
    rows = SourceData(
        np.concatenate(X), np.concatenate(y), np.array(groups), tuple(table.feature_names), tasks, results
    )
    name = encoding or suite.encoding or _name_of(table.encoding) or table.name
    said, made_of = f"the table of the suite {where!r}", {task: table.entry(task).sources for task in tasks}
    return TrainingData(rows, plugins.plain_name(name), objective or goals.pop(), said, made_of)


def _signed(table: Any, task: str, objective: Objective) -> np.ndarray:
    values = table.values(task, objective.name)
    return values if objective.maximize else -values


def _name_of(encoding: Any) -> str | None:
    """The name that an encoding's class is installed under."""
    cls = type(encoding)
    for name, entry in plugins.available("evonas.encodings").items():
        if entry.value == f"{cls.__module__}:{cls.__qualname__}":
            return name
    return None


def _is_suite(where: str) -> bool:
    """A name without a file behind it, or a TOML file."""
    return where.endswith(".toml") or not (Path(where).exists() or "://" in where or Path(where).suffix)


def _existing(where: str) -> Path:
    path = Path(os.path.expanduser(where))
    if not path.is_file():
        raise EvonasError(f"no file {where!r}; give one that `evonas memory export` wrote, an archive, or a suite")
    return path


def _instead(where: str | None, archive: str | None, encoding: str) -> str:
    """What else there is to learn from, where an archive lacks the encoding, or has no result of it to learn from."""
    if where is not None and (_is_suite(where) or where.endswith(".parquet")):
        return "; choose another --encoding"
    there = {plugins.plain_name(row["encoding"]) for row in Archive(where or archive).summary()}
    if encoding in there:
        return ": none of its trainings has a result that differs from the others'; search more"
    return f"; there are {choices(there)}" if there else "; it is empty: search first, or give a suite (nasbench201)"
