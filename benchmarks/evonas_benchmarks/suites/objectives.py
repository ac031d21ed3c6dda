"""The goal of a suite that has several objectives or limits, read against its table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from evonas.core.errors import EvonasError, choices
from evonas.core.goals import Constraint, Goal
from evonas_benchmarks.tables.lookup import Entry, Table, mean_over_seeds


@dataclass(frozen=True)
class Aims:
    """The keys `objectives` and `limits` of a suite, and its name for messages."""

    suite: str
    objectives: str | None = None
    limits: tuple[str, ...] = ()

    def columns(self) -> tuple[str, ...]:
        """The columns that they name. Raises EvonasError where one cannot be read."""
        objectives = Goal.parse(self.objectives).objectives if self.objectives else ()
        limits = [_limit(text) for text in self.limits]
        return tuple(dict.fromkeys([*(one.name for one in objectives), *(one.name for one, _ in limits)]))

    def table(self, table: Table, tasks: Iterable[str]) -> Table:
        """The table, of which the first objective decides what is best; as it is where a suite has no such keys.

        A network that lacks one of the columns that are gone by is taken for one that does not exist.

        Raises EvonasError where a task has no such column, or no network has them all.
        """
        names = self.columns()
        if not names:
            return table
        entries = {name: self._entry(table.entry(name), names) for name in tasks}
        return replace(table, entries={**table.entries, **entries})

    def goal(self, table: Table, task: str) -> Goal:
        """What is searched for on a task: percentages have become numbers of its columns.

        Raises EvonasError where limits contradict one another, or all networks are alike in an objective.
        """
        entry = table.entry(task)
        there = ~np.isnan(table.scores(task))
        bounds = [_bounded(text, table, task, there) for text in self.limits]
        goal = Goal.parse(self.objectives or "val_accuracy", map(str, bounds))
        if not self.objectives:
            return Goal((entry.objective,), goal.constraints)
        for name in (one.name for one in goal.objectives if len(goal.objectives) > 1):
            values = table.values(task, name)[there]
            if np.ptp(values) == 0:
                raise EvonasError(
                    f"task {task!r} of suite {self.suite!r}: objective {name!r} is {values[0]:g} of all networks and "
                    "decides nothing; leave it out"
                )
        return goal

    def _entry(self, entry: Entry, names: tuple[str, ...]) -> Entry:
        there = offered(entry)
        for name in names:
            if name not in there:
                raise EvonasError(
                    f"suite {self.suite!r}: task {entry.task.name!r} has no column {name!r} to search by; "
                    f"there are {choices(there)}"
                )
        objective = Goal.parse(self.objectives).first if self.objectives else entry.objective
        column = entry.columns[objective.name]
        lacking = np.any([np.isnan(mean_over_seeds(entry.columns[name])) for name in names], axis=0)
        column = np.where(lacking if column.ndim == 1 else lacking[:, None], np.nan, column)
        if np.isnan(column).all():
            raise EvonasError(
                f"suite {self.suite!r}: no network of task {entry.task.name!r} has all of {', '.join(names)}"
            )
        return replace(entry, columns={**entry.columns, objective.name: column}, objective=objective)


def offered(entry: Entry) -> list[str]:
    """The columns that a search may see: all but those of its test and of the seconds."""
    return [name for name in entry.columns if name == entry.objective.name or name not in (entry.test, entry.seconds)]


def _limit(text: str) -> tuple[Constraint, bool]:
    """The limit, and whether its bound is a percentage. Raises EvonasError."""
    share = text.rstrip().endswith("%")
    try:
        one = Constraint.parse(text.rstrip().removesuffix("%"))
    except EvonasError as error:
        hint = "" if "test set" in str(error) else ", or params<=5% for a share of the table's networks"
        raise EvonasError(f"{error}{hint}") from None
    if share and not 0 <= one.bound <= 100:
        raise EvonasError(f"the limit {text!r} has a percentage outside of 0 to 100; write for example params<=5%")
    return one, share


def _bounded(text: str, table: Table, task: str, there: np.ndarray) -> Constraint:
    """A percentage is the quantile of the column: of so many networks the value is at most the bound."""
    one, share = _limit(text)
    if not share:
        return one
    values = table.values(task, one.name)[there]
    return replace(one, bound=float(np.quantile(values, one.bound / 100, method="inverted_cdf")))
