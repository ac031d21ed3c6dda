"""What a named value may be: a number of a range, or one of a few choices."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError

NEAR = 0.75  # chance that a number moves a little, and not to anywhere
LITTLE = 0.2  # of the range, the standard deviation of such a step, as in ConfigSpace
TRIES = 10


@dataclass(frozen=True)
class Numbers:
    """Numbers from `low` to `high`, in steps from `low` on where there is one, whole where they are so.

    Where `log`, they are drawn uniformly by their logarithm. Raises EvonasError where there are none.
    """

    name: str
    low: float
    high: float
    step: float | None = None
    log: bool = False
    whole: bool = False

    def __post_init__(self) -> None:
        bounds = f"{self.name!r} from {self.low!r} to {self.high!r}"
        for value in (self.low, self.high, *([] if self.step is None else [self.step])):
            if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
                what = "whole number" if self.whole else "number"
                raise EvonasError(f"{bounds}: {value!r} is no {what}; give {what}s for low, high and step")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise EvonasError(f"{bounds} has no values; give finite numbers, low <= high")
        if self.log and self.low < (1 if self.whole else math.ulp(0.0)):
            raise EvonasError(f"{bounds}: log=True needs a low of {'at least 1' if self.whole else 'more than 0'}")
        if self.step is not None and not self.step > 0:
            raise EvonasError(f"{bounds}: step={self.step!r} is none; give a number above 0")
        if self.log and self.step not in (None, 1):
            raise EvonasError(f"{bounds}: log=True and step={self.step!r} exclude one another; leave one out")

    @property
    def several(self) -> bool:
        return self._at(0.0) != self._at(1.0)

    def draw(self, rng: np.random.Generator) -> float:
        return self._at(rng.random())

    def another(self, value: float, rng: np.random.Generator) -> float:
        for _ in range(TRIES):
            near = self._place(value) + LITTLE * rng.standard_normal()
            found = self._at(min(1.0, max(0.0, near)) if rng.random() < NEAR else rng.random())
            if found != value:
                return found
        return self._at(0.0) if value != self._at(0.0) else self._at(1.0)

    def holds(self, value: Any) -> bool:
        number = isinstance(value, int if self.whole else int | float) and not isinstance(value, bool)
        if not number or not self.low <= value <= self.high:
            return False
        steps = (value - self.low) / self._stride if self._stride else 0.0
        return abs(steps - round(steps)) < 1e-8

    def features(self, name: str, value: float | None) -> Mapping[str, float]:
        return {name: math.nan if value is None else math.log(value) if self.log else float(value)}

    @property
    def _stride(self) -> float | None:
        return (self.step or 1) if self.whole else self.step

    @property
    def _count(self) -> int:
        """How many values there are, one every stride."""
        assert self._stride is not None
        return int((self.high - self.low) / self._stride + 1e-8) + 1

    @property
    def _logs(self) -> tuple[float, float]:
        """Whole numbers reach half a step to either side, so that the ends are as likely as their neighbours."""
        half = 0.5 if self.whole else 0.0
        return math.log(self.low - half), math.log(self.high + half)

    def _at(self, place: float) -> float:
        """The value at a place from 0 to 1 of the range."""
        if self.log:
            least, most = self._logs
            value = math.exp(least + place * (most - least))
            value = round(value) if self.whole else value
            return min(self.high, max(self.low, value))
        if self._stride:
            return self.low + min(self._count - 1, int(place * self._count)) * self._stride
        return min(self.high, self.low + place * (self.high - self.low))

    def _place(self, value: float) -> float:
        if self.log:
            least, most = self._logs
            return (math.log(value) - least) / (most - least) if most > least else 0.0
        if self._stride:
            return ((value - self.low) / self._stride + 0.5) / self._count
        return (value - self.low) / (self.high - self.low) if self.high > self.low else 0.0


@dataclass(frozen=True)
class Choices:
    """One of several values without an order: texts, numbers, True, False, None.

    Raises EvonasError where there are none, one is there twice, or is something else.
    """

    name: str
    options: tuple[Any, ...]

    def __post_init__(self) -> None:
        odd = [one for one in self.options if not (one is None or isinstance(one, str | int | float))]
        if odd:
            raise EvonasError(f"{self.name!r} has the choice {odd[0]!r}; give texts, numbers, True, False or None")
        if not self.options or len(set(map(repr, self.options))) < len(self.options):
            raise EvonasError(f"{self.name!r} needs choices that differ, got {self.options}")

    @property
    def several(self) -> bool:
        return len(self.options) > 1

    def draw(self, rng: np.random.Generator) -> Any:
        return self.options[int(rng.integers(len(self.options)))]

    def another(self, value: Any, rng: np.random.Generator) -> Any:
        others = [one for one in self.options if not _same(one, value)]
        return others[int(rng.integers(len(others)))] if others else value

    def holds(self, value: Any) -> bool:
        return any(_same(one, value) for one in self.options)

    def features(self, name: str, value: Any) -> Mapping[str, float]:
        return {f"{name}={one}": float(_same(one, value)) for one in self.options}


def _same(one: Any, other: Any) -> bool:
    """1 is neither True nor 1.0."""
    return type(one) is type(other) and one == other
