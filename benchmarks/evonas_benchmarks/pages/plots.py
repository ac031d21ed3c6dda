"""What the plots of a suite show, and how each method looks in all of them: for the page and for images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from evonas.core.goals import metric
from evonas_benchmarks.analysis.grids import at_seconds, common_trials, grid, mean_regret, seconds_levels, signed
from evonas_benchmarks.analysis.ranking import profile
from evonas_benchmarks.analysis.statistics import RESAMPLES, intervals, mean

POINTS = 120  # of a curve, at most
OVERALL = ("regret", "regret-seconds", "profile")
FEW = 8  # so many curves with intervals can be told apart
FLOOR = 1e-3  # a logarithmic axis of regret begins here; what is below is drawn at its edge
COLORS = (
    "#2f6fd0", "#d1495b", "#12806f", "#8a4fbf", "#d98324", "#17a2b8", "#b5179e", "#5c8001", "#7a4419", "#e0719b",
    "#3d5a80", "#a3a000", "#6a4c93", "#00a86b", "#c1666b", "#4f772d", "#9a6324", "#008b9a", "#b04a00", "#5b5bd6",
)  # fmt: skip
GREY = "#8a8f98"  # random search, in every plot
DASHES = {"meta": "solid", "": "dot", "boosting": "dash"}


@dataclass(frozen=True)
class Style:
    """A searcher has a colour, a ranker its dashes (plotly's words)."""

    color: str
    dash: str


@dataclass(frozen=True)
class Line:
    """A method's (n,) mean with its 95 % interval."""

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Plot:
    """Lines by method over the same (n,) `x`. `kind` is regret, share, or best (in the objective's own unit)."""

    name: str
    title: str
    x_title: str
    y_title: str
    x: np.ndarray
    lines: Mapping[str, Line]
    kind: str = "regret"
    log_x: bool = False


def ordered(curves: pd.DataFrame) -> list[str]:
    """All methods: by mean regret at the end, the best first; then those that lack a task, by name."""
    trials = common_trials(curves)
    values: Mapping[str, np.ndarray] = mean_regret(curves, trials)
    if not values and curves.task.nunique() == 1:
        best = signed(curves, str(curves.task.iloc[0]), "best", trials)
        values = {method: -found for method, found in best.items()}
    known = sorted(values, key=lambda method: (mean(values[method][:, -1]), method))
    return known + [method for method in sorted(map(str, curves.method.unique())) if method not in known]


def styles(methods: Sequence[str]) -> dict[str, Style]:
    """The same, whatever the order: searchers take colours by the alphabet; a ranker-less method without sisters is
    drawn solid."""
    searchers = sorted({searcher(method) for method in methods} - {"random"})
    colors = {name: COLORS[i % len(COLORS)] for i, name in enumerate(searchers)} | {"random": GREY}
    found = {}
    for method in methods:
        sisters = [other for other in methods if searcher(other) == searcher(method)]
        ranker = method.partition("+")[2].partition("(")[0]
        dash = "solid" if len(sisters) == 1 else DASHES.get(ranker, "dashdot")
        found[method] = Style(colors[searcher(method)], dash)
    return found


def searcher(method: str) -> str:
    return method.partition("+")[0]


def band(values: np.ndarray) -> Line:
    """The mean of (seeds, n) values and its bootstrap interval; rows of NaN are seeds that are not there."""
    values = values[~np.isnan(values).all(axis=1)]
    low, high = intervals(values, resamples=RESAMPLES // 10)
    return Line(values.mean(axis=0), low, high)


def plots(curves: pd.DataFrame) -> Iterator[Plot]:
    """Regret over all tasks and for each, against trials and against simulated seconds; profiles."""
    yield from overall_plots(curves)
    yield from task_plots(curves)


def overall_plots(curves: pd.DataFrame) -> Iterator[Plot]:
    """Those of `OVERALL` that there are."""
    trials = common_trials(curves)
    shown = _shown(trials)
    overall = mean_regret(curves, trials)
    if overall:
        lines = {method: band(values[:, shown - 1]) for method, values in overall.items()}
        yield Plot("regret", "All tasks: mean normalised regret", "trials", "regret", shown, lines)
        by_time = _overall_seconds(curves, trials, list(overall))
        if by_time:
            title = "All tasks: mean normalised regret at equal training seconds"
            yield Plot("regret-seconds", title, "share of the budget's seconds", "regret", TIMES, by_time)
        finals = np.concatenate([values[:, -1] for values in overall.values()])
        taus = np.linspace(0, max(float(np.nanquantile(finals, 0.95)), 1e-6), 101)
        steps = {m: Line(share, share, share) for m, share in profile(curves, trials, taus).items()}
        title = "Performance profile: runs with a final regret of at most …"
        yield Plot("profile", title, "final regret of a run", "share of runs", taus, steps, "share")


def task_plots(curves: pd.DataFrame) -> Iterator[Plot]:
    """Two a task: its regret, or its best where there is none."""
    trials = common_trials(curves)
    shown = _shown(trials)
    for task in map(str, curves.task.unique()):
        mine: Any = curves[curves.task == task]
        column = "regret" if mine.regret.notna().any() else "best"
        title = column if column == "regret" else _label(mine)
        found = {m: v for m, v in grid(curves, task, column, trials).items() if not np.isnan(v).all()}
        lines = {method: band(values[:, shown - 1]) for method, values in found.items()}
        yield Plot(f"{task}-trials", task, "trials", title, shown, lines, column)
        seconds = grid(curves, task, "seconds", trials)
        levels = _levels(seconds)
        if len(levels):
            lines = {m: band(_at(values, seconds[m], levels)) for m, values in found.items()}
            yield Plot(f"{task}-seconds", task, "training seconds", title, levels, lines, column, True)


def _shown(trials: int) -> np.ndarray:
    """Which trials a curve shows."""
    every = np.arange(1, trials + 1)
    return every if trials <= POINTS else np.unique(np.geomspace(1, trials, POINTS).round().astype(int))


def _label(curves: pd.DataFrame) -> str:
    """What people call the best that was found of a task; runs of a version before do not say which metric it is."""
    named = [name for name in curves.objective.unique() if name]
    return f"best {metric(named[0]).label}" if named else "best"


TIMES = np.linspace(0.1, 1.0, 46)


def _overall_seconds(curves: pd.DataFrame, trials: int, methods: Sequence[str]) -> dict[str, Line]:
    """Mean over tasks at shares of each task's simulated seconds; nothing where a task has none."""
    found: dict[str, list[np.ndarray]] = {method: [] for method in methods}
    for task in map(str, curves[curves.regret.notna()].task.unique()):
        regret, seconds = grid(curves, task, "regret", trials), grid(curves, task, "seconds", trials)
        levels = seconds_levels({method: seconds[method] for method in methods}, list(TIMES))
        if not levels:
            return {}
        for method in methods:
            found[method].append(_at(regret[method], seconds[method], np.array(levels)))
    return {method: band(np.mean(values, axis=0)) for method, values in found.items()}


def _levels(seconds: Mapping[str, np.ndarray]) -> np.ndarray:
    """From where all have a trial to where the first has spent its budget."""
    known = {method: values[~np.isnan(values).all(axis=1)] for method, values in seconds.items()}
    if not all(len(values) for values in known.values()):
        return np.zeros(0)
    first = max(float(values[:, 0].max()) for values in known.values())
    last = min(float(np.median(values[:, -1])) for values in known.values())
    return np.geomspace(first, last, 60) if 0 < first < last else np.zeros(0)


def _at(values: np.ndarray, seconds: np.ndarray, levels: np.ndarray) -> np.ndarray:
    return np.stack([at_seconds(values, seconds, level) for level in levels], axis=1)
