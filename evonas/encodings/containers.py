"""Sequences of all kinds as tuples, and back: what a toolbox's individuals are made of."""

from __future__ import annotations

import array
import pickle
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from deap import base

from evonas.core.errors import EvonasError

LEARNED_FROM = 24  # individuals


def is_container(value: Any) -> bool:
    """Whether it holds genes: a sequence of any kind, but no text."""
    return isinstance(value, (Sequence, deque, array.array, np.ndarray)) and not isinstance(value, (str, bytes))


def frozen(value: Any) -> Any:
    """Tuples all the way down, and Python's own numbers."""
    if is_container(value):
        return tuple(frozen(item) for item in (value.tolist() if isinstance(value, np.ndarray) else value))
    return value.item() if isinstance(value, np.generic) else value


def attributes(individual: Any) -> Mapping[str, bytes]:
    """What an individual knows besides its genes and its fitness, pickled; a class that is a sequence without being one
    of Python's or NumPy's has its genes there.
    """
    if not isinstance(individual, (list, tuple, deque, array.array, np.ndarray)):
        return {}
    found = {}
    for name, value in getattr(individual, "__dict__", {}).items():
        if not isinstance(value, base.Fitness):
            try:
                found[name] = pickle.dumps(value)
            except Exception:  # a function of the moment: nothing to compare
                continue
    return found


class Containers:
    """The kinds of sequence that individuals are made of, by their place, as a few fresh ones show.

    Args:
        make: a fresh individual.

    Raises EvonasError where that is no sequence, or has attributes that are others in each.
    """

    def __init__(self, make: Callable[[], Any]):
        self._by_place: dict[tuple[int, ...], Any] = {}
        self._by_column: dict[tuple[int, int], Any] = {}  # by depth, and the last position
        self._by_depth: dict[int, Any] = {}
        every = [make() for _ in range(LEARNED_FROM)]
        for individual in every:
            if not is_container(individual):
                raise no_container(individual)
            self._learn(individual, ())
        for one in every:
            changed = changed_attribute(attributes(every[0]), attributes(one))
            if changed is not None:
                raise not_kept(changed, "toolbox.individual draws")

    def thawed(self, genome: Any, place: tuple[int, ...] = ()) -> Any:
        """A fresh sequence of the kind that stands there, with these genes."""
        items = [self.thawed(gene, (*place, i)) if isinstance(gene, tuple) else gene for i, gene in enumerate(genome)]
        depth = len(place)
        pattern = self._by_place.get(place)
        if pattern is None and place:
            pattern = self._by_column.get((depth, place[-1]), self._by_depth.get(depth))
        return items if pattern is None else _filled(deepcopy(pattern), items)

    def _learn(self, value: Any, place: tuple[int, ...]) -> None:
        if not is_container(value):
            return
        self._by_place.setdefault(place, value)
        if place:
            self._by_column.setdefault((len(place), place[-1]), value)
        self._by_depth.setdefault(len(place), value)
        for i, item in enumerate(value):
            self._learn(item, (*place, i))


def no_container(individual: Any) -> EvonasError:
    return EvonasError(
        f"toolbox.individual returns a {type(individual).__name__}; give a sequence of genes: a list, an array, a tuple"
    )


def changed_attribute(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str | None:
    """The first attribute that both have, with another value."""
    return next((name for name in before if name in after and after[name] != before[name]), None)


def not_kept(attribute: str, who: str) -> EvonasError:
    return EvonasError(
        f"{who} an individual's attribute {attribute!r}, which a genome does not hold; put it among the genes"
    )


def _filled(pattern: Any, items: list[Any]) -> Any:
    """The pattern with these items for its own; its class and its attributes stay."""
    if isinstance(pattern, np.ndarray):
        filled = np.array(items, dtype=pattern.dtype).view(type(pattern))
        if type(pattern) is not np.ndarray:
            vars(filled).update(vars(pattern))
        return filled
    if isinstance(pattern, tuple):
        return type(pattern)(*items) if hasattr(pattern, "_fields") else type(pattern)(items)
    if isinstance(pattern, deque):
        pattern.clear()
    else:
        del pattern[:]
    pattern.extend(items)
    return pattern
