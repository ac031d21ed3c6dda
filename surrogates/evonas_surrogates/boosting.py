"""The surrogate from scratch: gradient boosting on the target's own results. The honest control of the memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor

from evonas.evolution import at_least
from evonas_surrogates.forest import without_gaps
from evonas_surrogates.ranks import normal_scores
from evonas_surrogates.threads import as_many_as_worth


class BoostingSurrogate(BaseEstimator):
    """Boosted trees on normal scores; the same interface as the meta-surrogate, but `fit` learns nothing.

    Below `least` results every genome gets the same score, so that the search goes its own way.
    """

    def __init__(self, least: int = 8, trees: int = 60, seed: int = 0):
        self.least = at_least(1, least=least)
        self.trees = at_least(1, trees=trees)
        self.seed = at_least(0, seed=seed)

    def fit(self, X: np.ndarray, y: np.ndarray, groups: Sequence[Any] | np.ndarray) -> Self:
        """Forget everything: earlier tasks are not this one's to use."""
        self.model_: HistGradientBoostingRegressor | None = None
        return self

    def adapt(self, X: np.ndarray, y: np.ndarray) -> Self:
        """All results of the target so far: (n, d) features and (n,) targets, NaN for a failure."""
        self.model_ = None
        if len(y) >= self.least:
            model = HistGradientBoostingRegressor(
                max_iter=self.trees,
                learning_rate=0.1,
                max_leaf_nodes=8,
                min_samples_leaf=3,
                l2_regularization=1.0,
                max_features=0.3,
                max_bins=63,  # as good as 255 for a few thousand rows, and twice as fast
                early_stopping=False,  # pyright: ignore[reportArgumentType]
                random_state=self.seed,
            )
            with as_many_as_worth(len(y)):
                self.model_ = model.fit(without_gaps(np.asarray(X, dtype=float)), normal_scores(y))
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(n,) scores, higher is better."""
        model = getattr(self, "model_", None)
        if model is None or not len(X):
            return np.zeros(len(X))
        with as_many_as_worth(len(X)):
            return model.predict(np.asarray(X, dtype=float))

    def describe(self) -> str:
        return "learning from this search's own results"
