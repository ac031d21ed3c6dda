"""Runs side by side: how good the best of each was after so many trials, as lines, and their figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from evonas.app.live.listing import figure
from evonas.app.results import recorded_goal
from evonas.core.errors import EvonasError
from evonas.core.figures import duration
from evonas.core.goals import metric
from evonas.core.types import Trial
from evonas.memory.archive import Archive, RunRecord
from evonas.memory.locks import status

WIDTH, HEIGHT = 1000, 320  # of the plot, without its labels
DASHES = ("none", "9 4", "2 4", "12 3 2 3", "5 3", "14 6")  # colours alone say nothing to some
MOST = len(DASHES)


def side_by_side(archive: Archive, names: Sequence[str]) -> dict[str, Any]:
    """What the page shows of these runs: a `row` each, the `lines` by the first one's first objective, of runs that
    have it, and what is to be `noted`.

    Raises EvonasError where there is no such run, or there are none or too many.
    """
    names = list(dict.fromkeys(names))
    if not 1 <= len(names) <= MOST:
        raise EvonasError(f"{len(names)} runs were chosen; choose one to {MOST}")
    records = [archive.run(name) for name in names]
    records = [replace(one, status=status(archive, one.name, one.status)) for one in records]
    told = [[trial for trial in archive.trials(name) if trial.evaluation.status != "absent"] for name in names]
    first = recorded_goal(records[0]).first
    curves = [best_so_far(record, trials, first.name) for record, trials in zip(records, told, strict=True)]
    values = [value for curve in curves for _, value in curve]
    low, high = min(values, default=0.0), max(values, default=1.0)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    most = max([len(trials) for trials in told] + [1])
    lines = [steps(curve, len(trials), most, low, high) for curve, trials in zip(curves, told, strict=True)]
    marks = [(high - share * (high - low), share * HEIGHT) for share in (0.0, 0.5, 1.0)]
    return {
        "rows": [row(*one) for one in zip(records, told, strict=True)],
        "lines": [
            {"name": name, "points": points, "dash": DASHES[i], "colour": f"var(--view{i + 1})"}
            for i, (name, points) in enumerate(zip(names, lines, strict=True))
        ],
        "label": metric(first.name).label,
        "marks": [{"text": metric(first.name).text(value), "y": round(y, 1)} for value, y in marks],
        "most": most,
        "width": WIDTH,
        "height": HEIGHT,
        "noted": notes(records),
    }


def best_so_far(record: RunRecord, trials: Sequence[Trial], name: str) -> list[tuple[int, float]]:
    """(trial, counted from 1; value) wherever the run's own goal was reached better than before."""
    records = recorded_goal(record).records(trials)
    found = [(i + 1, trials[i].evaluation.metrics.get(name)) for i in records]
    return [(position, float(value)) for position, value in found if value is not None]


def steps(curve: Sequence[tuple[int, float]], trials: int, most: int, low: float, high: float) -> str:
    """The points of a line that holds each value until the next better one, and the last to the run's end."""
    span = high - low or 1.0  # of numbers so large that half a unit is nothing
    places = [(WIDTH * position / most, HEIGHT * (high - value) / span) for position, value in curve]
    corners = [(x, before[1]) for (x, _), before in zip(places[1:], places, strict=False)]
    points = [*places[:1], *(point for pair in zip(corners, places[1:], strict=True) for point in pair)]
    points += [(WIDTH * trials / most, places[-1][1])] if places else []
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def row(record: RunRecord, trials: Sequence[Trial]) -> dict[str, str]:
    goal = recorded_goal(record)
    best, result = goal.best(trials), record.result or {}
    metrics = best.evaluation.metrics if best else {}
    figures = {one.metric.label: one.metric.text(metrics.get(one.name)) for one in goal.objectives}
    return {
        "run": record.name,
        "status": record.status,
        "trials": str(len(trials)),
        "best so far": ", ".join(f"{text} {label}" for label, text in figures.items()) if best else "",
        "test accuracy": figure("test_accuracy", result.get("test_accuracy")),
        "parameters": figure("params", result.get("params", metrics.get("params"))),
        "search time": duration(trials[-1].elapsed) if trials else "",
        "data": record.task.name,
        "encoding": record.encoding,
        "method": f"{record.method}+{record.surrogate}" if record.surrogate != "none" else record.method,
        "seed": str(record.seed),
    }


def notes(records: Sequence[RunRecord]) -> list[str]:
    """Why they can hardly be compared."""
    found = []
    if len({record.task.name for record in records}) > 1:
        found.append("These runs are of different data: their figures cannot be compared.")
    if len({recorded_goal(record).objectives for record in records}) > 1:
        found.append("These runs searched for different things: each line is by its own run's goal.")
    return found
