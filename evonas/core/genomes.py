"""What every room does with a genome: bring it back from JSON, and make a row of its features."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


def freeze(value: Any) -> Any:
    """A genome as it was before it went through JSON: lists become tuples, all the way down."""
    return tuple(freeze(item) for item in value) if isinstance(value, (list, tuple)) else value


def feature_row(features: Mapping[str, float]) -> np.ndarray:
    """The numbers in the order of their sorted names."""
    return np.array([features[name] for name in sorted(features)], dtype=float)
