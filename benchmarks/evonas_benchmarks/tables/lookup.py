"""Tables of trainings: an architecture is looked up, and its recorded seconds are returned instead of spent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from evonas.core.errors import EvonasError, choices
from evonas.core.genomes import feature_row
from evonas.core.goals import VAL_ACCURACY, Objective
from evonas.core.optional import canonical_form
from evonas.core.types import Candidate, Encoding, Evaluation, Task

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, eq=False)
class Entry:
    """One task of a table.

    Args:
        columns: metric -> (n,) means over seeds, or (n, seeds) values; NaN where an architecture has none.
        objective: what is searched for.
        test: the metric that reports the best one found, never seen by a search.
        seconds: the column of a training's cost; None where the table has none.
        encoding: where this task has a smaller space than its table.
        sources: what its examples are made of: tasks that share one must not teach about each other.

    Raises EvonasError where the test is the objective or the cost too.
    """

    task: Task
    columns: Mapping[str, np.ndarray]
    objective: Objective = VAL_ACCURACY
    test: str | None = None
    seconds: str | None = None
    encoding: Encoding[Any] | None = None
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.test is not None and self.test in (self.objective.name, self.seconds):
            raise EvonasError(
                f"task {self.task.name!r} has {self.test!r} as its test and as something else; "
                "a search never sees the test: name another column, or none"
            )


@dataclass(frozen=True, eq=False)
class Table:
    """Tasks over one space: `genomes[i]`, in canonical form, has the values in row `i` of every column."""

    name: str
    encoding: Encoding[Any]
    genomes: Sequence[Any]
    entries: Mapping[str, Entry] = field(repr=False)

    @property
    def tasks(self) -> list[Task]:
        return [entry.task for entry in self.entries.values()]

    def entry(self, task: str | Task) -> Entry:
        """Raises EvonasError where the table has no such task."""
        name = task if isinstance(task, str) else task.name
        if name not in self.entries:
            raise EvonasError(f"table {self.name!r} has no task {name!r}; there are {choices(self.entries)}")
        return self.entries[name]

    def encoding_of(self, task: str | Task) -> Encoding[Any]:
        """The task's own space where it is smaller, else the table's."""
        return self.entry(task).encoding or self.encoding

    def values(self, task: str | Task, metric: str = "val_accuracy") -> np.ndarray:
        """(n,) of all genomes, averaged over seeds; NaN where the task has none.

        Raises EvonasError where the task or the metric does not exist.
        """
        entry = self.entry(task)
        if metric not in entry.columns:
            raise EvonasError(f"task {entry.task.name!r} has no {metric!r}; there are {choices(entry.columns)}")
        return mean_over_seeds(entry.columns[metric])

    def scores(self, task: str | Task) -> np.ndarray:
        """(n,) of the task's own objective, its sign turned so that higher is better."""
        objective = self.entry(task).objective
        return objective.signed(self.values(task, objective.name))

    @cached_property
    def rows(self) -> Mapping[Any, int]:
        """Canonical genome -> its row."""
        return {genome: row for row, genome in enumerate(self.genomes)}

    def row(self, genome: Any) -> int | None:
        """The row of a genome in any spelling; None where the table has no such architecture."""
        found = self.rows.get(genome)
        return self.rows.get(canonical_form(self.encoding)(genome)) if found is None else found

    @cached_property
    def feature_names(self) -> list[str]:
        return sorted(self.encoding.features(self.genomes[0]))

    @cached_property
    def features(self) -> np.ndarray:
        """(n, d) of all genomes, ordered by name as a screened search has them; made once, in 32 bits."""
        found = np.empty((len(self.genomes), len(self.feature_names)), dtype=np.float32)
        for row, genome in enumerate(self.genomes):
            found[row] = feature_row(self.encoding.features(genome))
        return found

    def evaluator(self, task: str | Task, noise: bool = False) -> Lookup:
        """Looks architectures up; with `noise` a metric is that of one of the table's seeds, drawn by seed and row."""
        entry = self.entry(task)
        return Lookup(
            self.rows,
            entry.columns if noise else {name: mean_over_seeds(column) for name, column in entry.columns.items()},
            canonical_form(self.encoding),
            entry.objective.name,
            entry.seconds,
        )


@dataclass(frozen=True, eq=False)
class Lookup:
    """An evaluator; an architecture that the table does not have, or has no value of, is absent.

    A table has full trainings only: a candidate of a lower fidelity fails.
    """

    rows: Mapping[Any, int]
    columns: Mapping[str, np.ndarray]
    canonical: Callable[[Any], Any] | None = None
    required: str = VAL_ACCURACY.name
    cost: str | None = None

    def __call__(self, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        if candidate.fidelity < 1:
            return Evaluation.failure(candidate, f"fidelity {candidate.fidelity:.3g}: a table has full trainings only")
        row = self.rows.get(candidate.genome)
        if row is None and self.canonical is not None:
            row = self.rows.get(self.canonical(candidate.genome))
        if row is None or np.isnan(self.columns[self.required][row]).all():
            return Evaluation(candidate, {}, status="absent", error="the table has no such architecture")
        metrics = {name: self._value(column[row], seed, row) for name, column in self.columns.items()}
        seconds = 0.0 if self.cost is None else metrics[self.cost]
        if self.cost is not None and self.cost != self.required:
            del metrics[self.cost]
        return Evaluation(candidate, metrics, seconds)

    @staticmethod
    def _value(cell: Any, seed: int, row: int) -> float:
        """The number, or that of one seed of the table: the same seed for all metrics of a row."""
        if np.ndim(cell) == 0:
            return float(cell)
        known = cell[~np.isnan(cell)]
        return float(known[np.random.default_rng([seed, row]).integers(len(known))]) if len(known) else float("nan")


def mean_over_seeds(column: np.ndarray) -> np.ndarray:
    """(n,) from (n,) or (n, seeds); NaN where all seeds are."""
    if column.ndim == 1:
        return column
    known = ~np.isnan(column)
    count = known.sum(axis=1)
    return np.where(count > 0, np.where(known, column, 0).sum(axis=1) / np.maximum(count, 1), np.nan)
