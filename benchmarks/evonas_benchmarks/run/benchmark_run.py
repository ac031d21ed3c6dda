"""A cell: one method on one task with one seed, recorded trial by trial."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core.genomes import freeze
from evonas.core.goals import Goal, Objective
from evonas.core.types import Candidate, Evaluation, Searcher, Task, Trial
from evonas.search import loop


@dataclass(frozen=True)
class Row:
    """A trial of a cell. `value` and `best` are in the objective's own unit, `seconds` is cumulative.

    `test` is the incumbent's (NaN where there is none), `overhead` the method's own wall-clock seconds.
    """

    trial: int
    value: float
    best: float
    test: float
    seconds: float
    overhead: float


class Timed:
    """A searcher whose own time is measured: asking and telling, never the training. It is not told `hidden`."""

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
class Recorder:
    """A callback that keeps a row for each trial; the incumbent is the best of the highest fidelity so far."""

    timed: Timed
    objective: Objective
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
        value = float(evaluation.metrics.get(self.objective.name, np.nan)) if evaluation.ok else float("nan")
        if Goal((self.objective,)).best([t for t in (self._best, trial) if t is not None]) is trial:
            self._best, self._incumbent = trial, self.report(evaluation) if self.report else value
            self._test = float(evaluation.metrics.get(self.test, np.nan)) if self.test else float("nan")
        overhead, self.timed.seconds = self.timed.seconds, 0.0
        self.rows.append(Row(len(self.rows) + 1, value, self._incumbent, self._test, self._seconds, overhead))
        if self.advance is not None:
            self.advance()

    def started(self, task: Task, told: Sequence[Trial]) -> None:
        pass

    def asked(self, number: int, candidate: Candidate) -> None:
        pass

    def ended(self, reason: str) -> None:
        pass


def run_cell(
    searcher: Searcher[Any],
    executor: loop.Executor,
    task: Task,
    objective: Objective,
    *,
    seed: int,
    trials: int,
    test: str | None = None,
    report: Callable[[Evaluation], float] | None = None,
    advance: Callable[[], None] | None = None,
) -> tuple[list[Row], Sequence[Trial]]:
    """The rows of one search and its trials; fewer than asked for where the space is exhausted.

    Args:
        test: the metric that reports the incumbent; the searcher never sees it.
        report: what counts as an evaluation's worth where the searcher saw a noisy one; by default what it saw.
        advance: called after each trial.
    """
    timed = Timed(searcher, test)
    recorder = Recorder(timed, objective, test, report, advance)
    outcome = loop.run(timed, executor, task, seed=seed, budget=loop.Budget(trials), callbacks=[recorder])
    return recorder.rows, outcome.trials


@dataclass
class Sharing:
    """An executor that evaluates a network once for all methods that ask for it, on one task with one seed.

    Fair, for a training is a function of network, fidelity and seed alone: each method is told the same result and
    the same seconds as if it had been first. With a `path` trainings are kept there, a line of JSON each, so that
    whoever comes back after an interruption finds them.
    """

    executor: loop.Executor
    canonical: Callable[[Any], Hashable]
    path: Path | None = None
    known: dict[Hashable, Evaluation] = field(default_factory=dict)
    trained: int = 0
    shared: int = 0

    def __post_init__(self) -> None:
        if self.path is not None and self.path.is_file():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                try:
                    self._take(json.loads(line))
                except (ValueError, KeyError):
                    continue  # the line that was being written when somebody pulled the plug

    @property
    def slots(self) -> int:
        return self.executor.slots

    def submit(self, candidate: Candidate, task: Task, seed: int) -> Future[Evaluation]:
        key = (self.canonical(candidate.genome), candidate.fidelity)
        if key in self.known:
            self.shared += 1
            future: Future[Evaluation] = Future()
            future.set_result(replace(self.known[key], candidate=candidate))
            return future
        future = self.executor.submit(candidate, task, seed)
        future.add_done_callback(lambda done: self._keep(key, done.result()))
        return future

    def _keep(self, key: Hashable, evaluation: Evaluation) -> None:
        self.trained += 1
        self.known[key] = evaluation
        if self.path is not None:
            values = {**vars(evaluation), "metrics": dict(evaluation.metrics)}
            values["candidate"] = (evaluation.candidate.genome, evaluation.candidate.fidelity)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(values) + "\n")

    def _take(self, values: dict[str, Any]) -> None:
        genome, fidelity = values.pop("candidate")
        candidate = Candidate(freeze(genome), fidelity)
        self.known[self.canonical(candidate.genome), fidelity] = Evaluation(candidate, **values)
