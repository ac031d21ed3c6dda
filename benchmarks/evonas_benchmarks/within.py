"""A space with holes: an encoding that stays within the architectures a table has."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from evonas.errors import EvonasError
from evonas.types import Encoding

TRIES = 24  # draws at each distance before looking further away
FARTHEST = 12  # mutations; what has no member within them is given a random one


class Within:
    """The `members` of another encoding's space, and no others: for a table that has some of the architectures.

    Where a mutant or a child is no member, the nearest that a few draws find is taken: one mutation away, then two,
    and so on. Features, canonical form, network and drawing are the inner encoding's.

    Raises EvonasError where there are no members.
    """

    def __init__(self, encoding: Encoding[Any], members: Iterable[Any]):
        self.encoding = encoding
        canonical = getattr(encoding, "canonical", _as_it_is)
        self.members = tuple(dict.fromkeys(canonical(member) for member in members))
        if not self.members:
            raise EvonasError("there is no architecture to stay within; give the genomes of a table that has some")
        self._there = frozenset(self.members)

    def sample(self, rng: np.random.Generator) -> Any:
        return self.members[rng.integers(len(self.members))]

    def mutate(self, genome: Any, rng: np.random.Generator) -> Any:
        """Another member, as few of the encoding's mutations away as some draws find."""
        return self._near(lambda: self.encoding.mutate(genome, rng), rng, other_than=genome)

    def crossover(self, a: Any, b: Any, rng: np.random.Generator) -> Any:
        """A child that is a member, or a member near a child."""
        return self._near(lambda: self.encoding.crossover(a, b, rng), rng)

    def _near(self, draw: Callable[[], Any], rng: np.random.Generator, other_than: Any = None) -> Any:
        canonical = getattr(self.encoding, "canonical", _as_it_is)
        for distance in range(FARTHEST):
            for _ in range(TRIES):
                genome = draw()
                for _ in range(distance):
                    genome = self.encoding.mutate(genome, rng)
                genome = canonical(genome)
                if genome in self._there and genome != other_than:
                    return genome
        return self.sample(rng)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "encoding":
            raise AttributeError(name)
        return getattr(self.encoding, name)


def _as_it_is(genome: Any) -> Any:
    return genome
