"""An encoding whose genomes say nothing of what is given: genes without an effect have one value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from evonas.core.fixed import Fixed
from evonas.core.optional import HasRecipe, HasSpace
from evonas.core.types import Encoding, Task
from evonas.encodings.guarded import GuardedEncoding
from evonas.encodings.recipe_genes import DEFAULT_RECIPE, VARIED
from evonas.encodings.with_recipe import PREFIX

GENES: Mapping[str, Mapping[str, Any]] = {
    "loss": {"smoothing": 0.0, "mixup": 0.0},
    "optimizer": {name: DEFAULT_RECIPE[name] for name in ("optimizer", "lr", "decay")},
    "augment": {name: DEFAULT_RECIPE[name] for name in VARIED},
}
TRIES = 20  # variants of a genome, until one differs in more than genes without an effect


class FixedGenes(GuardedEncoding):
    """Passes for the encoding; genes of the recipe that have no effect get the same value in all that it gives, so that
    no two genomes are the same training.

    Args:
        encoding: its genomes are made of genes, and hold recipes.
        values: of genes, by their names in `evonas.encodings.recipe_genes`.
    """

    def __init__(self, encoding: Encoding[Any], values: Mapping[str, Any]):
        super().__init__(encoding)
        assert isinstance(encoding, HasSpace)
        space = encoding.space()
        prefix = PREFIX if any(name.startswith(PREFIX) for name in space.names) else ""
        given = {f"{prefix}{name}": value for name, value in values.items()}
        self._values, self._inner = values, space
        self._given = {name: value for name, value in given.items() if name in space.names}

    def _set(self, genome: Any) -> Any:
        pairs = zip(self._inner.names, self._inner.split(genome), strict=True)
        return self._inner.join([self._given.get(name, value) for name, value in pairs])

    def _all(self, genomes: Sequence[Any]) -> list[Any]:
        return list(dict.fromkeys(map(self._set, genomes)))

    def sample(self, rng: np.random.Generator) -> Any:
        return self._set(super().sample(rng))

    def mutate(self, genome: Any, rng: np.random.Generator) -> Any:
        found = genome = self._set(genome)
        for _ in range(TRIES):
            found = self._set(super().mutate(genome, rng))
            if found != genome:
                break
        return found

    def crossover(self, a: Any, b: Any, rng: np.random.Generator) -> Any:
        return self._set(super().crossover(a, b, rng))

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)
        if name == "canonical":
            return lambda genome: self._set(found(genome))
        if name == "augmented":
            return lambda genome, kept: self._set(found(genome, kept))
        if name == "portfolio":
            return lambda task: self._all(found(task))
        if name == "smaller":
            return lambda genome: self._all(found(genome))
        if name == "space":
            return lambda: replace(self._inner, join=lambda values: self._set(self._inner.join(values)))
        return found

    def build(self, genome: Any, task: Task) -> Any:
        return self._encoding.build(genome, task)

    def __reduce__(self) -> tuple[Any, ...]:
        return FixedGenes, (self._encoding, self._values)


def guarded(encoding: Encoding[Any], fixed: Fixed) -> GuardedEncoding:
    """As a search sees the encoding: without genes that have no effect beside what is fixed, where it is made of
    genes."""
    values: dict[str, Any] = {}
    for name in fixed.own:
        values |= GENES[name]
    made_of_genes = isinstance(encoding, HasSpace) and isinstance(encoding, HasRecipe)
    return FixedGenes(encoding, values) if values and made_of_genes else GuardedEncoding(encoding)
