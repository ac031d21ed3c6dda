"""An encoding whose genomes keep limits: whoever samples and varies by it proposes nothing that breaks one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evonas.core.optional import Shrinkable
from evonas.core.types import Encoding
from evonas.encodings.guarded import GuardedEncoding
from evonas.search.limits import Proposals

ROUND = 500  # proposals of a round of `sample`: of these at random …
MOST, LEAST = 200, 10  # … so many at first, half as many after each time that none of them kept the limits
VARIANTS = 100  # of one parent, or of two


class Within(GuardedEncoding):
    """Passes for the encoding that it limits; what it draws depends on the limits and on what it was asked for.

    `sample` draws until a genome keeps the limits; where few do, it walks there by mutations that do not break them
    more, from the nearest of what it drew (a local search in the violation). `mutate` and `crossover` try again, and
    give a parent back where nothing of theirs keeps the limits. Once `patience` proposals in a row broke a limit
    `sample` gives the nearest of all, and no more; once as many have led to nothing new, what it found before.

    Args:
        encoding: limited.
        proposals: judges and counts.
    """

    def __init__(self, encoding: Encoding[Any], proposals: Proposals[Any]):
        super().__init__(encoding)
        self._proposals = proposals
        self._at_random, self._fruitless, self._all_found = MOST, 0, False
        self._rare: dict[Any, None] = {}  # what was walked to

    def sample(self, rng: np.random.Generator) -> Any:
        if self._all_found:
            return list(self._rare)[int(rng.integers(len(self._rare)))]
        while not self._proposals.over:
            genome, drawn = self._round(rng)
            if genome is not None:
                self._learn(genome, drawn)
                return genome
        return self._proposals.nearest

    def _round(self, rng: np.random.Generator) -> tuple[Any | None, int]:
        """A genome that keeps the limits, if one is found, and how many were drawn."""
        best, least = None, np.inf
        for place in range(ROUND):
            genome = super().sample(rng) if place < self._at_random else super().mutate(best, rng)
            violation = self._proposals.judged(genome)
            if violation == 0:
                return genome, place + 1
            if place == 0 or violation <= least:
                best, least = genome, violation
        return None, ROUND

    def _learn(self, genome: Any, drawn: int) -> None:
        """How rare such genomes are; and whether they are so few that all are found, as far as one can see."""
        if drawn <= self._at_random:
            self._at_random, self._fruitless = min(MOST, 2 * self._at_random), 0
            return
        self._at_random = max(LEAST, self._at_random // 2)
        self._fruitless = self._fruitless + drawn if genome in self._rare else 0
        self._rare[genome] = None
        self._all_found = self._fruitless >= self._proposals.patience

    def mutate(self, genome: Any, rng: np.random.Generator) -> Any:
        return self._first_within(genome, lambda: super(Within, self).mutate(genome, rng))

    def crossover(self, a: Any, b: Any, rng: np.random.Generator) -> Any:
        return self._first_within(a, lambda: super(Within, self).crossover(a, b, rng))

    def fitted(self, genome: Any) -> Any | None:
        """The genome, or where it breaks a limit a smaller one, as few steps smaller as it takes; None where the
        encoding can make none that fits."""
        costs, encoding = self._proposals.costs, self._encoding
        violation = costs.violation(genome)
        while violation > 0:
            smaller = encoding.smaller(genome) if isinstance(encoding, Shrinkable) else ()
            better = next((one for one in smaller if costs.violation(one) < violation), None)
            if better is None:
                return None
            genome, violation = better, costs.violation(better)
        return genome

    def all_fitted(self, genomes: Sequence[Any]) -> list[Any]:
        """Those of them that can be fitted, each once."""
        return list(dict.fromkeys(one for genome in genomes if (one := self.fitted(genome)) is not None))

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)
        if name == "portfolio":
            return lambda task: self.all_fitted(found(task))
        return found

    def __reduce__(self) -> tuple[Any, ...]:
        return Within, (self._encoding, self._proposals)

    def _first_within(self, otherwise: Any, draw: Any) -> Any:
        for _ in range(VARIANTS):
            if self._proposals.keeps(genome := draw()):
                return genome
        return otherwise
