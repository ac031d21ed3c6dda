"""The result of a search for several objectives: the members of its front, and how much they dominate together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evonas.core.goals import Goal
from evonas.core.types import Trial

BELOW = 0.1  # of the range of the results, that the reference point lies beyond the worst of them in each objective


@dataclass(frozen=True)
class Member:
    """A trial on the front.

    `place` counts from 1, best by the first objective first; `feasible` is whether it keeps all limits; `best` is what
    the search ends with; `knee` is where more of one objective begins to cost much of another (`knee`).
    """

    place: int
    trial: Trial[Any]
    feasible: bool = True
    best: bool = False
    knee: bool = False


def members(goal: Goal, trials: Sequence[Trial[Any]]) -> list[Member]:
    """The front in order; where nothing keeps the limits, what comes nearest, alone; empty where no trial succeeded."""
    best = goal.best(trials)
    found = goal.front(trials) or ([] if best is None else [best])
    middle = knee(goal, found)
    return [
        Member(place, trial, goal.feasible(trial.evaluation.metrics), trial is best, place - 1 == middle)
        for place, trial in enumerate(found, 1)
    ]


def knee(goal: Goal, front: Sequence[Trial[Any]]) -> int | None:
    """The position of the knee: the point farthest from the line, or the plane, through the best of each objective
    (Das 1999, Structural Optimization 18), each objective scaled by its range on the front.

    That is the largest sum of the scaled objectives, or the smallest Manhattan distance from the ideal point (Chiu, Yen
    & Juan 2016, IEEE TEC 20(6)), which is defined for any number of objectives. An objective without a range says
    nothing; of equals the first is taken, as of one or two points. None where there is no point.
    """
    values = np.array([_values(goal, trial) for trial in front], dtype=float)
    if not len(values):
        return None
    if not np.isfinite(values).all():
        return 0
    low, span = values.min(0), np.ptp(values, axis=0)
    scaled = np.where(span > 0, (values - low) / np.where(span > 0, span, 1.0), 0.0)
    return int(np.argmax(scaled.sum(1).round(9)))


@dataclass(frozen=True)
class Hypervolume:
    """The share of the box between two points that a front dominates, 0 to 1 (Zitzler & Thiele 1999, IEEE TEC 3(4)).

    `reference` and `ideal` hold a raw value an objective. The ideal is the best of each objective among the results;
    the reference lies a tenth of their range beyond the worst. So neither units nor a choice of ours changes the
    share.
    """

    value: float
    reference: tuple[float, ...]
    ideal: tuple[float, ...]


def hypervolumes(goal: Goal, trials: Sequence[Trial[Any]]) -> list[float]:
    """(n,) the share that the front dominates after each trial, in the box of all of them: it never falls. Trials of a
    lower fidelity than the final front's, and those that break a limit, add nothing."""
    import moocore

    comparable = dict(_comparable(goal, trials))
    if not comparable:
        return [0.0] * len(trials)
    worst, ideal = _box(np.array(list(comparable.values())))
    found, share, front = [], 0.0, np.empty((0, len(worst)))
    for i in range(len(trials)):
        if i in comparable:
            grown = extended(front, (np.array(comparable[i]) - worst) / (ideal - worst))
            if grown is not front:
                front = grown
                share = float(moocore.hypervolume(front, ref=np.zeros(len(worst)), maximise=True))
        found.append(share)
    return found


def extended(front: np.ndarray, point: np.ndarray) -> np.ndarray:
    """A front (n, m) of values, higher being better, with a point (m,) and without what that dominates; the front
    itself where the point adds nothing to it."""
    if (front >= point).all(1).any():
        return front
    return np.vstack([front[~(front <= point).all(1)], point])


def hypervolume(goal: Goal, trials: Sequence[Trial[Any]]) -> Hypervolume | None:
    """Of the whole front; None where nothing is on it."""
    comparable = _comparable(goal, trials)
    if not comparable:
        return None
    worst, ideal = (tuple(map(float, raw)) for raw in _raw(goal, *_box(np.array([values for _, values in comparable]))))
    return Hypervolume(hypervolumes(goal, trials)[-1], worst, ideal)


def said_nothing(goal: Goal, trials: Sequence[Trial[Any]]) -> list[str]:
    """A line on each objective that has decided nothing: it had no figure in any trial, or always the same one."""
    good = [trial.evaluation.metrics for trial in trials if trial.evaluation.ok]
    lines = []
    for one in goal.objectives if len(goal.objectives) > 1 and len(good) > 1 else ():
        values = {one.value(metrics) for metrics in good}
        if not any(map(math.isfinite, values)):
            lines.append(f"objective {one.name!r} had no figure in any of {len(good)} trials: leave it out")
        elif len(values) == 1:
            same = one.metric.text(good[0][one.name])
            lines.append(
                f"objective {one.name!r} was {same} in all {len(good)} trials and decided nothing: leave it out"
            )
    return lines


def _comparable(goal: Goal, trials: Sequence[Trial[Any]]) -> list[tuple[int, tuple[float, ...]]]:
    """Positions and signed values of what could be on the front: of its fidelity, within limits, with all figures."""
    front = goal.front(trials)
    fidelity = front[0].evaluation.candidate.fidelity if front else 1.0
    found = []
    for i, trial in enumerate(trials):
        values = goal.values(trial.evaluation)
        same = trial.evaluation.candidate.fidelity == fidelity
        if front and same and values is not None and goal.feasible(trial.evaluation.metrics):
            found.append((i, values))
    return found


def _box(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The worst and the ideal corner, (m,) each, of (n, m) signed values; an objective without a range has one unit."""
    low, high = values.min(0), values.max(0)
    span = np.where(high > low, (high - low) * BELOW, 1.0)
    return low - span, high


def _raw(goal: Goal, *corners: np.ndarray) -> list[np.ndarray]:
    signs = np.array([1.0 if one.maximize else -1.0 for one in goal.objectives])
    return [signs * corner for corner in corners]


def _values(goal: Goal, trial: Trial[Any]) -> list[float]:
    return [one.value(trial.evaluation.metrics) for one in goal.objectives]
