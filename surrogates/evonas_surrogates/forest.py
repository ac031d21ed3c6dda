"""Boosted trees as plain arrays: many models answer at once, and a file of them holds nothing but numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor


@dataclass(frozen=True)
class Forest:
    """The trees of several boosted models, all of them walked together.

    `feature`, `threshold`, `left`, `right`, `value` and `missing_left` are (trees, nodes): a row goes left where its
    feature is at most the threshold, or is NaN and `missing_left` says so. A leaf's children are itself. `model`
    (trees,) is each tree's model, `offset` (models,) what its sum starts from, `depth` the longest way to a leaf.
    """

    feature: np.ndarray
    threshold: np.ndarray
    left: np.ndarray
    right: np.ndarray
    value: np.ndarray
    missing_left: np.ndarray
    model: np.ndarray
    offset: np.ndarray
    depth: int

    @classmethod
    def of(cls, models: Sequence[HistGradientBoostingRegressor]) -> Forest:
        """From fitted models without categorical features."""
        trees = [(m, predictor[0].nodes) for m, model in enumerate(models) for predictor in model._predictors]
        width = max((len(nodes) for _, nodes in trees), default=1)
        own = np.arange(width, dtype=np.int32)
        shape = (len(trees), width)
        made = cls(
            feature=np.zeros(shape, np.int32),
            threshold=np.zeros(shape),
            left=np.tile(own, (len(trees), 1)),
            right=np.tile(own, (len(trees), 1)),
            value=np.zeros(shape),
            missing_left=np.zeros(shape, bool),
            model=np.array([m for m, _ in trees], np.int32),
            offset=np.array([float(np.ravel(model._baseline_prediction)[0]) for model in models]),
            depth=int(max((nodes["depth"].max() for _, nodes in trees), default=0)),
        )
        for i, (_, nodes) in enumerate(trees):
            n, inner = len(nodes), nodes["is_leaf"] == 0
            made.value[i, :n] = np.where(inner, 0.0, nodes["value"])
            made.feature[i, :n] = np.where(inner, nodes["feature_idx"], 0)
            made.threshold[i, :n] = nodes["num_threshold"]
            made.missing_left[i, :n] = nodes["missing_go_to_left"].astype(bool)
            made.left[i, :n] = np.where(inner, nodes["left"], own[:n])
            made.right[i, :n] = np.where(inner, nodes["right"], own[:n])
        return made

    @property
    def models(self) -> int:
        return len(self.offset)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """(n, models) predictions of (n, d) features."""
        return self.sums(self.leaves(X))

    def leaves(self, X: np.ndarray) -> np.ndarray:
        """(n, trees) the leaf that each row falls into in each tree."""
        X = np.asarray(X, dtype=float)
        trees, width = self.feature.shape
        if not trees or not len(X):
            return np.zeros((len(X), trees), np.int32)
        base = (np.arange(trees) * width)[None]
        at = np.broadcast_to(base, (len(X), trees))
        feature, threshold = self.feature.ravel(), self.threshold.ravel()
        left, right = (self.left + base.T).ravel(), (self.right + base.T).ravel()
        rows = np.arange(len(X))[:, None]
        missing = self.missing_left.ravel() if np.isnan(X).any() else None
        for _ in range(self.depth):
            seen = X[rows, feature[at]]
            goes_left = seen <= threshold[at]
            if missing is not None:
                goes_left |= np.isnan(seen) & missing[at]
            at = np.where(goes_left, left[at], right[at])
        return at - base

    def sums(self, leaves: np.ndarray) -> np.ndarray:
        """(n, models) predictions of rows that fall into these leaves."""
        if not leaves.size:
            return np.tile(self.offset, (len(leaves), 1))
        values = self.value.ravel()[leaves + (np.arange(len(self.model)) * self.feature.shape[1])[None]]
        starts = np.flatnonzero(np.diff(self.model, prepend=-1))
        sums = np.zeros((len(leaves), self.models))
        sums[:, self.model[starts]] = np.add.reduceat(values, starts, axis=1)
        return sums + self.offset

    def joined(self, other: Forest) -> Forest:
        """Both forests' models, this one's first."""
        width = max(self.feature.shape[1], other.feature.shape[1])
        one, two = self._widened(width), other._widened(width)
        joined = {
            field.name: np.concatenate([one[field.name], two[field.name]])
            for field in fields(self)
            if field.name not in ("depth", "model")
        }
        model = np.concatenate([self.model, other.model + self.models])
        return Forest(**joined, model=model, depth=max(self.depth, other.depth))

    def only(self, models: Sequence[int]) -> Forest:
        """These models, in the order given."""
        trees = np.concatenate([np.flatnonzero(self.model == m) for m in models] or [np.zeros(0, int)]).astype(int)
        kept = {
            f.name: getattr(self, f.name)[trees] for f in fields(self) if f.name not in ("depth", "model", "offset")
        }
        counts = [int((self.model == m).sum()) for m in models]
        model = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        return Forest(**kept, model=model, offset=self.offset[list(models)], depth=self.depth)

    def arrays(self) -> dict[str, Any]:
        """For a file."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def _widened(self, width: int) -> dict[str, np.ndarray]:
        extra = width - self.feature.shape[1]
        return {
            name: np.pad(array, ((0, 0), (0, extra))) if np.ndim(array) == 2 else array
            for name, array in self.arrays().items()
        }


def boosted(X: np.ndarray, y: np.ndarray, seed: int = 0, trees: int = 200) -> HistGradientBoostingRegressor:
    """One earlier task's model: (n, d) features, (n,) normal scores."""
    return HistGradientBoostingRegressor(
        max_iter=trees,
        learning_rate=0.06,
        max_leaf_nodes=8,
        min_samples_leaf=max(2, min(5, len(y) // 10)),
        l2_regularization=1.0,
        max_features=0.3,
        early_stopping=False,  # pyright: ignore[reportArgumentType]
        random_state=seed,
    ).fit(without_gaps(X), y)


def without_gaps(X: np.ndarray) -> np.ndarray:
    """(n, d), what is NaN in every row as zeros: scikit-learn cannot bin it, and no tree splits on a constant."""
    return np.where(np.isnan(X).all(0), 0.0, X)
