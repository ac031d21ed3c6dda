"""The goal of a suite that has several objectives or limits, read against its table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from evonas.core.errors import EvonasError, choices
from evonas.core.goals import Constraint, Goal
from evonas_benchmarks.tables.lookup import Entry, Table, mean_over_seeds

if TYPE_CHECKING:
    from evonas_benchmarks.suites.suite import Suite


def columns_of(suite: Suite) -> tuple[str, ...]:
    """The columns that its objectives and limits name. Raises EvonasError where one cannot be read."""
    objectives = Goal.parse(suite.objectives).objectives if suite.objectives else ()
    limits = [_limit(text) for text in suite.limits]
    return tuple(dict.fromkeys([*(one.name for one in objectives), *(one.name for one, _ in limits)]))


def offered(entry: Entry) -> list[str]:
    """The columns that a search may see: all but those of its test and of the seconds."""
    return [name for name in entry.columns if name == entry.objective.name or name not in (entry.test, entry.seconds)]


def with_objectives(table: Table, suite: Suite) -> Table:
    """The table, of which the suite's first objective decides what is best; as it is for a suite without such keys.

    A network that lacks one of the columns that are gone by is taken for one that does not exist.

    Raises EvonasError where a task has no such column, or no network has them all.
    """
    names = columns_of(suite)
    if not names:
        return table
    entries = {name: _entry(table.entry(name), suite, names) for name in suite.task_names()}
    return replace(table, entries={**table.entries, **entries})


def goal_of(suite: Suite, table: Table, task: str) -> Goal:
    """What is searched for on a task: percentages have become numbers of its columns.

    Raises EvonasError where limits contradict one another, or all networks are alike in an objective.
    """
    entry = table.entry(task)
    there = ~np.isnan(table.scores(task))
    bounds = [_bounded(text, table, task, there) for text in suite.limits]
    goal = Goal.parse(suite.objectives or "val_accuracy", map(str, bounds))
    if not suite.objectives:
        return Goal((entry.objective,), goal.constraints)
    for name in (one.name for one in goal.objectives if len(goal.objectives) > 1):
        values = table.values(task, name)[there]
        if np.ptp(values) == 0:
            raise EvonasError(
                f"task {task!r} of suite {suite.name!r}: objective {name!r} is {values[0]:g} of all networks and "
                "decides nothing; leave it out"
            )
    return goal


def _entry(entry: Entry, suite: Suite, names: tuple[str, ...]) -> Entry:
    there = offered(entry)
    for name in names:
        if name not in there:
            raise EvonasError(
                f"suite {suite.name!r}: task {entry.task.name!r} has no column {name!r} to search by; "
                f"there are {choices(there)}"
            )
    objective = Goal.parse(suite.objectives).first if suite.objectives else entry.objective
    column = entry.columns[objective.name]
    lacking = np.any([np.isnan(mean_over_seeds(entry.columns[name])) for name in names], axis=0)
    column = np.where(lacking if column.ndim == 1 else lacking[:, None], np.nan, column)
    if np.isnan(column).all():
        raise EvonasError(f"suite {suite.name!r}: no network of task {entry.task.name!r} has all of {', '.join(names)}")
    return replace(entry, columns={**entry.columns, objective.name: column}, objective=objective)


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
