"""Encodings one of whose methods breaks in the middle of a search."""

from __future__ import annotations

from typing import Any

import numpy as np

from evonas.core.types import Candidate, Task
from tests.toys import Digits, total


def raises(*_: Any) -> Any:
    raise LookupError("no more")


FAULTS: dict[str, dict[str, Any]] = {  # of a method, what it does or gives instead
    "sample": {"raised LookupError: no more": raises, "not hashable": lambda good: list(good)},
    "mutate": {"raised LookupError: no more": raises, "JSON does not keep": lambda good: frozenset(good)},
    "crossover": {
        "raised LookupError: no more": raises,
        "not hashable": lambda good: np.array(good),
        "returned {1}, which is not hashable": lambda good: {1},
    },
    "features": {
        "raised LookupError: no more": raises,
        "no number": lambda good: {**good, "gene0": [1]},
        "infinite": lambda good: {**good, "gene0": np.inf},
        "other names": lambda good: {**good, "more": 1.0},
        "raised TypeError: 'NoneType'": lambda good: None,
    },
}


class Late(Digits):
    """As `Digits` until the `nth` call of a method."""

    def __init__(self, method: str = "", fault: str = "", nth: int = 0):
        super().__init__()
        vars(self).update(method=method, fault=fault, left=nth)

    def _maybe(self, method: str, good: Any) -> Any:
        found = vars(self)
        if method != found["method"]:
            return good
        found["left"] -= 1
        return FAULTS[method][found["fault"]](good) if found["left"] == 0 else good

    def sample(self, rng: np.random.Generator) -> Any:
        return self._maybe("sample", super().sample(rng))

    def mutate(self, genome: Any, rng: np.random.Generator) -> Any:
        return self._maybe("mutate", super().mutate(genome, rng))

    def crossover(self, a: Any, b: Any, rng: np.random.Generator) -> Any:
        return self._maybe("crossover", super().crossover(a, b, rng))

    def features(self, genome: Any) -> Any:
        return self._maybe("features", super().features(genome))

    def __repr__(self) -> str:
        return "Late()"


class Large(Digits):
    """Genomes of a megabyte."""

    def sample(self, rng: np.random.Generator) -> Any:
        return (*super().sample(rng), "x" * 2**20)

    def mutate(self, genome: Any, rng: np.random.Generator) -> Any:
        return (*super().mutate(genome[:-1], rng), genome[-1])

    def crossover(self, a: Any, b: Any, rng: np.random.Generator) -> Any:
        return (*super().crossover(a[:-1], b[:-1], rng), a[-1])

    def features(self, genome: Any) -> Any:
        return super().features(genome[:-1])

    def canonical(self, genome: Any) -> Any:
        return genome


class Wide(Digits):
    """Ten thousand features."""

    def features(self, genome: Any) -> Any:
        return {f"f{i}": float(genome[i % len(genome)] * (i + 1)) for i in range(10_000)}


def score(candidate: Candidate, task: Task, seed: int) -> dict[str, float]:
    genes = tuple(gene for gene in candidate.genome if isinstance(gene, int))
    return dict(total(Candidate(genes), task, seed).metrics)


def constant(candidate: Candidate, task: Task, seed: int) -> dict[str, float]:
    return {"val_accuracy": 0.5}


def hopeless(candidate: Candidate, task: Task, seed: int) -> dict[str, float]:
    raise LookupError("nothing is there" if sum(candidate.genome) % 4 else "nor here")
