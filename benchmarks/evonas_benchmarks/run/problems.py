"""What a method meets in a benchmark run: a space, an evaluator, and what it may know of earlier tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np

from evonas.app.limits import known_costs, obeying, within
from evonas.core import plugins
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError, choices
from evonas.core.goals import Goal, Objective
from evonas.core.optional import HasGoal, MultiFidelity, Teachable, WrapsSearcher
from evonas.core.types import Encoding, Evaluation, Evaluator, Ranker, Searcher, Store, Task, Trial
from evonas.execution.processes import Serial
from evonas.search.screening import Screened
from evonas_benchmarks.peers.peer import Peer
from evonas_benchmarks.run.measures import Known, Measure, known, measure
from evonas_benchmarks.suites.objectives import offered
from evonas_benchmarks.suites.suite import Suite
from evonas_benchmarks.suites.wrappers import wrapped
from evonas_benchmarks.tables.lookup import Table


@dataclass(frozen=True, eq=False)
class Earlier:
    """What is known of an earlier task: (n,) genomes, (n, d) features, (n,) scores, higher is better.

    `metrics` are its (n,) columns as the table has them, for methods with several objectives.
    """

    task: str
    genomes: Sequence[Any]
    X: np.ndarray
    y: np.ndarray
    metrics: Mapping[str, np.ndarray] = field(default_factory=dict)


class Nothing:
    """A store that remembers no trial: a ranker that recalls has what it comes with."""

    def append(self, trial: Trial) -> None:
        raise NotImplementedError("nothing is remembered here")

    def trials(
        self, run: str | None = None, *, encoding: str | None = None, task: str | None = None
    ) -> Sequence[Trial]:
        return ()


@dataclass(frozen=True, eq=False)
class Problem:
    """`best` and `median` are the table's, in scores (higher is better); NaN where there is no table.

    `truth` is an evaluation's worth without noise, in the objective's own unit; None where what is seen counts.
    `metrics` are those of a table; None where networks are trained, at any fidelity, with a `store` of what is
    remembered. Where there are several objectives or limits, `measure` is what else the table says of each trial, and
    `known` what it knows before a training.
    """

    task: Task
    encoding: Encoding[Any]
    goal: Goal
    executor: AbstractContextManager[Any]
    test: str | None = None
    best: float = float("nan")
    median: float = float("nan")
    earlier: Sequence[Earlier] = ()
    truth: Callable[[Evaluation], float] | None = None
    costs: bool = True
    metrics: Sequence[str] | None = None
    store: Store | None = None
    encoding_name: str = ""
    seed: int = 0
    measure: Measure | None = None
    known: Known | None = None

    @property
    def objective(self) -> Objective:
        """What decides what is best."""
        return self.goal.first

    @property
    def context(self) -> SearchContext[Any]:
        """What its searchers are made from."""
        costs = self.known.costs if self.known else None
        return SearchContext(
            self.encoding, self.goal, self.task, self.store, self.seed, self.encoding_name, costs=costs
        )

    def regret(self, value: float) -> float:
        """0 at the table's best, 1 at its median, of the networks that keep the limits."""
        return (self.best - self.objective.signed(value)) / (self.best - self.median)

    def figures(self, evaluations: Sequence[Evaluation]) -> list[dict[str, float]]:
        """Of each trial, by column, what the measure says; nothing where there is none."""
        return self.measure.figures(evaluations) if self.measure else [{} for _ in evaluations]


@lru_cache(maxsize=4)
def _table(suite: Any) -> Table:
    return suite.load_table()


@lru_cache(maxsize=16)
def _judged(suite: Any, task: str) -> tuple[Goal, Measure]:
    table = _table(suite)
    goal = suite.aims.goal(table, task)
    return goal, measure(goal, table, task)


def tabular_problem(suite: Suite, task: str, seed: int, *, untaught: bool = False) -> Problem:
    """The task's table, and `suite.earlier` random rows of other ones, drawn by seed; of none if `untaught`."""
    table = _table(cast(Any, suite))
    entry, metric = table.entry(task), table.entry(task).objective.name
    goal, measured = _judged(cast(Any, suite), task)
    best, median = measured.best, measured.median
    if best == median and len(goal.objectives) == 1:
        kept = " within the limits" if goal.constraints else ""
        raise EvonasError(
            f"task {task!r} of suite {suite.name!r}: half of the table's networks{kept} have the best {metric!r} "
            f"there is, {abs(best):g}; nothing can be compared on it, leave it out"
        )
    plain = not suite.limits and len(goal.objectives) == 1
    evaluator, encoding = table.evaluator(task, suite.noise), table.encoding_of(task)
    for spec in suite.wrappers:
        evaluator, encoding = wrapped(spec, evaluator, encoding, metric)

    def truth(evaluation: Evaluation) -> float:
        return float(table.values(task, metric)[cast(int, table.row(evaluation.candidate.genome))])

    return Problem(
        entry.task,
        encoding,
        goal,
        Serial(evaluator),
        entry.test,
        best,
        median,
        ()
        if untaught
        else [
            earlier_rows(table, i, other, suite.earlier, seed)
            for i, other in others(suite, task, seed)
            if not set(entry.sources) & set(table.entry(other).sources)
        ],
        truth if suite.noise or suite.wrappers else None,
        entry.seconds is not None,
        offered(entry),
        seed=seed,
        measure=None if plain else measured,
        known=None if plain else known(goal, table, task),
    )


def others(suite: Suite, task: str, seed: int = 0) -> list[tuple[int, str]]:
    """(place in the suite, name) of the tasks that may be known when `task` is searched.

    `earlier_tasks` many are the first of an order drawn by seed and task, so that one of one is one of two.
    """
    if not suite.earlier:
        return []
    names = suite.task_names()
    there = [(i, name) for i, name in enumerate(names) if name != task]
    chosen = suite.earlier_tasks
    if chosen is None:
        return there
    if isinstance(chosen, int):
        order = np.random.default_rng([seed, names.index(task), 104_729]).permutation(len(there))[:chosen]
        return sorted(there[i] for i in order)
    return [(i, name) for i, name in there if name in chosen]


def earlier_rows(table: Table, index: int, task: str, rows: int, seed: int) -> Earlier:
    """So many random architectures of a task, the same for every target with the same seed."""
    scores = table.scores(task)
    known = np.flatnonzero(~np.isnan(scores))
    rng = np.random.default_rng([seed, index, 7919])
    chosen = rng.choice(known, size=min(rows, len(known)), replace=False)
    metrics = {name: table.values(task, name)[chosen] for name in table.entry(task).columns}
    return Earlier(task, [table.genomes[row] for row in chosen], table.features[chosen], scores[chosen], metrics)


@lru_cache(maxsize=2)
def _images(spec: str, root: Path | None) -> Any:
    """Loaded, and described, once for all seeds and methods that come one after the other in a process."""
    from evonas.domains.domain import load_data

    return load_data(spec, root=root)


def training_problem(suite: Suite, task: str, seed: int, root: Path | None = None) -> Problem:
    """The task's images, split by seed, to be trained on for real."""
    from evonas.domains.images import split
    from evonas.encodings.make import make_encoding
    from evonas.training.trainer import TorchTrainer

    spec = next(one for one in suite.tasks if one.name == task)
    encoding: Encoding[Any] = make_encoding(suite.encoding or "cell")
    data = split(_images(suite.data_of(spec), root), seed=seed, train_size=suite.train_size)
    evaluator: Evaluator = TorchTrainer(encoding, data, epochs=suite.epochs, device=suite.device, held_out=True)
    name = plugins.plain_name(suite.encoding or "cell")
    objective = Goal.parse(spec.objective or suite.objective).objectives[0]
    for wrapper in suite.wrappers:
        evaluator, encoding = wrapped(wrapper, evaluator, encoding, objective.name)
    return Problem(
        data.task,
        encoding,
        Goal((objective,)),
        Serial(evaluator),
        "test_accuracy",
        store=Nothing(),
        encoding_name=name,
        seed=seed,
    )


def make_searcher(spec: str, problem: Problem) -> Searcher[Any]:
    """The method, taught what is known of the earlier tasks.

    A ranker is fitted; a searcher that has `learn(earlier)` is given the same rows. All see the same. Where networks
    are trained, a ranker has what it comes with. None proposes what breaks a limit that is known before training, but
    a peer, which learns of limits as its package has it.

    Raises EvonasError where the method asks for what the table does not have.
    """
    from evonas.search.methods import make_method

    searcher = make_method(spec, problem.context)
    costs, proposals = known_costs(problem.goal, problem.known, problem.encoding), None
    if costs is not None and not isinstance(searcher, Peer):  # only what was made says whether it is a peer
        encoding, proposals = within(problem.encoding, costs)
        searcher = make_method(spec, replace(problem.context, encoding=encoding))
    parts = list(_parts(searcher))
    _check_possible(spec, parts, problem)
    for part in parts:
        if isinstance(part, Teachable):
            part.learn(problem.earlier)
        if isinstance(part, Screened) and problem.earlier:
            for ranker, objective in zip(part.rankers, part.learned, strict=True):
                _fit(ranker, objective, problem)
    return searcher if isinstance(searcher, Peer) else obeying(searcher, problem.goal, proposals)


def _parts(searcher: Searcher[Any]) -> Iterator[Searcher[Any]]:
    """A method and the searchers that it wraps."""
    yield searcher
    while isinstance(searcher, WrapsSearcher):
        searcher = searcher.searcher
        yield searcher


def _check_possible(spec: str, parts: Sequence[Searcher[Any]], problem: Problem) -> None:
    if problem.metrics is None:
        return
    for part in parts:
        if isinstance(part, MultiFidelity) and min(part.fidelities) < 1:
            raise EvonasError(
                f"method {spec!r} trains for few epochs first, and a table has full trainings only; give it to a suite "
                "that trains (digits, images)"
            )
        for objective in part.goal.objectives if isinstance(part, HasGoal) else ():
            if objective.name not in problem.metrics:
                raise EvonasError(
                    f"method {spec!r} also goes by {objective.name!r}, and task {problem.task.name!r} has "
                    f"{choices(problem.metrics)} only; leave the method out"
                )


def _fit(ranker: Ranker, objective: Objective, problem: Problem) -> None:
    groups = np.concatenate([[one.task] * len(one.y) for one in problem.earlier])
    X = np.concatenate([one.X for one in problem.earlier])
    ranker.fit(X, np.concatenate([_scores(one, objective, problem) for one in problem.earlier]), groups)


def _scores(one: Earlier, objective: Objective, problem: Problem) -> np.ndarray:
    if objective == problem.objective:  # of the earlier task itself, whatever its own is called
        return one.y
    return objective.signed(one.metrics[objective.name])
