"""A small encoding and evaluators without training: what the engine's tests search."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.goals import VAL_ACCURACY, Goal, Objective
from evonas.core.types import Candidate, Encoding, Evaluation, Task

TASK = Task("toy", (1, 8, 8), 2)


def on(encoding: Encoding, *objectives: Objective, task: Task = TASK) -> SearchContext:
    """What a searcher is made from."""
    return SearchContext(encoding, Goal(objectives or (VAL_ACCURACY,)), task)


@dataclass(frozen=True)
class Digits:
    """Genomes of `length` numbers below `base`; mirrored ones are the same network."""

    length: int = 6
    base: int = 4

    def sample(self, rng: np.random.Generator) -> tuple[int, ...]:
        return tuple(int(i) for i in rng.integers(self.base, size=self.length))

    def mutate(self, genome: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
        i = int(rng.integers(self.length))
        step = 1 + int(rng.integers(self.base - 1))
        return (*genome[:i], (genome[i] + step) % self.base, *genome[i + 1 :])

    def crossover(self, a: tuple[int, ...], b: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
        return tuple(x if first else y for x, y, first in zip(a, b, rng.random(self.length) < 0.5, strict=True))

    def features(self, genome: tuple[int, ...]) -> dict[str, float]:
        return {f"gene{i}": float(value) for i, value in enumerate(self.canonical(genome))}

    def canonical(self, genome: tuple[int, ...]) -> tuple[int, ...]:
        return min(genome, genome[::-1])

    def build(self, genome: tuple[int, ...], task: Task):
        from torch import nn

        return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(task.input_shape)), task.n_classes))


def total(candidate: Candidate, task: Task, seed: int) -> Evaluation:
    """As good as its sum, as large as its first gene."""
    metrics = {"val_accuracy": sum(candidate.genome) / 18, "params": float(candidate.genome[0])}
    return Evaluation(candidate, metrics, 0.0)


@dataclass
class Slow:
    """`total`, after a while; a genome that begins with 3 fails in the way that is asked for."""

    seconds: float = 0.0
    fault: str = "none"

    def __call__(self, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        time.sleep(self.seconds)
        if candidate.genome[0] == 3:
            if self.fault == "raise":
                raise MemoryError("out of memory")
            if self.fault == "die":
                os._exit(7)
            if self.fault == "hang":
                time.sleep(60)
        return total(candidate, task, seed)


@dataclass
class Heavy(Slow):
    """`Slow`, with data; leaves a file each time it arrives somewhere."""

    folder: str = ""

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        with open(os.path.join(self.folder, f"{os.getpid()}-{time.monotonic_ns()}"), "w"):
            pass
