"""Curves of benchmark runs as arrays: one row a seed, one column a trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

SHARES = (0.1, 0.25, 0.5, 1.0)  # of the simulated seconds that every method spent


def of_methods(curves: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """The rows of these methods, as if nothing else had been read."""
    found: Any = curves[curves.method.isin(list(methods))].reset_index(drop=True)
    return found.assign(**{name: found[name].cat.remove_unused_categories() for name in ("task", "method")})


def common_trials(curves: pd.DataFrame) -> int:
    """The trials that every benchmark run was given: figures look no further."""
    return int(curves.budget.min())


def all_seeds(curves: pd.DataFrame) -> list[int]:
    return sorted(int(seed) for seed in curves.seed.unique())


def grid(curves: pd.DataFrame, task: str, column: str, trials: int) -> dict[str, np.ndarray]:
    """Method -> (seeds, trials) of one task, over all seeds of the curves; a row of NaN where it has not run.

    A trial without a row keeps what the one before it had: a search ends early for want of new architectures.
    """
    seeds = all_seeds(curves)
    wanted = (curves.task == task) & (curves.trial <= trials)
    mine: Any = curves.loc[wanted, ["method", "seed", "trial", column]]
    column_of = mine.method.astype("category").cat.remove_unused_categories().cat
    methods, which = list(column_of.categories), column_of.codes.to_numpy()
    values = np.full((len(methods), len(seeds), trials), np.nan)
    places = np.zeros(values.shape, int)
    where = which, np.searchsorted(seeds, mine.seed), mine.trial.to_numpy() - 1
    values[where], places[where] = mine[column], where[-1]
    filled = np.take_along_axis(values, np.maximum.accumulate(places, axis=-1), axis=-1)
    return {str(method): found for method, found in zip(methods, filled, strict=True)}


def signed(curves: pd.DataFrame, task: str, column: str, trials: int) -> dict[str, np.ndarray]:
    """Method -> (seeds, trials) of `best` or `test` on one task, its sign turned so that higher is better."""
    sign = 1.0 if curves.maximize[curves.task == task].all() else -1.0
    return {method: sign * values for method, values in grid(curves, task, column, trials).items()}


def mean_regret(curves: pd.DataFrame, trials: int) -> dict[str, np.ndarray]:
    """Method -> (seeds, trials), the mean over all tasks; NaN for a seed that lacks a task; methods that have one."""
    tasks = [str(task) for task in curves[curves.regret.notna()].task.unique()]
    grids = [grid(curves, task, "regret", trials) for task in tasks]
    found = {}
    for method in sorted(set.intersection(*map(set, grids))) if grids else []:
        values = np.mean([one[method] for one in grids], axis=0)
        if np.isfinite(values[:, -1]).any():
            found[method] = values
    return found


def at_seconds(values: np.ndarray, seconds: np.ndarray, level: float) -> np.ndarray:
    """(seeds,) of the value when so many seconds were spent; NaN for who had no trial by then."""
    counts = (seconds <= level).sum(axis=1)
    return np.array([row[count - 1] if count else np.nan for row, count in zip(values, counts, strict=True)])


def seconds_levels(seconds: Mapping[str, np.ndarray], shares: Sequence[float] = SHARES) -> list[float]:
    """Shares of what the thriftiest method spent in the median, so that each level is one that all reached."""
    spent = [float(np.median(last)) for values in seconds.values() if len(last := _known(values[:, -1]))]
    if len(spent) < len(seconds) or not spent or min(spent) <= 0:
        return []
    return [share * min(spent) for share in shares]


def _known(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def first(reached: np.ndarray) -> float:
    """The trial, from 1, at which it was so for the first time; infinite where never."""
    return float(np.argmax(reached) + 1) if reached.any() else float("inf")
