"""Several objectives under rankers: what a genome is expected to add to the front."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, Generic

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.goals import Goal, Objective
from evonas.core.optional import Acquiring, Uncertain
from evonas.core.ranks import normal_scores
from evonas.core.types import Evaluation, G, Ranker
from evonas.search.fidelity import at_full
from evonas.search.hypervolume import Front

LEAST = 4  # results, before which nothing can be said of volumes
BELOW = 0.1  # of the range of the results, that the reference lies below the worst of them in each objective
NODES = {1: 9, 2: 5}  # of the quadrature, in each of so many learned objectives; 3 where there are more
TOP = 0.25  # share of the results whose spread says how much better than the best a result may be


def learned(context: SearchContext[Any]) -> list[Objective]:
    """The objectives that have to be learned: not those that are known before training, where somebody counts them. A
    search for nothing else learns the first all the same."""
    objectives = context.goal.objectives
    found = [one for one in objectives if context.costs is None or not one.metric.before_training]
    return found or [objectives[0]]


class SeveralObjectives(Generic[G]):
    """Scores genomes by the expected improvement of the hypervolume (Emmerich, Giannakoglou & Naujoks 2006, IEEE TEC
    10(4)) under the rankers' predictions; what is known before training is computed, not predicted.

    A ranker predicts normal scores of the results; by the results' own quantiles these become values again, and each
    objective is scaled by the range of its results. The reference point lies a tenth of that range below the worst, so
    that it does not depend on units. Candidates on their way count as if they had what is expected of them. Among
    genomes from which nothing is expected, and while results are few, Pareto order decides.

    Args:
        goal: all objectives.
        learned: those that the rankers learn.
        rankers: theirs, in the same order.
        costs: a genome and names -> what is known before training; None where nothing is.
    """

    def __init__(
        self,
        goal: Goal,
        learned: Sequence[Objective],
        rankers: Sequence[Ranker],
        costs: Callable[[G, Sequence[str]], Mapping[str, float]] | None,
    ):
        self.goal, self.learned, self.rankers, self.costs = goal, learned, rankers, costs
        self._known = [one for one in goal.objectives if one not in self.learned]
        self._costs: dict[G, Mapping[str, float]] = {}
        self._results = np.empty((0, len(goal.objectives)))
        self._quantiles: list[tuple[np.ndarray, np.ndarray]] = []

    def observe(self, results: Sequence[Evaluation[G]]) -> None:
        """All results so far."""
        columns = [np.array(list(at_full(results, one).values())) for one in self.goal.objectives]
        rows = np.stack(columns, axis=1) if results else self._results
        self._results = rows[np.isfinite(rows).all(1)]
        places = [self.goal.objectives.index(one) for one in self.learned]
        self._quantiles = [(normal_scores(rows[:, place]), rows[:, place]) for place in places]

    def scores(self, genomes: Sequence[G], X: np.ndarray, on_their_way: Sequence[G], pending: np.ndarray) -> np.ndarray:
        """(n,) the higher the better, of genomes with (n, d) features, given those on their way with (p, d); all alike
        where the first ranker knows nothing."""
        worths = [worth(ranker, X, pending) for ranker in self.rankers]
        if np.ptp(worths[0]) == 0:
            return worths[0]
        by_order = pareto_scores(self._joined(genomes, worths))
        spread = np.ptp(self._results, axis=0) if len(self._results) else np.zeros(1)
        if len(self._results) < LEAST or not spread.all():
            return by_order
        worst = self._results.min(0)
        front = [self._results]
        if len(on_their_way):
            front.append(self._values(on_their_way, self._predicted(pending), np.zeros(len(self.learned))))
        improvement = Front((np.concatenate(front) - worst) / spread, np.full(len(worst), -BELOW)).improvement
        predicted = self._predicted(X)
        expected = np.zeros(len(genomes))
        for weight, node in _quadrature(len(self.learned)):
            expected += weight * improvement((self._values(genomes, predicted, node) - worst) / spread)
        hopeful = expected > 1e-12
        return np.where(hopeful, np.log(np.maximum(expected, 1e-12)), by_order - len(by_order) - 100.0)

    def _predicted(self, X: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each learned objective (n,) normal scores and their deviations; 0 where a ranker knows none."""
        return [
            ranker.predict_with_deviation(X) if isinstance(ranker, Uncertain) else (ranker.predict(X), np.zeros(len(X)))
            for ranker in self.rankers
        ]

    def _values(
        self, genomes: Sequence[G], predicted: Sequence[tuple[np.ndarray, np.ndarray]], node: np.ndarray
    ) -> np.ndarray:
        """(n, m) values of all objectives, so many deviations from what is predicted."""
        scores = [mean + at * deviation for (mean, deviation), at in zip(predicted, node, strict=True)]
        return self._joined(genomes, [_value(z, *q) for z, q in zip(scores, self._quantiles, strict=True)])

    def _joined(self, genomes: Sequence[G], of_learned: Sequence[np.ndarray]) -> np.ndarray:
        """(n, m) with what is known before training."""
        by_name = {one.name: values for one, values in zip(self.learned, of_learned, strict=True)}
        for one in self._known:
            by_name[one.name] = np.array([one.value(self._cost(genome)) for genome in genomes])
        return np.stack([by_name[one.name] for one in self.goal.objectives], axis=1)

    def _cost(self, genome: G) -> Mapping[str, float]:
        if genome not in self._costs:
            assert self.costs is not None
            self._costs[genome] = self.costs(genome, [one.name for one in self._known])
        return self._costs[genome]


def pareto_scores(values: np.ndarray) -> np.ndarray:
    """(n,) scores of (n, objectives) values, higher is better: first how few dominate a row, then its mean rank."""
    dominated = np.array([((values >= v).all(1) & (values > v).any(1)).sum() for v in values])
    ranks = values.argsort(0).argsort(0).mean(1)
    return -dominated.astype(float) + ranks / len(values)


def worth(ranker: Ranker, X: np.ndarray, pending: np.ndarray) -> np.ndarray:
    if isinstance(ranker, Acquiring):
        return np.asarray(ranker.acquire(X, pending))
    return np.asarray(ranker.predict(X))


def _value(z: np.ndarray, scores: np.ndarray, values: np.ndarray) -> np.ndarray:
    """(n,) values for normal scores `z`, by (r,) scores and values of the results; beyond the best as steeply as among
    the top ones."""
    there = np.isfinite(values)
    order = np.argsort(scores[there], kind="stable")
    scores, values = scores[there][order], values[there][order]
    top = int((1 - TOP) * (len(scores) - 1))
    slope = (values[-1] - values[top]) / max(scores[-1] - scores[top], 1e-9)
    return np.interp(z, scores, values) + slope * np.maximum(z - scores[-1], 0.0)


def _quadrature(dimensions: int) -> list[tuple[float, np.ndarray]]:
    """(weight, (d,) deviations) pairs of a standard normal distribution (Gauss–Hermite)."""
    at, weights = np.polynomial.hermite_e.hermegauss(NODES.get(dimensions, 3))
    weights = weights / weights.sum()
    grid = product(range(len(at)), repeat=dimensions)
    return [(float(weights[list(i)].prod()), at[list(i)]) for i in grid]
