"""A space with holes: an encoding that stays within the architectures a table has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.optional import canonical_form
from evonas.core.types import Encoding, Task

if TYPE_CHECKING:
    from torch import nn

TRIES = 64  # mutants looked at, at each distance
FARTHEST = 12  # mutations; what has no member within them has all members for neighbours
ENOUGH = 6  # neighbours, after which it is not looked further away


class RestrictedEncoding:
    """The `members` of another encoding's space, and no others: for a table that has some of the architectures.

    A mutant is one of the nearest members: those that are one mutation of the encoding away, or two, or as many as it
    takes to find some. Which these are is drawn once for each genome, from a generator of its own, and kept: a table is
    searched thousands of times. All else is the inner encoding's: features, canonical form, network, drawing.

    Raises EvonasError where there are no members.
    """

    def __init__(self, encoding: Encoding[Any], members: Iterable[Any]):
        self.encoding = encoding
        self.members = tuple(dict.fromkeys(self._canonical(member) for member in members))
        if not self.members:
            raise EvonasError("there is no architecture to stay within; give the genomes of a table that has some")
        self._there = frozenset(self.members)
        self._near: dict[Any, tuple[Any, ...]] = {}

    def sample(self, rng: np.random.Generator) -> Any:
        return self.members[rng.integers(len(self.members))]

    def mutate(self, genome: Any, rng: np.random.Generator) -> Any:
        """Another member, one of the nearest."""
        near = self.neighbours(genome)
        return near[rng.integers(len(near))]

    def crossover(self, a: Any, b: Any, rng: np.random.Generator) -> Any:
        """A child of the encoding, or a member near it."""
        child = self.encoding.crossover(a, b, rng)
        there = self._canonical(child)
        return there if there in self._there else self.mutate(child, rng)

    def neighbours(self, genome: Any) -> tuple[Any, ...]:
        """The members nearest to a genome, itself not among them unless there is no other."""
        own = self._canonical(genome)
        if own not in self._near:
            self._near[own] = self._look_around(own)
        return self._near[own]

    def _look_around(self, own: Any) -> tuple[Any, ...]:
        rng = np.random.default_rng(int.from_bytes(sha256(repr(own).encode()).digest()[:8], "big"))
        found: dict[Any, None] = {}
        for distance in range(1, FARTHEST + 1):
            for _ in range(TRIES):
                genome = own
                for _ in range(distance):
                    genome = self.encoding.mutate(genome, rng)
                genome = self._canonical(genome)
                if genome in self._there and genome != own:
                    found[genome] = None
            if len(found) >= ENOUGH:
                break
        return tuple(found) or tuple(m for m in self.members if m != own) or self.members

    def _canonical(self, genome: Any) -> Any:
        return canonical_form(self.encoding)(genome)

    def features(self, genome: Any) -> Mapping[str, float]:
        return self.encoding.features(genome)

    def build(self, genome: Any, task: Task) -> nn.Module:
        return self.encoding.build(genome, task)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("encoding", "portfolio"):  # a member need not be known beforehand
            raise AttributeError(name)
        return getattr(self.encoding, name)
