"""The meta-surrogate with earlier tasks that mislead, to see what that costs: rankers for the benchmark room alone.

`evolution+evonas_benchmarks.misled:Shuffled` knows nothing true of any earlier task, `…:Negated` the opposite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from evonas_surrogates.meta import MetaSurrogate


class Shuffled(MetaSurrogate):
    """Of each earlier task the targets are shuffled."""

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: Sequence[Any] | np.ndarray,
        feature_names: Sequence[str] | None = None,
    ) -> Self:
        y, groups = np.array(y, dtype=float), np.asarray(groups)
        for i, name in enumerate(np.unique(groups)):
            rows = np.flatnonzero(groups == name)
            y[rows] = np.random.default_rng([self.seed, i, len(rows)]).permutation(y[rows])
        return super().fit(X, y, groups, feature_names)


class Negated(MetaSurrogate):
    """Of each earlier task the best is the worst."""

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: Sequence[Any] | np.ndarray,
        feature_names: Sequence[str] | None = None,
    ) -> Self:
        return super().fit(X, -np.asarray(y, dtype=float), groups, feature_names)
