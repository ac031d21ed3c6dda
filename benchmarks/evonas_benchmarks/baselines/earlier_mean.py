"""The earlier tasks' best without any learning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.options import at_least
from evonas.core.types import Candidate, G
from evonas.search.baselines import RandomSearch

if TYPE_CHECKING:
    from evonas_benchmarks.run.problems import Earlier


class EarlierMean(RandomSearch[G]):
    """No learning: what was best on average on the earlier tasks, then the neighbours of these.

    Scores are normal scores of the ranks within each earlier task; an architecture's mean over the tasks that know
    it is drawn towards the average by one task's worth. The benchmark teaches it with `learn`.

    Args:
        first: how many of the best architectures are suggested before their neighbours.
    """

    def __init__(self, context: SearchContext[G], first: int = 10):
        super().__init__(context)
        self.first = at_least(1, first=first)
        self._best: list[G] = []

    def learn(self, earlier: Sequence[Earlier]) -> None:
        """From the rows of the earlier tasks, each with `genomes` and `y`, higher is better."""
        from scipy.stats import norm, rankdata

        scores: dict[G, list[float]] = {}
        for task in earlier:
            for genome, score in zip(task.genomes, norm.ppf((rankdata(task.y) - 0.5) / len(task.y)), strict=True):
                scores.setdefault(genome, []).append(float(score))
        ranked = sorted(scores, key=lambda genome: -sum(scores[genome]) / (len(scores[genome]) + 1))
        self._best = ranked[: self.first]

    def propose(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        """The best of the earlier tasks, then their mutants: none of these has parents that this run evaluated."""
        best = [Candidate(genome, origin="warm start") for genome in self._best if genome not in self.known][:n]
        if len(best) == n or not self._best:
            return best or super().propose(n, rng)

        def neighbour() -> Candidate[G]:
            near = self._best[rng.integers(len(self._best))]
            return Candidate(self.encoding.mutate(near, rng), origin="warm start")

        def further() -> Candidate[G]:
            return replace(near := neighbour(), genome=self.encoding.mutate(near.genome, rng))

        return best + self.known.draw(n - len(best), neighbour, further, lambda: self.sampled(rng))
