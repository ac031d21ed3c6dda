"""A small space to try searchers on."""

from __future__ import annotations

from typing import Any

import numpy as np

from evonas.core.types import Candidate, Evaluation, Task


class Mirrored:
    """A small space for searchers: numbers below `base`, each genome the same as its mirror image."""

    def __init__(self, length: int = 4, base: int = 4):
        self.length, self.base = length, base

    def sample(self, rng: np.random.Generator) -> tuple[int, ...]:
        return tuple(int(i) for i in rng.integers(self.base, size=self.length))

    def mutate(self, genome: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
        i = int(rng.integers(self.length))
        return (*genome[:i], (genome[i] + 1 + int(rng.integers(self.base - 1))) % self.base, *genome[i + 1 :])

    def crossover(self, a: tuple[int, ...], b: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
        return tuple(x if first else y for x, y, first in zip(a, b, rng.random(self.length) < 0.5, strict=True))

    def features(self, genome: tuple[int, ...]) -> dict[str, float]:
        return {f"gene{i}": float(value) for i, value in enumerate(self.canonical(genome))}

    def canonical(self, genome: tuple[int, ...]) -> tuple[int, ...]:
        return min(genome, genome[::-1])

    def build(self, genome: tuple[int, ...], task: Task) -> Any:
        raise NotImplementedError("a space for searchers; nothing is trained")


def mirror_value(candidate: Candidate) -> Evaluation:
    """The sum of the genes, fewer first genes being the smaller network."""
    value = sum(candidate.genome) / 12 * candidate.fidelity**0.1
    return Evaluation(candidate, {"val_accuracy": value, "params": float(min(candidate.genome))})
