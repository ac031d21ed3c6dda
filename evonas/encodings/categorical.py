"""Genomes of named genes, each with a few named choices."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.space import Gene, Space
from evonas.core.types import Task

if TYPE_CHECKING:
    from torch import nn

Genome = tuple[Any, ...]


class CategoricalEncoding:
    """Sampling, mutation, uniform crossover and one-hot features for free: a subclass adds its genes and `build`.

    A genome is the tuple of its choices, in the order of the genes. Choices are JSON values or tuples of such.

    Args:
        genes: gene name -> its choices; where missing, the class attribute `genes`.

    Raises EvonasError where there are no genes, or a gene has no or repeated choices.
    """

    genes: Mapping[str, Sequence[Hashable]] = {}

    def __init__(self, genes: Mapping[str, Sequence[Hashable]] | None = None):
        self.genes = {name: tuple(choices) for name, choices in (genes or self.genes).items()}
        if not self.genes:
            raise EvonasError(f"{type(self).__name__} has no genes; give for example genes={{'depth': (1, 2, 3)}}")
        for name, options in self.genes.items():
            if not options or len(set(options)) < len(options):
                raise EvonasError(f"gene {name!r} needs choices that differ, got {options}")

    def sample(self, rng: np.random.Generator) -> Genome:
        return tuple(options[int(rng.integers(len(options)))] for options in self.genes.values())

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """One gene is changed for certain, each other one with probability 1 / genes."""
        options = list(self.genes.values())
        free = [i for i, choices in enumerate(options) if len(choices) > 1]
        if not free:
            return genome
        certain = free[rng.integers(len(free))]
        chosen = rng.random(len(genome)) < 1 / len(genome)
        chosen[certain] = True
        values = list(genome)
        for i in np.flatnonzero(chosen):
            if len(options[i]) > 1:
                values[i] = _another(options[i], values[i], rng)
        return tuple(values)

    def crossover(self, a: Genome, b: Genome, rng: np.random.Generator) -> Genome:
        """Each gene from either parent (uniform crossover, Syswerda 1989)."""
        from_a = rng.random(len(a)) < 0.5
        return tuple(x if first else y for x, y, first in zip(a, b, from_a, strict=True))

    def features(self, genome: Genome) -> Mapping[str, float]:
        """One-hot: `gene=choice` -> 0 or 1."""
        return {
            column: float(choice == value)
            for (name, options), value in zip(self.genes.items(), genome, strict=True)
            for column, choice in zip(_columns(name, tuple(options)), options, strict=True)
        }

    def named(self, genome: Genome) -> dict[str, Any]:
        """Gene name -> its choice, for `build`."""
        return dict(zip(self.genes, genome, strict=True))

    def space(self) -> Space[Genome]:
        """The genes as they are."""
        return Space(tuple(Gene(name, tuple(options)) for name, options in self.genes.items()), tuple, list)

    def build(self, genome: Genome, task: Task) -> nn.Module:
        raise EvonasError(f"{type(self).__name__} has genes but no build(genome, task); it makes the network")


@lru_cache(4096)
def _columns(name: str, options: tuple[Hashable, ...]) -> tuple[str, ...]:
    """Names of a gene's features: made once, not for each of a thousand genomes."""
    return tuple(f"{name}={choice}" for choice in options)


def _another(options: Sequence[Any], value: Any, rng: np.random.Generator) -> Any:
    """A choice other than `value`."""
    others = [option for option in options if option != value]
    return others[int(rng.integers(len(others)))]
