"""How good a search is that has several objectives or limits: figures of each trial, against the whole table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import moocore
import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.fronts import extended
from evonas.core.goals import Goal
from evonas.core.types import Evaluation
from evonas_benchmarks.tables.lookup import Table

FURTHER = ("igd_plus", "kept")  # columns of a row besides those that all rows have


@dataclass(frozen=True, eq=False)
class Known:
    """What a table knows of a network before its training: (n,) columns of such metrics, in any spelling of a genome.

    A network that the table lacks costs as much as its dearest: it is absent whatever it costs.
    """

    table: Table
    columns: Mapping[str, np.ndarray]

    def costs(self, genome: Any, names: Sequence[str]) -> dict[str, float]:
        """Those of the names that are known."""
        row = self.table.row(genome)
        found = {}
        for name in names:
            if name in self.columns:
                column = self.columns[name]
                missing = row is None or np.isnan(column[row])
                found[name] = float(np.nanmax(column) if missing else column[row])
        return found


def known(goal: Goal, table: Table, task: str) -> Known | None:
    """Of the objectives and limits those that are known before training; None where none is."""
    parts = (*goal.objectives, *goal.constraints)
    columns = {one.name: table.values(task, one.name) for one in parts if one.metric.before_training}
    return Known(table, columns) if columns else None


def keeping(goal: Goal, table: Table, task: str) -> np.ndarray:
    """(n,) which networks exist and keep all limits. Raises EvonasError where fewer than two do."""
    keeps = ~np.isnan(table.scores(task))
    for one in goal.constraints:
        values = table.values(task, one.name)
        keeps &= values <= one.bound if one.at_most else values >= one.bound
    if keeps.sum() < 2:
        limits = ", ".join(map(str, goal.constraints)) or "its objectives"
        raise EvonasError(f"task {task!r} has {keeps.sum()} networks for {limits}, and needs two; give wider limits")
    return keeps


class Measure:
    """`kept`: the share of the trials so far that kept the limits; and `best` in place of the incumbent's worth while
    nothing has kept them: the worst that does.

    Args:
        keeps: (n,) whether a network of the table exists and keeps the limits.
    """

    def __init__(self, goal: Goal, table: Table, task: str):
        self.goal, self.table = goal, table
        self.keeps = keeping(goal, table, task)
        scores = table.scores(task)[self.keeps]
        self.best, self.median = float(scores.max()), float(np.median(scores))  # of those that keep the limits
        self.worst = float(goal.first.signed(scores.min()))

    def figures(self, evaluations: Sequence[Evaluation[Any]]) -> list[dict[str, float]]:
        """Of each trial what is known after it, by column."""
        if not self.goal.constraints:
            return [{} for _ in evaluations]
        rows = self.rows(evaluations)
        kept = np.cumsum([row is not None for row in rows])
        shares = kept / np.arange(1, len(rows) + 1)
        return [
            {"kept": float(share), **({} if count else {"best": self.worst, "test": float("nan")})}
            for share, count in zip(shares, kept, strict=True)
        ]

    def rows(self, evaluations: Sequence[Evaluation[Any]]) -> list[int | None]:
        """Their rows in the table; None of one that failed or breaks a limit."""
        found = [self.table.row(one.candidate.genome) if one.ok else None for one in evaluations]
        return [row if row is not None and self.keeps[row] else None for row in found]


class FrontMeasure(Measure):
    """Besides: `regret`, the share of the hypervolume of the table's front that is still missing, 0 to 1, and
    `igd_plus` (Ishibuchi et al. 2015, EMO), the mean distance from the table's front to what was found, 0 when all of
    it is.

    Each objective is scaled to 0 at the table's worst and 1 at its best, of the networks that keep the limits; the
    worst is the reference, so units change nothing. Before a network is found it counts as the worst in everything.
    Values are the table's means, also where a search sees noise.
    """

    def __init__(self, goal: Goal, table: Table, task: str):
        super().__init__(goal, table, task)
        values = np.stack([one.signed(table.values(task, one.name)) for one in goal.objectives], axis=1)
        there = values[self.keeps]
        worst, best = there.min(0), there.max(0)
        self.points = (values - worst) / np.where(best > worst, best - worst, 1.0)
        mine = np.unique(self.points[self.keeps], axis=0)
        self.front = mine[moocore.is_nondominated(mine, maximise=True)]
        self.whole = self._volume(self.front)

    def figures(self, evaluations: Sequence[Evaluation[Any]]) -> list[dict[str, float]]:
        found, front = [], np.zeros((1, self.points.shape[1]))
        last: dict[str, float] = self._of(front)
        for row, more in zip(self.rows(evaluations), super().figures(evaluations), strict=True):
            grown = front if row is None else extended(front, self.points[row])
            if grown is not front:
                front, last = grown, self._of(grown)
            found.append({**last, **more})
        return found

    def _of(self, front: np.ndarray) -> dict[str, float]:
        distance = moocore.igd_plus(front, ref=self.front, maximise=True)
        return {"regret": max(0.0, 1 - self._volume(front) / self.whole), "igd_plus": float(distance)}

    def _volume(self, front: np.ndarray) -> float:
        return float(moocore.hypervolume(front, ref=np.zeros(front.shape[1]), maximise=True))


def measure(goal: Goal, table: Table, task: str) -> Measure:
    """By the share of the front where there are several objectives, else by the best that keeps the limits."""
    return (FrontMeasure if len(goal.objectives) > 1 else Measure)(goal, table, task)
