"""Early stopping: a training whose learning curve cannot reach the top is given up."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.goals import Goal, Objective
from evonas.core.types import Candidate, Evaluation, Task, Trial

REVIEWS = (1 / 3, 2 / 3)  # shares of the epochs after which a training is looked at
LEAST = 8  # whole trainings to learn from, before any is stopped
DEVIATIONS = 3.0  # of the line's errors: with less, the few that come from behind are stopped too often

Curve = Mapping[float, float]  # fidelity -> the objective there, signed so that higher is better


class LearningCurveRule:
    """Predicts from the learning curves of a run which training cannot reach its top.

    A line through (value at the review, value at the end) of the finished trainings predicts the end of one under way.
    It is stopped if even the prediction plus the largest shortfall that the line ever had, or `DEVIATIONS` standard
    deviations if that is more, is below the last of the best `share` of all trainings so far, stopped ones among them.
    """

    def __init__(self, share: float = 0.25):
        if not 0 < share < 1:
            raise EvonasError(f"share={share} of the trainings is no top to reach; give one between 0 and 1")
        self.share = share
        self._finished: list[Curve] = []
        self._stopped = 0

    def learn(self, curve: Curve) -> None:
        """A training has ended: finished if its curve reaches fidelity 1, else stopped."""
        if 1.0 in curve:
            self._finished.append(dict(curve))
        else:
            self._stopped += 1

    def __call__(self, curve: Curve) -> bool:
        """Whether a training with this curve so far cannot reach the top."""
        at = max(curve)
        whole = [past for past in self._finished if at in past]
        if len(whole) < LEAST:
            return False
        there, end = np.array([past[at] for past in whole]), np.array([past[1.0] for past in whole])
        slope = np.cov(there, end)[0, 1] / np.var(there, ddof=1) if np.ptp(there) > 0 else 0.0
        line = end.mean() + max(slope, 0.0) * (np.append(there, curve[at]) - there.mean())
        off = end - line[:-1]
        best = line[-1] + max(off.max(), DEVIATIONS * off.std(ddof=2))
        places = math.ceil(self.share * (len(self._finished) + self._stopped))
        top = sorted((past[1.0] for past in self._finished), reverse=True)[:places]
        return len(top) == places and bool(best < top[-1])


class EarlyStopping:
    """An executor that trains in parts, on another one, and stops what cannot reach the top by the rule.

    Needs a trainer that goes on from checkpoints. What is stopped is an evaluation of the fidelity that it reached;
    values at the reviews are metrics, `val_accuracy@0.33`. A candidate that is not meant for all epochs is left alone.
    A time-out holds for each part.

    Args:
        executor: trains.
        goal: its first objective is what the curves are of.
        share: of the trainings that count as the top.
        observed: trials of the same run from before, to learn from.
    """

    def __init__(self, executor: Any, goal: Goal | None = None, share: float = 0.25, observed: Sequence[Trial] = ()):
        self.executor, self.objective = executor, (goal or Goal()).first
        self.rule = LearningCurveRule(share)
        self._lock = threading.Lock()
        for trial in observed:
            if trial.evaluation.ok:
                self.rule.learn(self._recorded(trial.evaluation))

    @property
    def slots(self) -> int:
        return self.executor.slots

    def submit(self, candidate: Candidate, task: Task, seed: int) -> Future[Evaluation]:
        if candidate.fidelity < 1:
            return self.executor.submit(candidate, task, seed)
        whole: Future[Evaluation] = Future()
        self._part(whole, [], candidate, task, seed)
        return whole

    def _part(
        self, whole: Future[Evaluation], done: list[Evaluation], candidate: Candidate, task: Task, seed: int
    ) -> None:
        """Train up to the next review, then decide."""

        def arrived(future: Future[Evaluation]) -> None:
            try:
                parts = [*done, future.result()]
                if self._ended(parts):
                    whole.set_result(self._together(parts, candidate))
                else:
                    self._part(whole, parts, candidate, task, seed)
            except BaseException as error:  # a pool that was shut down meanwhile
                whole.set_exception(error)

        fidelity = (*REVIEWS, 1.0)[len(done)]
        self.executor.submit(replace(candidate, fidelity=fidelity), task, seed).add_done_callback(arrived)

    def _ended(self, parts: Sequence[Evaluation]) -> bool:
        if not parts[-1].ok:
            return True
        curve = {part.candidate.fidelity: self.objective.value(part.metrics) for part in parts}
        with self._lock:
            ended = len(parts) > len(REVIEWS) or self.rule(curve)
            if ended:
                self.rule.learn(curve)
        return ended

    def _together(self, parts: Sequence[Evaluation], candidate: Candidate) -> Evaluation:
        """The last part, with the cost of all and what was seen at the reviews."""
        last, seconds = parts[-1], sum(part.seconds for part in parts)
        if not last.ok:
            return replace(last, candidate=candidate, seconds=seconds)
        reviewed = parts[: len(REVIEWS)]
        seen = {_name(self.objective, p.candidate.fidelity): p.metrics[self.objective.name] for p in reviewed}
        metrics = {**last.metrics, **seen}
        if "seconds" in metrics:
            metrics["seconds"] = sum(part.metrics["seconds"] for part in parts)
        return replace(last, metrics=metrics, seconds=seconds)

    def _recorded(self, evaluation: Evaluation) -> Curve:
        reviewed = {review: replace(self.objective, name=_name(self.objective, review)) for review in REVIEWS}
        curve = {at: one.value(evaluation.metrics) for at, one in reviewed.items() if one.name in evaluation.metrics}
        if evaluation.candidate.fidelity == 1:
            curve[1.0] = self.objective.value(evaluation.metrics)
        return curve

    def __enter__(self) -> EarlyStopping:
        self.executor.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.executor.__exit__(*exception)


def _name(objective: Objective, fidelity: float) -> str:
    """Of the metric that holds what was seen at a review: `val_accuracy@0.33`."""
    return f"{objective.name}@{fidelity:.2f}"
