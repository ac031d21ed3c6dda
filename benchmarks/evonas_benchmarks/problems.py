"""What a method meets in a cell: a space, an evaluator, and what it may know of earlier tasks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np

from evonas import plugins
from evonas.errors import EvonasError
from evonas.executors import Serial
from evonas.types import Encoding, Evaluation, Objective, Searcher, Task
from evonas_benchmarks.suites import Suite
from evonas_benchmarks.tabular import Table


@dataclass(frozen=True, eq=False)
class Earlier:
    """What is known of an earlier task: (n,) genomes, (n, d) features, (n,) scores, higher is better."""

    task: str
    genomes: Sequence[Any]
    X: np.ndarray
    y: np.ndarray


@dataclass(frozen=True, eq=False)
class Problem:
    """`best` and `median` are the table's, in scores (higher is better); NaN where there is no table.

    `truth` is an evaluation's worth without noise, in the objective's own unit; None where what is seen counts.
    """

    task: Task
    encoding: Encoding[Any]
    objective: Objective
    executor: AbstractContextManager[Any]
    test: str | None = None
    best: float = float("nan")
    median: float = float("nan")
    earlier: Sequence[Earlier] = ()
    truth: Callable[[Evaluation], float] | None = None
    costs: bool = True

    def regret(self, value: float) -> float:
        """0 at the table's best, 1 at its median."""
        signed = value if self.objective.maximize else -value
        return (self.best - signed) / (self.best - self.median)


@lru_cache(maxsize=4)
def _table(suite: Any) -> Table:
    return suite.load_table()


def tabular_problem(suite: Suite, task: str, seed: int) -> Problem:
    """The task's table, and `suite.earlier` random rows of every other one, drawn by seed."""
    table = _table(cast(Any, suite))
    entry = table.entry(task)
    scores = table.scores(task)
    known = scores[~np.isnan(scores)]
    evaluator = table.evaluator(task, suite.noise)

    def truth(evaluation: Evaluation) -> float:
        genome = evaluation.candidate.genome
        row = table.rows.get(genome)
        if row is None:
            row = table.rows[getattr(table.encoding, "canonical", lambda same: same)(genome)]
        return float(table.values(task, entry.objective.name)[row])

    return Problem(
        entry.task,
        table.encoding_of(task),
        entry.objective,
        Serial(evaluator),
        entry.test,
        float(known.max()),
        float(np.median(known)),
        [earlier_rows(table, i, other, suite.earlier, seed) for i, other in _others(suite, task)]
        if suite.earlier
        else (),
        truth if suite.noise else None,
        entry.seconds is not None,
    )


def _others(suite: Suite, task: str) -> list[tuple[int, str]]:
    return [(i, name) for i, name in enumerate(suite.task_names()) if name != task]


def earlier_rows(table: Table, index: int, task: str, rows: int, seed: int) -> Earlier:
    """So many random architectures of a task, the same for every target with the same seed."""
    scores = table.scores(task)
    known = np.flatnonzero(~np.isnan(scores))
    rng = np.random.default_rng([seed, index, 7919])
    chosen = rng.choice(known, size=min(rows, len(known)), replace=False)
    return Earlier(task, [table.genomes[row] for row in chosen], table.features[chosen], scores[chosen])


def training_problem(suite: Suite, task: str, seed: int, root: Path | None = None) -> Problem:
    """The task's images, split by seed, to be trained on for real."""
    from evonas.config import parse_objectives
    from evonas.job import make_encoding
    from evonas.tasks import load_images, split
    from evonas.training.trainer import TorchTrainer

    spec = next(one for one in suite.tasks if one.name == task)
    encoding = make_encoding(suite.encoding or "cell")
    data = split(load_images(str(spec.data), root=root), seed=seed, train_size=suite.train_size)
    trainer = TorchTrainer(encoding, data, epochs=suite.epochs, device=suite.device)
    return Problem(data.task, encoding, parse_objectives(suite.objective)[0], Serial(trainer))


def check_method(spec: str) -> None:
    """Raises EvonasError, with the choices, where a part of the method is unknown."""
    searcher, plus, ranker = spec.partition("+")
    plugins.resolve("evonas.searchers", searcher)
    if plus:
        plugins.resolve("evonas.rankers", ranker)


def make_searcher(spec: str, problem: Problem) -> Searcher[Any]:
    """The method, taught what is known of the earlier tasks.

    A ranker is fitted; a searcher that has `learn(earlier)` is given the same rows. All see the same.
    """
    from evonas.methods import make_method, make_ranker

    searcher_spec, plus, ranker_spec = spec.partition("+")
    objectives = (problem.objective,)
    searcher = make_method(searcher_spec, problem.encoding, problem.task, objectives)
    learn = getattr(searcher, "learn", None)
    if learn is not None:
        learn(problem.earlier)
    if not plus:
        return searcher
    from evonas.screening import Screened  # pyright: ignore[reportMissingImports]

    if len(getattr(searcher, "objectives", objectives)) > 1:
        raise EvonasError(
            f"method {spec!r} has several objectives, and tables are compared by one; give {searcher_spec!r}"
        )
    ranker = make_ranker(ranker_spec, problem.task, problem.objective)
    if problem.earlier:
        groups = np.concatenate([[one.task] * len(one.y) for one in problem.earlier])
        X = np.concatenate([one.X for one in problem.earlier])
        ranker.fit(X, np.concatenate([one.y for one in problem.earlier]), groups)
    return Screened(searcher, ranker, problem.encoding, problem.task, objectives=objectives)
