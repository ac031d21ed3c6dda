"""What every room does with a genome: bring it back from JSON, and make a row of its features."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np


def freeze(value: Any) -> Any:
    """A genome as it was before it went through JSON: lists become tuples, all the way down."""
    return tuple(freeze(item) for item in value) if isinstance(value, (list, tuple)) else value


def plain(value: Any) -> Any:
    """The same value in Python's own types: numpy's numbers, flags and texts become Python's, lists and arrays tuples.

    What it equals it still equals, and its hash is the same.
    """
    if isinstance(value, (np.generic, np.ndarray)):
        return freeze(value.tolist())
    if isinstance(value, (list, tuple)):
        items = tuple(plain(item) for item in value)
        same = isinstance(value, tuple) and all(one is other for one, other in zip(items, value, strict=True))
        return value if same else items  # a named tuple of Python's own types stays one
    return value


def feature_row(features: Mapping[str, float]) -> np.ndarray:
    """The numbers in the order of their sorted names."""
    return np.fromiter(features.values(), float, len(features))[_by_name(tuple(features))]


@lru_cache(256)
def _by_name(names: tuple[str, ...]) -> np.ndarray:
    """(n,) places of the names in their sorted order: an encoding gives the same names again and again."""
    return np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.intp)
