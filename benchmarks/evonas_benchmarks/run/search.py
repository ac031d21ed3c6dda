"""One method on one task with one seed, recorded trial by trial."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from evonas.core.goals import Goal, Objective
from evonas.core.optional import CallbackDefaults
from evonas.core.types import Candidate, Evaluation, Searcher, Task, Trial
from evonas.search import loop


@dataclass(frozen=True)
class Row:
    """A trial of a benchmark run. `value` and `best` are in the objective's own unit, `seconds` is cumulative.

    `test` is the incumbent's (NaN where there is none), `overhead` the method's own wall-clock seconds.
    """

    trial: int
    value: float
    best: float
    test: float
    seconds: float
    overhead: float


class Timed:
    """A searcher whose own time is measured, never the training. It does not see the metric `hidden`."""

    def __init__(self, searcher: Searcher[Any], hidden: str | None = None):
        self.searcher = searcher
        self.hidden = hidden
        self.seconds = 0.0

    def ask(self, n: int, rng: np.random.Generator) -> Sequence[Candidate[Any]]:
        start = time.perf_counter()
        try:
            return self.searcher.ask(n, rng)
        finally:
            self.seconds += time.perf_counter() - start

    def tell(self, evaluations: Sequence[Evaluation[Any]]) -> None:
        evaluations = [self._shown(evaluation) for evaluation in evaluations]
        start = time.perf_counter()
        self.searcher.tell(evaluations)
        self.seconds += time.perf_counter() - start

    def _shown(self, evaluation: Evaluation[Any]) -> Evaluation[Any]:
        if self.hidden not in evaluation.metrics:
            return evaluation
        return replace(evaluation, metrics={k: v for k, v in evaluation.metrics.items() if k != self.hidden})


@dataclass
class Recorder(CallbackDefaults):
    """A callback that keeps a row for each trial; the incumbent is the best so far, as the goal has it."""

    timed: Timed
    goal: Goal
    test: str | None = None
    report: Callable[[Evaluation], float] | None = None
    advance: Callable[[], None] | None = None
    rows: list[Row] = field(default_factory=list)
    _best: Trial | None = None
    _incumbent: float = float("nan")
    _test: float = float("nan")
    _seconds: float = 0.0

    def told(self, trial: Trial) -> None:
        evaluation = trial.evaluation
        if evaluation.status == "absent":
            return
        self._seconds += evaluation.seconds
        value = float(evaluation.metrics.get(self.goal.first.name, np.nan)) if evaluation.ok else float("nan")
        if self.goal.best([t for t in (self._best, trial) if t is not None]) is trial:
            self._best, self._incumbent = trial, self.report(evaluation) if self.report else value
            self._test = float(evaluation.metrics.get(self.test, np.nan)) if self.test else float("nan")
        overhead, self.timed.seconds = self.timed.seconds, 0.0
        self.rows.append(Row(len(self.rows) + 1, value, self._incumbent, self._test, self._seconds, overhead))
        if self.advance is not None:
            self.advance()


def search(
    searcher: Searcher[Any],
    executor: loop.Executor,
    task: Task,
    goal: Goal,
    *,
    seed: int,
    trials: int,
    test: str | None = None,
    report: Callable[[Evaluation], float] | None = None,
    advance: Callable[[], None] | None = None,
) -> tuple[list[Row], Sequence[Trial]]:
    """The rows of one search and its trials; fewer than `trials` where the space is exhausted.

    Args:
        test: the metric that reports the incumbent; the searcher never sees it.
        report: what counts as an evaluation's worth where the searcher saw a noisy one; by default what it saw.
        advance: called after each trial.
    """
    timed = Timed(searcher, test)
    recorder = Recorder(timed, goal, test, report, advance)
    outcome = loop.run(timed, executor, task, seed=seed, budget=loop.Budget(trials), callbacks=[recorder])
    return recorder.rows, outcome.trials


def as_json(rows: Sequence[Row], trials: Sequence[Trial], objective: Objective) -> dict[str, Any]:
    """What a folder keeps of a benchmark run."""
    return {
        "failed": sum(trial.evaluation.status == "failed" for trial in trials),
        "objective": objective.name,
        "maximize": objective.maximize,
        "rows": [asdict(row) for row in rows],
    }
