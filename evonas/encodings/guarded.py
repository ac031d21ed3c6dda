"""A user's encoding within a search: what it returns is checked, and what it raises becomes one line that names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError, in_short
from evonas.core.faults import placed
from evonas.core.genomes import plain
from evonas.core.types import Encoding, Task


class GuardedEncoding:
    """An encoding that passes for the one it guards: the same class to `isinstance`, the same attributes.

    A check before a search sees a few genomes; an encoding may break at the fiftieth. Numpy's numbers in a genome are
    taken as numbers. Raises EvonasError, one line with encoding, method, genome and the line of the user's file, where
    a method raises, a genome is not made of JSON values and tuples, or features are no numbers or change their names.
    """

    def __init__(self, encoding: Encoding[Any]):
        self._encoding = encoding
        self._name = type(encoding).__name__
        self._features: frozenset[str] | None = None

    def sample(self, rng: np.random.Generator) -> Any:
        return self._genome(self._encoding.sample, "sample", rng=rng)

    def mutate(self, genome: Any, rng: np.random.Generator) -> Any:
        return self._genome(self._encoding.mutate, "mutate", genome, rng=rng)

    def crossover(self, a: Any, b: Any, rng: np.random.Generator) -> Any:
        return self._genome(self._encoding.crossover, "crossover", a, b, rng=rng)

    def features(self, genome: Any) -> Mapping[str, float]:
        found = self._call(lambda genome: dict(self._encoding.features(genome)), "features", genome)
        self._features = check_features(found, self._features, self._name, said("features", genome))
        return found

    def build(self, genome: Any, task: Task) -> Any:
        return self._encoding.build(genome, task)  # a failed trial, not the end of a search

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._encoding, name)
        if name == "canonical":
            return lambda genome: self._genome(found, "canonical", genome)
        return self._portfolio(found) if name == "portfolio" else found

    @property
    def __class__(self) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        return type(self._encoding)

    def __reduce__(self) -> tuple[Any, ...]:
        return GuardedEncoding, (self._encoding,)

    def __repr__(self) -> str:
        return repr(self._encoding)

    def _portfolio(self, method: Callable[[Task], Sequence[Any]]) -> Callable[[Task], list[Any]]:
        def portfolio(task: Task) -> list[Any]:
            genomes = self._call(lambda: list(method(task)), "portfolio")
            return [check_genome(self._name, said("portfolio"), genome) for genome in genomes]

        return portfolio

    def _genome(self, method: Callable[..., Any], name: str, *genomes: Any, rng: Any = None) -> Any:
        drawing = () if rng is None else (rng,)
        return check_genome(self._name, said(name, *genomes), self._call(method, name, *genomes, then=drawing))

    def _call(self, method: Callable[..., Any], name: str, *genomes: Any, then: tuple[Any, ...] = ()) -> Any:
        try:
            return method(*genomes, *then)
        except Exception as error:
            raise broken(self._name, said(name, *genomes), f"raised {placed(error)}") from error


def check_genome(name: str, method: str, genome: Any) -> Any:
    """The genome in Python's own types, if it is hashable and made of JSON values and tuples."""
    try:
        hash(genome)
    except TypeError:
        raise broken(
            name, method, f"returned {in_short(genome)}, which is not hashable; genomes are JSON values and tuples"
        ) from None
    genome = plain(genome)
    if not _is_json(genome):
        raise broken(name, method, f"returned {in_short(genome)}, which JSON does not keep; use JSON values and tuples")
    return genome


def check_features(found: Mapping[str, Any], names: frozenset[str] | None, name: str, method: str) -> frozenset[str]:
    """The names of a genome's features, which are finite numbers or NaN, and those of other genomes: `names`."""
    for feature, value in found.items():
        if not isinstance(value, (int, float, np.number)) or isinstance(value, np.complexfloating):
            raise broken(name, method, f"gave something that is no number: {feature!r} is {in_short(value)}")
        if value in (np.inf, -np.inf):
            raise broken(name, method, f"gave an infinite number for {feature!r}; use NaN for what is not known")
    if names is not None and found.keys() != names:
        odd = min(map(str, found.keys() ^ names))
        raise broken(name, method, f"has other names than those of other genomes: {odd!r}")
    return names or frozenset(found)


def said(method: str, *genomes: Any) -> str:
    """`mutate((1, 2))`, for a message."""
    return f"{method}({', '.join(in_short(genome) for genome in genomes)})"


def broken(name: str, method: str, what: str) -> EvonasError:
    return EvonasError(f"encoding {name!r} breaks the contract: {method} {what}")


def _is_json(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_json, value))
    if isinstance(value, float):
        return bool(np.isfinite(value))
    return value is None or isinstance(value, (str, int))
