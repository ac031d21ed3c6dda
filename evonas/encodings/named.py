"""Genomes of named values, of which some exist only where others have certain values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.types import Task

if TYPE_CHECKING:
    from torch import nn

Genome = tuple[tuple[str, Any], ...]
Build = Callable[[Any, Task], "nn.Module"]
TRIES = 1000  # until a forbidden genome is given up


class Hyperparameter(Protocol):
    """What one name may stand for."""

    @property
    def several(self) -> bool:
        """Whether there is more than one value."""
        ...

    def draw(self, rng: np.random.Generator) -> Any: ...

    def another(self, value: Any, rng: np.random.Generator) -> Any:
        """A value other than this one, a near one rather than a far one; the same where there is none."""
        ...

    def holds(self, value: Any) -> bool: ...

    def features(self, name: str, value: Any) -> Mapping[str, float]:
        """Always of the same names; `value` is None where the name has none."""
        ...


class Forbidden(Exception):
    """These values must not stand together."""


class NamedEncoding(ABC):
    """A genome is the (name, value) pairs of what has an effect, in a fixed order: `dict(genome)` is the configuration.

    A subclass says by `complete` which names there are. Variation keeps, of a genome's values, those that still hold,
    and draws what is missing.
    """

    @abstractmethod
    def complete(self, wanted: Mapping[str, Any], rng: np.random.Generator) -> Mapping[str, tuple[Any, Hyperparameter]]:
        """Name -> its value, the wanted one where it holds and else a drawn one, and what it may be.

        Raises Forbidden where the values must not stand together.
        """

    @abstractmethod
    def known(self) -> Mapping[str, Hyperparameter]:
        """Those that genomes are described by."""

    def sample(self, rng: np.random.Generator) -> Genome:
        """Raises EvonasError where a thousand draws are forbidden, all of them."""
        for _ in range(TRIES):
            try:
                return _pairs(self.complete({}, rng))
            except Forbidden:
                continue
        raise EvonasError(
            f"{type(self).__name__}: {TRIES:,} genomes in a row are forbidden; give a space of which more is allowed"
        )

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """One value is changed for certain, each other one with probability 1 / values."""
        there = self.complete(dict(genome), rng)
        free = [name for name, (_, what) in there.items() if what.several]
        for _ in range(TRIES if free else 0):
            certain = free[int(rng.integers(len(free)))]
            changed = {name for name in free if rng.random() < 1 / len(there)} | {certain}
            wanted = {n: what.another(value, rng) if n in changed else value for n, (value, what) in there.items()}
            try:
                return _pairs(self.complete(wanted, rng))
            except Forbidden:
                continue
        return genome

    def crossover(self, a: Genome, b: Genome, rng: np.random.Generator) -> Genome:
        """Each value from either parent, where both have it (uniform crossover, Syswerda 1989)."""
        first, second = dict(a), dict(b)
        for _ in range(TRIES):
            from_a = {name for name in first if name not in second or rng.random() < 0.5}
            wanted = {name: (first if name in from_a else second)[name] for name in {**first, **second}}
            try:
                return _pairs(self.complete(wanted, rng))
            except Forbidden:
                continue
        return a

    def features(self, genome: Genome) -> Mapping[str, float]:
        """Numbers as they are (logarithms where they are drawn so), choices one-hot; NaN and 0 of what is not there."""
        values = dict(genome)
        described = [what.features(name, values.get(name)) for name, what in self.known().items()]
        return {feature: number for one in described for feature, number in one.items()}

    def build(self, genome: Genome, task: Task) -> nn.Module:
        raise EvonasError(f"{type(self).__name__} was made without build=…: there is no network, only values")


def _pairs(there: Mapping[str, tuple[Any, Hyperparameter]]) -> Genome:
    return tuple((name, value) for name, (value, _) in there.items())
