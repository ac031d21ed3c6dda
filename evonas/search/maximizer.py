"""Maximizing a surrogate: candidates that are made to look good, where screening only chooses among those there are."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import replace
from typing import Generic

import numpy as np

from evonas.core.options import at_least
from evonas.core.types import Candidate, Encoding, G
from evonas.search.duplicates import DuplicateFilter

ELITE = 4  # how many of the best are mutated in each round


class AcquisitionMaximizer(Generic[G]):
    """A source of candidates of its own: the best by a score are mutated for a few rounds, under the score alone.

    Predictions are cheap, trainings are not: this is the local search by which Bayesian optimization maximizes its
    acquisition function (Hutter et al. 2011, LION; White et al. 2021, AAAI). Its candidates are of origin `maximized`,
    and their parents are the nearest ancestors that were evaluated: none where a round began at a sample.

    Args:
        encoding: whose `mutate` is used.
        rounds: how often the best so far are mutated; 0 makes nothing.
        mutants: about how many in each round.
    """

    def __init__(self, encoding: Encoding[G], rounds: int, mutants: int):
        self.encoding = encoding
        self.rounds = at_least(0, rounds=rounds)
        self.mutants = at_least(1, mutants=mutants)

    def maximize(
        self,
        pool: Sequence[Candidate[G]],
        scores: np.ndarray,
        score: Callable[[Sequence[G]], np.ndarray],
        known: DuplicateFilter[G],
        evaluated: Container[G],
        rng: np.random.Generator,
    ) -> tuple[list[Candidate[G]], np.ndarray]:
        """New candidates that began at `pool`, with their scores; none is known to the run or in the pool.

        Args:
            pool: n candidates to begin at.
            scores: (n,) theirs, higher is better.
            score: gives the (m,) scores of m genomes.
            known: what the run already has.
            evaluated: the genomes that may be parents.
        """
        every, found = list(pool), len(pool)
        for _ in range(self.rounds):
            fresh = self._mutants(every, scores, known, evaluated, rng)
            if not fresh:
                break
            every += fresh
            scores = np.concatenate([scores, score([candidate.genome for candidate in fresh])])
        return every[found:], scores[found:]

    def _mutants(
        self,
        candidates: Sequence[Candidate[G]],
        scores: np.ndarray,
        known: DuplicateFilter[G],
        evaluated: Container[G],
        rng: np.random.Generator,
    ) -> list[Candidate[G]]:
        """New mutants of the best."""
        had = {candidate.genome for candidate in candidates}
        fresh: dict[G, Candidate[G]] = {}
        for best in np.argsort(-scores, kind="stable")[:ELITE]:
            origin = candidates[best]
            parents = (origin.genome,) if origin.genome in evaluated else origin.parents
            for _ in range(-(-self.mutants // ELITE)):
                genome = self.encoding.mutate(origin.genome, rng)
                if rng.random() < 0.5:  # the next better one may be two steps away
                    genome = self.encoding.mutate(genome, rng)
                genome = known.canonical(genome)
                if genome not in had and genome not in known:
                    fresh[genome] = replace(origin, genome=genome, parents=parents, origin="maximized")
        return list(fresh.values())
