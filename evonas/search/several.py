"""Several objectives under rankers: what a genome is expected to add to the front."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Generic

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.fronts import BELOW
from evonas.core.goals import Goal, Objective
from evonas.core.optional import Uncertain
from evonas.core.ranks import Quantiles
from evonas.core.types import Evaluation, G, Ranker
from evonas.search.fidelity import AtFull
from evonas.search.hypervolume import Front

FEW = 12  # results, before which they say nothing of how values are spread: what is predicted counts instead
SCORES = 2.0  # normal scores of so much, above and below 0, are the range of what is learned while results are few
SAMPLE = 64  # random genomes, that say how what is known before training is spread
NODES = {1: 9, 2: 5}  # of the quadrature in each of so many learned objectives; 3 where there are more
NOTHING = 1e-12  # a hypervolume; of genomes that are expected to add no more than that Pareto order decides


def learned(context: SearchContext[Any]) -> list[Objective]:
    """The objectives that have to be learned: not those that are known before training, where somebody counts them. A
    search for nothing else learns the first all the same."""
    objectives = context.goal.objectives
    found = [one for one in objectives if context.costs is None or not one.metric.before_training]
    return found or [objectives[0]]


@dataclass(frozen=True)
class _Front:
    """Values of results and of what is on its way, scaled: (value - worst) / spread, (m,) each; whether results are too
    `few` to say how values are spread."""

    front: Front
    worst: np.ndarray
    spread: np.ndarray
    few: bool


class SeveralObjectives(Generic[G]):
    """Scores genomes by the expected improvement of the hypervolume (Emmerich, Giannakoglou & Naujoks 2006, IEEE TEC
    10(4)) under the rankers' predictions; what is known before training is computed, not predicted.

    A ranker predicts normal scores of the results; by the results' own quantiles these become values again, and each
    objective is scaled by its range: of the results, and of some random genomes where it is known before training.
    Before there are results enough for that, the normal scores are what the front is made of, those of the results too
    as they are predicted. The reference lies a tenth of the range below the worst value, so that it does not depend on
    units. Candidates on their way count as what is expected of them.

    Args:
        context: its goal's objectives, all of them, and its costs.
        goal: the objectives that are gone by.
        learned: those of them that the rankers learn.
        rankers: theirs, in the same order.
    """

    def __init__(self, context: SearchContext[G], goal: Goal, learned: Sequence[Objective], rankers: Sequence[Ranker]):
        self.goal, self.learned, self.rankers, self.count = goal, learned, rankers, context.costs
        self._known = [one for one in goal.objectives if one not in learned]
        self._places = [goal.objectives.index(one) for one in learned]
        self._costs: dict[G, Mapping[str, float]] = {}
        self._results = [AtFull[G](one) for one in goal.objectives]
        self._nodes = _quadrature(len(learned))
        self._front: tuple[list[G], _Front] | None = None  # of the last choice, with what was on its way
        self._values = np.empty((0, len(goal.objectives)))  # of these, NaN where one failed
        self._scales = [Quantiles(np.empty(0)) for _ in learned]
        rng = np.random.default_rng([context.seed, 0xF407])
        some = [context.encoding.sample(rng) for _ in range(SAMPLE if self._known else 0)]
        self._sample = self._joined(some, [np.full(len(some), np.nan) for _ in learned])

    @property
    def observed(self) -> list[G]:
        return self._results[0].genomes

    def observe(self, results: Sequence[Evaluation[G]]) -> None:
        """More results."""
        for one in self._results:
            one.add(results)
        self._costs.clear()  # of hundreds of genomes a choice, which will not be met again
        self._front = None
        self._values = np.stack([one.values() for one in self._results], axis=1)
        self._scales = [Quantiles(self._values[:, place]) for place in self._places]

    def scores(
        self, genomes: Sequence[G], pending: Sequence[G], features: Callable[[Sequence[G]], np.ndarray]
    ) -> np.ndarray:
        """(n,) the higher the better, of genomes, given those that are on their way; all alike where the first ranker
        knows nothing. `features` gives the (n, d) rows of genomes."""
        predicted = self._predicted(features(genomes))
        means = [mean for mean, _ in predicted]
        if np.ptp(means[0]) == 0:
            return means[0]
        expected = self._joined(genomes, means)
        added, by_order = self._added(expected, predicted, pending, features), pareto_scores(expected)
        return np.where(added > NOTHING, np.log(np.maximum(added, NOTHING)), np.log(NOTHING) - 1 - (1 - by_order))

    def _added(
        self,
        expected: np.ndarray,
        predicted: Sequence[tuple[np.ndarray, np.ndarray]],
        pending: Sequence[G],
        features: Callable[[Sequence[G]], np.ndarray],
    ) -> np.ndarray:
        """(n,) the hypervolume that each is expected to add."""
        if self._front is None or self._front[0] != list(pending):
            self._front = list(pending), self._believed(pending, features)
        _, there = self._front
        added = np.zeros(len(expected))
        for weight, node in self._nodes:
            values = self._at(expected, predicted, node, there.few)
            added += weight * there.front.improvement((values - there.worst) / there.spread)
        return added

    def _believed(self, pending: Sequence[G], features: Callable[[Sequence[G]], np.ndarray]) -> _Front:
        """What the genomes of a choice are judged against."""
        results = self._values[np.isfinite(self._values).all(1)]
        few = len(results) < FEW or not np.ptp(results, axis=0).all()
        believed = [*self.observed, *pending] if few else list(pending)
        worst, spread = self._range(results, few)
        front = np.empty((0, len(worst))) if few else results
        if believed:
            predicted = self._predicted(features(believed))
            expected = self._joined(believed, [mean for mean, _ in predicted])
            front = np.concatenate([front, self._at(expected, predicted, np.zeros(len(self.learned)), few)])
        return _Front(Front((front - worst) / spread, np.full(len(worst), -BELOW)), worst, spread, few)

    def _range(self, results: np.ndarray, few: bool) -> tuple[np.ndarray, np.ndarray]:
        """(m,) the worst values and (m,) how far the best ones lie above them, never 0."""
        there = np.concatenate([self._sample, results])
        low, high = np.fmin.reduce(there, axis=0, initial=np.inf), np.fmax.reduce(there, axis=0, initial=-np.inf)
        if few:
            of_scores = np.array([one in self.learned for one in self.goal.objectives])
            low, high = np.where(of_scores, -SCORES, low), np.where(of_scores, SCORES, high)
        return low, np.where(high > low, high - low, 1.0)

    def _predicted(self, X: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of each learned objective (n,) normal scores and their deviations; 0 where a ranker knows none."""
        return [
            ranker.predict_with_deviation(X) if isinstance(ranker, Uncertain) else (ranker.predict(X), np.zeros(len(X)))
            for ranker in self.rankers
        ]

    def _at(
        self, expected: np.ndarray, predicted: Sequence[tuple[np.ndarray, np.ndarray]], node: np.ndarray, few: bool
    ) -> np.ndarray:
        """(n, m) values of all objectives, with those learned so many deviations from what is predicted: values by the
        results, or normal scores while results are few. `expected` has the others."""
        values = expected.copy()
        for place, of_results, (mean, deviation), at in zip(self._places, self._scales, predicted, node, strict=True):
            scores = mean + at * deviation
            values[:, place] = scores if few else of_results(scores)
        return values

    def _joined(self, genomes: Sequence[G], of_learned: Sequence[np.ndarray]) -> np.ndarray:
        """(n, m) with what is known before training."""
        by_name = {one.name: values for one, values in zip(self.learned, of_learned, strict=True)}
        for one in self._known:
            by_name[one.name] = np.array([one.value(self._cost(genome)) for genome in genomes])
        return np.stack([by_name[one.name] for one in self.goal.objectives], axis=1)

    def _cost(self, genome: G) -> Mapping[str, float]:
        if genome not in self._costs:
            assert self.count is not None
            self._costs[genome] = self.count(genome, [one.name for one in self._known])
        return self._costs[genome]


def pareto_scores(values: np.ndarray) -> np.ndarray:
    """(n,) scores of (n, objectives) values, higher is better: first how few dominate a row, then its mean rank."""
    dominated = np.array([((values >= v).all(1) & (values > v).any(1)).sum() for v in values])
    ranks = values.argsort(0).argsort(0).mean(1)
    return -dominated.astype(float) + ranks / len(values)


def _quadrature(dimensions: int) -> list[tuple[float, np.ndarray]]:
    """(weight, (d,) deviations) pairs of a standard normal distribution (Gauss–Hermite)."""
    at, weights = np.polynomial.hermite_e.hermegauss(NODES.get(dimensions, 3))
    weights = weights / weights.sum()
    grid = product(range(len(at)), repeat=dimensions)
    return [(float(weights[list(i)].prod()), at[list(i)]) for i in grid]
