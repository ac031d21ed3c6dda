"""The meta-surrogate with earlier tasks that mislead, to see what that costs: rankers for the benchmark room alone.

`evolution+evonas_benchmarks.baselines.corrupted_transfer:Shuffled` knows nothing true of any earlier task, `…:Negated`
the opposite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from evonas_surrogates.meta import MetaSurrogate


class CorruptedTransfer(MetaSurrogate):
    """What it learns of each earlier task is not what was measured."""

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
            y[rows] = self.instead(y[rows], np.random.default_rng([self.seed, i, len(rows)]))
        return super().fit(X, y, groups, feature_names)

    def instead(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(n,) for the (n,) targets of one task."""
        raise NotImplementedError


class Shuffled(CorruptedTransfer):
    """Of each earlier task the targets are shuffled."""

    def instead(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return rng.permutation(values)


class Negated(CorruptedTransfer):
    """Of each earlier task the best is the worst."""

    def instead(self, values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return -values
