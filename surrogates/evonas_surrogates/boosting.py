"""The surrogate from scratch: gradient boosting on the target's own results. The honest control of the memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingRegressor

from evonas.core.options import at_least
from evonas.core.ranks import normal_scores
from evonas_surrogates.forest import boosted
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
            X, scores = np.asarray(X, dtype=float), normal_scores(y)
            self.model_ = boosted(
                X, scores, self.seed, self.trees, learning_rate=0.1, min_samples_leaf=3, max_features=0.3
            )
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
