"""Several methods on one data set with several seeds, by real training: `evonas compare`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evonas.app.config import SearchConfig
from evonas.core import plugins
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.goals import Goal, Objective
from evonas.core.optional import canonical_form
from evonas.core.trust import given
from evonas.search.methods import check_method
from evonas_benchmarks.analysis import statistics
from evonas_benchmarks.run.benchmark_run import Row, Sharing, run_cell


@dataclass
class Comparison:
    """Rows by method and seed; `values` and what is made of them are signed so that higher is better."""

    objective: Objective
    trials: int
    rows: dict[tuple[str, int], list[Row]] = field(default_factory=dict)
    failed: dict[str, int] = field(default_factory=dict)
    trained: int = 0
    shared: int = 0

    @property
    def methods(self) -> list[str]:
        return list(dict.fromkeys(method for method, _ in self.rows))

    @property
    def seeds(self) -> list[int]:
        return list(dict.fromkeys(seed for _, seed in self.rows))

    def best(self, trial: int) -> dict[str, np.ndarray]:
        """Method -> (seeds,) the best found up to a trial, in the objective's own unit; NaN where all failed."""
        return {
            method: np.array([_upto(self.rows[method, seed], trial) for seed in self.seeds]) for method in self.methods
        }

    def values(self) -> dict[str, np.ndarray]:
        """Method -> (seeds,) the best of the whole search, higher is better."""
        sign = 1.0 if self.objective.maximize else -1.0
        return {method: sign * best for method, best in self.best(self.trials).items()}

    def trainings_to(self, method: str, level: Mapping[int, float]) -> np.ndarray:
        """(seeds,) the first trial whose best is as good as each seed's level; infinite where none is."""
        sign = 1.0 if self.objective.maximize else -1.0
        found = []
        for seed in self.seeds:
            reached = [row.trial for row in self.rows[method, seed] if sign * row.best >= sign * level[seed]]
            found.append(reached[0] if reached else np.inf)
        return np.array(found)


def _upto(rows: Sequence[Row], trial: int) -> float:
    return rows[min(trial, len(rows)) - 1].best if rows else float("nan")


def compare(
    methods: Sequence[str],
    *,
    trials: int = 20,
    seeds: Sequence[int] = (0, 1, 2),
    advance: Callable[[str, int], None] | None = None,
    **options: Any,
) -> Comparison:
    """Run every method with every seed; a network that several ask for with one seed is trained once.

    Args:
        methods: `SEARCHER` or `SEARCHER+RANKER`, at least two that differ.
        advance: called with method and seed after each trial.
        options: those of `evonas search`: `data`, `encoding`, `epochs`, `train_size`, `device`, `workers`, …

    Raises EvonasError where a name or an option will not do, before anything is trained.
    """
    if len(set(methods)) < max(2, len(methods)):
        raise EvonasError(f"methods {','.join(methods)!r} are no comparison; give two or more that differ")
    if len(set(seeds)) < max(1, len(seeds)):
        raise EvonasError(f"seeds {list(seeds)} repeat themselves or are none")
    given(*methods, *(value for value in options.values() if isinstance(value, str)))
    configs = [SearchConfig.make({**options, "trials": trials, "seed": seed, "surrogate": "none"}) for seed in seeds]
    bench = _Bench(configs[0], methods)
    comparison = Comparison(bench.objectives[0], trials)
    for config in configs:
        bench.run_seed(config, methods, comparison, advance)
    return comparison


class _Bench:
    """What all cells of a comparison share: data, encoding and memory."""

    def __init__(self, config: SearchConfig, methods: Sequence[str]):
        from evonas.domains.domain import domain_named, load_data
        from evonas.encodings.make import make_encoding

        for method in methods:
            check_method(method)
        self.objectives = Goal.parse(config.objectives).objectives
        self.data = load_data(config.data, root=Path(config.root) if config.root else None)
        self.domain = domain_named(self.data.domain)
        self.encoding_name = config.encoding or self.domain.encoding
        self.encoding = make_encoding(self.encoding_name)
        self.store = _memory(config) if any("+" in method for method in methods) else None

    def run_seed(
        self,
        config: SearchConfig,
        methods: Sequence[str],
        comparison: Comparison,
        advance: Callable[[str, int], None] | None,
    ) -> None:
        from evonas.domains.domain import TrainingOptions
        from evonas.search.methods import make_method
        from evonas.training.latency import with_latency

        seed = config.seed
        data = self.domain.split(self.data, seed=seed, train_size=config.train_size)
        self.domain.check(self.encoding, data.task, np.random.default_rng(seed))
        trainer = self.domain.trainer(self.encoding, data, TrainingOptions(config.epochs, config.device))
        with ExitStack() as stack:
            executor = stack.enter_context(
                plugins.make(
                    "evonas.executors",
                    config.executor,
                    with_latency(trainer, Goal(self.objectives)),
                    config.workers,
                    config.timeout,
                )
            )
            sharing = Sharing(executor, canonical_form(self.encoding))
            for method in methods:
                goal = Goal(self.objectives)
                context = SearchContext(self.encoding, goal, data.task, self.store, seed, self.encoding_name)
                searcher = make_method(method, context)
                rows, told = run_cell(
                    searcher,
                    sharing,
                    data.task,
                    self.objectives[0],
                    seed=seed,
                    trials=comparison.trials,
                    advance=(lambda m=method: advance(m, seed)) if advance else None,
                )
                comparison.rows[method, seed] = rows
                failures = sum(trial.evaluation.status == "failed" for trial in told)
                comparison.failed[method] = comparison.failed.get(method, 0) + failures
            comparison.trained += sharing.trained
            comparison.shared += sharing.shared


def _memory(config: SearchConfig):
    """What the archive holds now, for methods that remember; a comparison itself leaves no trace there."""
    from evonas.memory.archive import Archive

    return Archive(config.archive)


def verdict(comparison: Comparison) -> str:
    """One sentence on who won; nobody, where the interval or the test leaves it open."""
    values = comparison.values()
    won = statistics.winner(values)
    n = len(comparison.seeds)
    if won is not None:
        return f"{won} won: ahead of every other method beyond the 95 % interval over {n} seeds"
    needed = statistics.fewest_seeds(len(values) - 1)
    first = " and ".join(statistics.leaders(values))
    if not first:
        return "no winner: no training succeeded"
    leads = f"{first} {'lead' if ' and ' in first else 'leads'}"
    if n < needed:
        why = f"{n} seeds cannot show one among {len(values)} methods; give --seeds {needed} or more"
        return f"no winner: {leads}, but {why}"
    return f"no winner: {leads}, but not beyond chance over {n} seeds"


def budget_rows(trials: int) -> list[int]:
    """At which trials the table looks: half and all of the budget."""
    return sorted({max(1, trials // 2), trials})
