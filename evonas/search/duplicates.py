"""Which architectures a run already has: what keeps a network from being trained twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Generic

from evonas.core.optional import canonical_form
from evonas.core.types import Candidate, Encoding, G

PATIENCE = 1000
"""Draws in a row without a new genome after which the last source counts as exhausted. A finite space of which a share
p is still new is given up too early with probability (1 - p) ** PATIENCE: 4e-5 when one in a hundred is left."""

BREEDING_PATIENCE = 30
"""The same for a source that has another behind it: a converged population gives way to fresh samples soon."""


class DuplicateFilter(Generic[G]):
    """The genomes of a run in canonical form, evaluated and pending ones alike."""

    def __init__(self, encoding: Encoding[G]):
        self.canonical: Callable[[G], G] = canonical_form(encoding)
        self._genomes: set[G] = set()

    def __len__(self) -> int:
        return len(self._genomes)

    def __contains__(self, genome: G) -> bool:
        return self.canonical(genome) in self._genomes

    def add(self, candidates: Iterable[Candidate[G]]) -> None:
        self._genomes.update(self.canonical(candidate.genome) for candidate in candidates)

    def draw(self, n: int, *sources: Callable[[], Candidate[G]]) -> list[Candidate[G]]:
        """Up to `n` canonical candidates, distinct from each other and from all known ones; none is added.

        Draws from the first source until many draws in a row gave nothing new, then from the next.
        """
        found: dict[G, Candidate[G]] = {}
        for source in sources:
            fruitless, patience = 0, PATIENCE if source is sources[-1] else BREEDING_PATIENCE
            while len(found) < n and fruitless < patience:
                drawn = source()
                genome = self.canonical(drawn.genome)
                if genome in self._genomes or genome in found:
                    fruitless += 1
                else:
                    fruitless = 0
                    found[genome] = drawn if genome is drawn.genome else replace(drawn, genome=genome)
        return list(found.values())
