"""Searching a data set of `small-images` by real training, with the recipe and the earlier tasks of the table."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from evonas.core.goals import Objective
from evonas.core.types import Candidate, Evaluation, Searcher
from evonas.execution.processes import Processes
from evonas_benchmarks.run.problems import make_searcher, tabular_problem
from evonas_benchmarks.run.search import search
from evonas_benchmarks.run.sharing import SharedTrainings
from evonas_benchmarks.suites.suite import Suite
from evonas_benchmarks.tables import small_images

SEED = 2  # of the searches and of the trainings; the table has seeds 0 and 1
FIRST = "random"  # the method whose best is the others' goal


def reached(curve: np.ndarray, goal: float) -> float:
    """The first training whose best so far is the goal; infinite where none is."""
    there = np.asarray(curve) >= goal - 1e-12
    return float(there.argmax() + 1) if there.any() else float("inf")


@dataclass
class Until:
    """A searcher that asks for nothing more once the goal is reached, or somebody says stop."""

    searcher: Searcher[Any]
    objective: Objective
    goal: float
    stop: Event
    _best: float = float("-inf")

    def ask(self, n: int, rng: np.random.Generator) -> Sequence[Candidate[Any]]:
        return [] if self._best >= self.goal or self.stop.is_set() else self.searcher.ask(n, rng)

    def tell(self, evaluations: Sequence[Evaluation[Any]]) -> None:
        self.searcher.tell(evaluations)
        self._best = max([self._best, *(self.objective.value(one.metrics) for one in evaluations if one.ok)])


@dataclass
class Live:
    """A data set searched by real training: random search's best, what the others needed for it, all accuracies."""

    name: str
    goal: float = float("nan")
    needed: dict[str, float] = field(default_factory=dict)
    at_random: dict[str, float] = field(default_factory=dict)  # cell -> accuracy, those of random search
    trained: dict[str, float] = field(default_factory=dict)  # those of all methods


def search_live(
    suite: Suite, name: str, images: Path | None, out: Path, methods: Sequence[str], trials: int, stop: Event
) -> Live:
    """Each method, random search first, with so many trainings at most and all with the same seed.

    A cell that several ask for is trained once. Trainings are kept in a file.
    """
    problem, found = tabular_problem(suite, name, SEED), Live(name)
    with Processes([small_images.trainer(name, images)]) as executor:
        sharing = SharedTrainings(executor, problem.encoding.canonical, out / f"{name}.jsonl")  # type: ignore[attr-defined]
        for method in methods:
            goal = float("inf") if method == FIRST else found.goal
            searcher = Until(make_searcher(method, problem), problem.objective, goal, stop)
            rows, observed = search(searcher, sharing, problem.task, problem.goal, seed=SEED, trials=trials)
            if stop.is_set():
                break
            figures = {one.candidate.genome: one.metrics["val_accuracy"] for t in observed if (one := t.evaluation).ok}
            found.trained |= figures
            if method == FIRST:
                found.goal, found.at_random = rows[-1].best, figures
            else:
                found.needed[method] = reached(np.array([row.best for row in rows]), found.goal)
            print(f"{name}: {method} ran live, {sharing.trained} trainings now, {sharing.shared} shared", flush=True)
    return found


def search_all_live(
    suite: Suite, images: Path, out: Path, methods: Sequence[str], trials: int, jobs: int
) -> list[Live]:
    """Some data sets at a time. When interrupted, waits for the trainings that run."""
    stop = Event()
    with ThreadPoolExecutor(jobs) as pool:
        futures = [
            pool.submit(search_live, suite, name, images, out, methods, trials, stop) for name in suite.task_names()
        ]
        try:
            return [future.result() for future in futures]
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
