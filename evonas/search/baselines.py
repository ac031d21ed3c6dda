"""What every claim is compared with: random search and local search."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.options import at_least
from evonas.core.types import Candidate, Evaluation, G
from evonas.search.proposing import ProposingSearcher


class RandomSearch(ProposingSearcher[G]):
    """Samples; never asks for the same network twice. Learns nothing."""

    def propose(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        return self.known.draw(n, lambda: self.sampled(rng))


class LocalSearch(RandomSearch[G]):
    """Climbs to the first neighbour that is better; at a local optimum starts again at random (White et al. 2021, UAI).

    One objective. A neighbour is one mutation away. A genome without parents begins a climb, but for one that was made
    to look good under a ranker (`maximized`): screened with the maximizer, which seldom lets a neighbour through, this
    searches like random search; `local+meta(refine=0)` climbs.

    Args:
        patience: fruitless neighbours after which the incumbent counts as a local optimum; so does one whose
            neighbours are all known.
    """

    def __init__(self, context: SearchContext[G], patience: int = 50):
        super().__init__(context)
        context.only_objective("local search")
        self.patience = at_least(1, patience=patience)
        self._incumbent: G | None = None
        self._merit = (float("-inf"), float("-inf"))
        self._fruitless = 0

    def propose(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        incumbent = self._incumbent
        if incumbent is None or self._fruitless >= self.patience:
            return super().propose(n, rng)
        return self.known.draw(n, lambda: self.mutant(incumbent, rng), lambda: self.sampled(rng))

    def tell(self, evaluations: Sequence[Evaluation[G]]) -> None:
        super().tell(evaluations)
        for evaluation in evaluations:
            candidate, merit = evaluation.candidate, self.goal.merit(evaluation)
            is_neighbour = candidate.parents == (self._incumbent,)
            begins = not candidate.parents and candidate.origin != "maximized" and merit[1] > float("-inf")
            if begins or (is_neighbour and merit > self._merit):
                self._incumbent, self._merit, self._fruitless = candidate.genome, merit, 0
            elif is_neighbour:
                self._fruitless += 1
