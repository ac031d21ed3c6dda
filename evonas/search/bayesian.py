"""Bayesian optimization: the whole space, of which a ranker chooses what is worth most to train next."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nlargest
from itertools import product

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError, choices
from evonas.core.optional import HasSpace
from evonas.core.options import at_least
from evonas.core.types import Candidate, Evaluation, G
from evonas.search.proposing import ProposingSearcher

ENUMERATED = 16_384  # combinations of a space that is looked at whole, at each step
ACQUISITIONS = ("ei", "thompson")
INCUMBENTS = 4  # of the best, whose neighbours are looked at in a larger space


class BayesianSearch(ProposingSearcher[G]):
    """What maximizes a ranker's acquisition over the whole space is trained next (Mockus 1978; Jones et al. 1998,
    J. Global Optimization 13).

    It proposes and the ranker chooses: `bayes+meta` with the memory of earlier tasks, `bayes` alone with a Gaussian
    process that learns from the results of this search only. There is no evolution in it. A space of at most `whole`
    combinations is proposed whole. Of a larger one it proposes samples and neighbours of the best results, from
    which the `AcquisitionMaximizer` goes on (Hutter et al. 2011, LION).

    Args:
        whole: combinations up to which a space is proposed whole; one that says nothing of its genes never is.
        acquisition: `ei`, what the ranker says a training is worth, which is the expected improvement for all that know
            how sure they are; or `thompson`, the best by a draw of what the ranker believes (`thompson.py`).
    """

    ranker = "process"

    def __init__(self, context: SearchContext[G], whole: int = ENUMERATED, acquisition: str = "ei"):
        super().__init__(context)
        self.whole = at_least(0, whole=whole)
        if acquisition not in ACQUISITIONS:
            raise EvonasError(f"acquisition={acquisition!r} is none; there are {choices(ACQUISITIONS)}")
        self.acquisition = acquisition
        self._space = self._enumerated()
        self._best: list[tuple[tuple[float, float], G]] = []  # the incumbents with their merits, the best first

    def propose(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        """All there is, in an order of chance, or about `n`."""
        if self._space is not None:
            left = [genome for genome in self._space if genome not in self.known]
            return [Candidate(left[i], origin="sampled") for i in rng.permutation(len(left))]
        sampled = self.known.draw(n, lambda: self.sampled(rng))
        parents = [genome for _, genome in self._best]
        if not parents:
            return sampled
        had = {candidate.genome for candidate in sampled}
        near = self.known.draw(n, lambda: self.mutant(parents[int(rng.integers(len(parents)))], rng))
        return sampled + [candidate for candidate in near if candidate.genome not in had]

    def tell(self, evaluations: Sequence[Evaluation[G]]) -> None:
        super().tell(evaluations)
        told = [(self.goal.merit(one), one.candidate.genome) for one in evaluations if one.ok]
        self._best = nlargest(INCUMBENTS, [*self._best, *told], key=lambda one: one[0])  # of equals the first told

    def _enumerated(self) -> list[G] | None:
        """Each network of the space once; None where it is too large, or does not say what there is to choose."""
        if not isinstance(self.encoding, HasSpace):
            return None
        space = self.encoding.space()
        if space.combinations > self.whole:
            return None
        genomes = (space.genome(choice) for choice in product(*map(range, space.sizes)))
        return list(dict.fromkeys(self.known.canonical(genome) for genome in genomes))
