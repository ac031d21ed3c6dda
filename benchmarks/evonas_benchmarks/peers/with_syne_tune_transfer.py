"""Syne Tune's methods that learn from earlier tasks. Each sees the rows that a ranker of ours is fitted with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from evonas.core.errors import EvonasError
from evonas.core.space import Choice
from evonas_benchmarks.peers.peer import Cost, Suggestion, required
from evonas_benchmarks.peers.with_syne_tune import REA, SyneTune, domains

if TYPE_CHECKING:
    from evonas_benchmarks.run.problems import Earlier

TRANSFER = "syne_tune.optimizer.schedulers.transfer_learning"
baselines = required("syne_tune.optimizer.baselines")
records = required(f"{TRANSFER}.transfer_learning_task_evaluation")
zero_shot = required(f"{TRANSFER}.zero_shot")
quantile = required(f"{TRANSFER}.quantile_based.quantile_based_searcher")
bounding_box = required(f"{TRANSFER}.bounding_box")
pipelines = required("syne_tune.blackbox_repository.blackbox_surrogate")
xgboost = required("xgboost")

COST = "cost"
DRAWN = 100_000  # as many as Syne Tune's quantile method draws
CANDIDATES = 10_000  # as many as its zero-shot method predicts


class Transfer(SyneTune):
    """A searcher that the benchmark teaches by `learn`."""

    def __init__(self, *args: Any, **options: Any):
        super().__init__(*args, **options)
        self.rows: dict[str, tuple[list[Choice], np.ndarray]] = {}

    def learn(self, earlier: Sequence[Earlier]) -> None:
        """From the rows of the earlier tasks, each with `genomes` and `y`, higher is better; one row says nothing.

        Networks outside this task's space are left out: Syne Tune's earlier tasks share the space of the new one.
        """
        self.rows = {}
        for one in earlier:
            choices = [self._row(genome) for genome in one.genomes]
            known = [choice for choice in choices if choice is not None]
            if len(known) > 1:
                inside = [choice is not None for choice in choices]
                self.rows[one.task] = (known, -np.asarray(one.y, dtype=float)[inside])

    def _row(self, genome: Any) -> Choice | None:
        """The network as this space spells it, if it can."""
        try:
            return self.space.choice(genome)
        except EvonasError:
            return None

    def evaluations(self) -> dict[str, Any]:
        """The rows as Syne Tune wants them: by task, lower is better."""
        return {task: self.evaluation(choices, costs) for task, (choices, costs) in self.rows.items()}

    def evaluation(self, choices: Iterable[Choice], costs: np.ndarray) -> Any:
        """One task's: (n,) choices and (n,) costs."""
        values = costs.reshape(-1, 1, 1, 1)
        return records.TransferLearningTaskEvaluations(self.config_space, self.frame(choices), [COST], values)

    def frame(self, choices: Iterable[Choice]) -> pd.DataFrame:
        return pd.DataFrame(list(choices), columns=self.names)

    def networks(self, choices: Iterable[Choice]) -> list[Choice]:
        """Each network among them once, spelled as the rows are, in one order."""
        return sorted({self._canonical(choice) for choice in choices})

    def _canonical(self, choice: Choice) -> Choice:
        return self.space.choice(self.known.canonical(self.space.genome(choice)))


class Taught(Transfer):
    """Knows the earlier tasks and learns nothing from the task at hand; untaught, it draws at random."""

    def start(self, seed: int) -> None:
        self.inner = None
        if self.rows:
            with redirect_stdout(StringIO()):
                super().start(seed)

    def suggest(self) -> Suggestion | None:
        return super().suggest() if self.inner is not None else None

    def report(self, suggestion: Suggestion, cost: Cost | None, own: bool) -> None:
        pass


class ZeroShot(Taught):
    """Configurations that complement each other over the earlier tasks, one by one (Wistuba et al. 2015, ICDM).

    It needs every candidate's cost on every earlier task, and takes it from a model of each, XGBoost as Syne Tune's
    own `use_surrogates`. That one draws other candidates for each task, which makes their ranks incomparable, so the
    costs are predicted here, for the same candidates: 10,000 networks, and those that the earlier tasks know.
    """

    def make(self, seed: int) -> Any:
        candidates = self._candidates(np.random.RandomState(seed))
        predicted = {
            task: self.evaluation(candidates, self._predicted(choices, costs, candidates))
            for task, (choices, costs) in self.rows.items()
        }
        return zero_shot.ZeroShotTransfer(
            self.config_space, COST, predicted, sort_transfer_learning_evaluations=False, random_seed=seed
        )

    def suggest(self) -> Suggestion | None:
        config = self.inner.get_config() if self.inner is not None else None
        return None if config is None else Suggestion(self.choice(config))

    def _candidates(self, rng: np.random.RandomState) -> list[Choice]:
        drawn = np.unique(rng.randint(self.space.sizes, size=(DRAWN, len(self.space.sizes))), axis=0)
        networks = self.networks(tuple(map(int, choice)) for choice in drawn)
        chosen = rng.permutation(len(networks))[:CANDIDATES]
        return sorted({networks[i] for i in chosen}.union(*(choices for choices, _ in self.rows.values())))

    def _predicted(self, choices: Sequence[Choice], costs: np.ndarray, candidates: Sequence[Choice]) -> np.ndarray:
        model = pipelines.BlackboxSurrogate.make_model_pipeline(self.config_space, {}, xgboost.XGBRegressor(n_jobs=1))
        return model.fit(self.frame(choices), costs).predict(self.frame(candidates))


class Quantile(Taught):
    """Gaussian copula Thompson sampling: a model of all tasks' ranks, sampled (Salinas et al. 2020, ICML).

    Of its 100,000 candidates each network is kept once, and is struck off when it has been proposed.
    """

    def make(self, seed: int) -> Any:
        with xgboost.config_context(nthread=1):
            inner = quantile.QuantileBasedSurrogateSearcher(self.config_space, self.evaluations(), random_seed=seed)
            drawn = inner.X_candidates.drop_duplicates().itertuples(index=False, name=None)
            inner.X_candidates = self.frame(self.networks(drawn))
            inner.mu_pred = inner.model_pipeline.predict(inner.X_candidates).reshape(-1, 1)
            inner.sigma_pred = np.full_like(inner.mu_pred, inner.sigma_pred.flat[0])
        self._left = {choice: i for i, choice in enumerate(inner.X_candidates.itertuples(index=False, name=None))}
        return inner

    def suggest(self) -> Suggestion | None:
        if self.inner is None or not self._left:
            return None
        choice = self.choice(self.inner.suggest())
        self.inner.mu_pred[self._left.pop(choice)] = np.inf
        return Suggestion(choice)


class Box(Taught):
    """Random search in the box of the earlier tasks' best (Perrone et al. 2019, NeurIPS).

    A box without anything new is made wider: it holds the best of each task, then the two best, and so on.
    """

    def make(self, seed: int) -> Any:
        self._seed, self._best_of = seed, 0
        self._inside: set[Choice] = set()
        return self._wider()

    def suggest(self) -> Suggestion | None:
        while self.inner is not None:
            if len(self._inside) == self._size:
                self.inner = self._wider()
                continue
            choice = self.choice(self.inner.suggest().config)
            if choice not in self._inside:
                self._inside.add(choice)
                return Suggestion(choice)
        return None

    def _wider(self) -> Any:
        """The next box that holds something new; None where there is none."""
        space = {
            name: domains.randint(0, size - 1) if ordered else domains.choice(list(range(size)))
            for name, size, ordered in zip(self.names, self.space.sizes, self.ordered, strict=True)
        }
        most = max(len(costs) for _, costs in self.rows.values())
        while self._best_of < most:
            self._best_of += 1
            with redirect_stdout(StringIO()):
                box = bounding_box.BoundingBox(
                    _random_search,
                    space,
                    COST,
                    self.evaluations(),
                    num_hyperparameters_per_task=self._best_of,
                    random_seed=self._seed,
                )
            self._size = domains.config_space_size(box.scheduler.config_space)
            if self._size is None or self._size > len(self._inside):
                return box
        return None


def _random_search(space: dict[str, Any], metric: str, minimize: bool, seed: int) -> Any:
    return baselines.RandomSearch(space, [metric], minimize, seed)


class WarmREA(Transfer, REA):
    """Regularized evolution that begins with the best of each earlier task, as RUSH did (Zappella et al. 2021)."""

    several = False  # which of an earlier task is the best is said by one

    def first(self) -> list[dict[str, int]]:
        return [self.config(choices[int(costs.argmin())]) for choices, costs in self.rows.values()]
