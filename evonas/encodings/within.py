"""An encoding whose genomes keep limits: whoever samples and varies by it proposes nothing that breaks one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evonas.core.optional import Shrinkable
from evonas.core.types import Encoding
from evonas.encodings.guarded import GuardedEncoding
from evonas.search.limits import Proposals

ROUND, AT_RANDOM = 500, 200  # proposals of a round of `sample`, and how many of them are random ones
VARIANTS = 100  # of one parent, or of two


class Within(GuardedEncoding):
    """Passes for the encoding that it limits; what it draws depends on the generator and the limits alone.

    `sample` draws until a genome keeps the limits; where few do, it walks there by mutations that do not break them
    more, from the nearest of what it drew (a local search in the violation). `mutate` and `crossover` try again, and
    give a parent back where nothing of theirs keeps the limits. Once `PATIENCE` proposals in a row broke a limit
    `sample` gives the nearest of all, and no more.

    Args:
        encoding: limited.
        proposals: judges and counts.
    """

    def __init__(self, encoding: Encoding[Any], proposals: Proposals[Any]):
        super().__init__(encoding)
        self._proposals = proposals

    def sample(self, rng: np.random.Generator) -> Any:
        proposals, best, least, drawn = self._proposals, None, np.inf, 0
        while not proposals.over:
            place = drawn % ROUND
            genome = super().sample(rng) if place < AT_RANDOM else super().mutate(best, rng)
            drawn, violation = drawn + 1, proposals.judged(genome)
            if violation == 0:
                return genome
            if place == 0 or violation <= least:
                best, least = genome, violation
        return proposals.nearest

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
