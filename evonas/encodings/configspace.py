"""A space of ConfigSpace's as an encoding, with its conditions, forbidden clauses and distributions."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.genomes import plain
from evonas.core.types import Task
from evonas.encodings.named import Build, Forbidden, Genome, Hyperparameter, NamedEncoding

if TYPE_CHECKING:
    from torch import nn


class ConfigSpaceEncoding(NamedEncoding):
    """Genomes are configurations of a `ConfigSpace.ConfigurationSpace` (Lindauer et al. 2019): those of its
    hyperparameters that are active, in its order. The space's own generator is left alone.

    Args:
        space: with or without conditions and forbidden clauses.
        build: (name -> value, task) -> network; an evaluator of your own needs none.

    Raises EvonasError where it is no such space, is empty, or ConfigSpace is not installed.
    """

    def __init__(self, space: Any, build: Build | None = None):
        try:
            from ConfigSpace import ConfigurationSpace
        except ImportError as error:
            raise EvonasError(f"{error.name} is not installed; pip install 'evonas[spaces]'") from error
        if not isinstance(space, ConfigurationSpace) or not len(space):
            raise EvonasError(f"{space!r} is no ConfigurationSpace with hyperparameters; give ConfigSpaceEncoding one")
        self._space, self._build = space, build
        self._known = {name: _Hyperparameter.of(name, space[name]) for name in space}

    def complete(self, wanted: Mapping[str, Any], rng: np.random.Generator) -> Mapping[str, tuple[Any, Hyperparameter]]:
        from ConfigSpace import Configuration
        from ConfigSpace.exceptions import ForbiddenValueError
        from ConfigSpace.types import NotSet

        values: dict[str, Any] = defaultdict(lambda: NotSet)  # which no condition is satisfied by
        for name, what in self._known.items():  # parents before their children
            if all(condition.satisfied_by_value(values) for condition in self._space.parent_conditions_of[name]):
                held = name in wanted and what.holds(wanted[name])
                values[name] = wanted[name] if held else what.draw(rng)
        there = {name: values[name] for name in self._known if name in values and values[name] is not NotSet}
        try:
            Configuration(self._space, values=there)
        except ForbiddenValueError:
            raise Forbidden from None
        return {name: (value, self._known[name]) for name, value in there.items()}

    def known(self) -> Mapping[str, Hyperparameter]:
        return self._known

    def build(self, genome: Genome, task: Task) -> nn.Module:
        return super().build(genome, task) if self._build is None else self._build(dict(genome), task)


@dataclass(frozen=True)
class _Hyperparameter:
    """One of ConfigSpace's; `options` are the values of one that is no number, empty otherwise."""

    of_space: Any
    options: tuple[Any, ...] = ()

    @classmethod
    def of(cls, name: str, one: Any) -> _Hyperparameter:
        from ConfigSpace.hyperparameters import CategoricalHyperparameter, Constant

        options = one.choices if isinstance(one, CategoricalHyperparameter) else ()
        options = plain(tuple([one.value] if isinstance(one, Constant) else options))
        odd = [value for value in options if not (value is None or isinstance(value, str | int | float | tuple))]
        if odd:
            raise EvonasError(f"{name!r} has the choice {odd[0]!r}; give texts, numbers, True, False, None or tuples")
        return cls(one, options)

    @property
    def several(self) -> bool:
        return self.of_space.size > 1

    def draw(self, rng: np.random.Generator) -> Any:
        return self._value(self.of_space.sample_vector(seed=_legacy(rng)))

    def another(self, value: Any, rng: np.random.Generator) -> Any:
        try:
            near = self.of_space.neighbors_vectorized(self.of_space.to_vector(value), n=1, seed=_legacy(rng))
        except ValueError:  # of few numbers ConfigSpace may miss all but this one for as long as it tries
            return self.draw(rng)
        return self._value(near[0]) if len(near) else value

    def holds(self, value: Any) -> bool:
        return bool(self.of_space.legal_value(value))

    def features(self, name: str, value: Any) -> Mapping[str, float]:
        """Of a number, or a choice with an order, its place in ConfigSpace's vector."""
        if self.options:
            return {f"{name}={one}": float(one == value) for one in self.options}
        return {name: math.nan if value is None else float(self.of_space.to_vector(value))}

    def _value(self, vector: Any) -> Any:
        if not self.options:
            return plain(self.of_space.to_value(vector))
        return self.options[int(vector) if self.several else 0]  # the vector of a constant is no position


def _legacy(rng: np.random.Generator) -> np.random.RandomState:
    """What ConfigSpace draws from."""
    return np.random.RandomState(int(rng.integers(2**32)))
