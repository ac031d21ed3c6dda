"""Boosted trees as plain arrays: many models answer at once, and a file of them holds nothing but numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor

from evonas_surrogates.threads import as_many_as_worth

ROWS_AT_ONCE = 64  # their tests fit in the caches


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
        """(n, trees) which leaf, counted from the left, each row falls into in each tree.

        Without walking any tree: a node whose test fails rules out the leaves on its left, and the first leaf that no
        node rules out is the one (QuickScorer: Lucchese et al. 2015, SIGIR). All tests of all trees are one comparison.
        """
        X = np.asarray(X, dtype=float)
        tests = self._tests
        trees = len(self.model)
        found = np.zeros((len(X), trees), np.uint8)
        if not trees:
            return found
        missing = tests.missing_left if np.isnan(X).any() else None
        for start in range(0, len(X), ROWS_AT_ONCE):
            rows = X[start : start + ROWS_AT_ONCE]
            seen = rows[:, tests.feature]  # (rows, nodes, trees)
            passed = seen <= tests.threshold
            if missing is not None:
                passed |= np.isnan(seen) & missing
            left = np.bitwise_and.reduce(np.where(passed, tests.all, tests.left_out), axis=1)
            found[start : start + ROWS_AT_ONCE] = _lowest_bit(left)
        return found

    def sums(self, leaves: np.ndarray) -> np.ndarray:
        """(n, models) predictions of rows that fall into these leaves."""
        if not leaves.size:
            return np.tile(self.offset, (len(leaves), 1))
        values = self._tests.value.ravel()[leaves + (np.arange(len(self.model)) * self._tests.value.shape[1])[None]]
        starts = np.flatnonzero(np.diff(self.model, prepend=-1))
        sums = np.zeros((len(leaves), self.models))
        sums[:, self.model[starts]] = np.add.reduceat(values, starts, axis=1)
        return sums + self.offset

    @cached_property
    def _tests(self) -> _Tests:
        return _Tests.of(self)

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


def boosted(
    X: np.ndarray,
    y: np.ndarray,
    seed: int = 0,
    trees: int = 200,
    *,
    learning_rate: float = 0.06,
    min_samples_leaf: int | None = None,
    max_features: float = 0.1,
) -> HistGradientBoostingRegressor:
    """One task's model: (n, d) features, (n,) normal scores; leaves of 2 to 5 rows at least, by how many there are.

    Each split chooses among `max_features` of the features, drawn at random, and among four at least.
    """
    model = HistGradientBoostingRegressor(
        max_iter=trees,
        learning_rate=learning_rate,
        max_leaf_nodes=8,
        min_samples_leaf=min_samples_leaf or max(2, min(5, len(y) // 10)),
        l2_regularization=1.0,
        max_features=min(1.0, max(max_features, 4 / max(np.shape(X)[1], 1))),
        max_bins=63,  # as good as 255 for a few thousand rows, and twice as fast
        early_stopping=False,  # pyright: ignore[reportArgumentType]
        random_state=seed,
    )
    with as_many_as_worth(len(y)):
        return model.fit(without_gaps(X), y)


def without_gaps(X: np.ndarray) -> np.ndarray:
    """(n, d), what is NaN in every row as zeros: scikit-learn cannot bin it, and no tree splits on a constant."""
    return np.where(np.isnan(X).all(0), 0.0, X)


@dataclass(frozen=True)
class _Tests:
    """A forest's inner nodes, (nodes, trees) each: a row passes where it goes left; `left_out` has a zero bit for each
    leaf on the left, which is out where the row does not pass. `value` is (trees, leaves)."""

    feature: np.ndarray
    threshold: np.ndarray
    missing_left: np.ndarray
    left_out: np.ndarray
    value: np.ndarray

    @property
    def all(self) -> np.ndarray:
        """Every bit set: no leaf is out."""
        return np.array(-1).astype(self.left_out.dtype)

    @classmethod
    def of(cls, forest: Forest) -> _Tests:
        found = [_leaves_from_left(left, right) for left, right in zip(forest.left, forest.right, strict=True)]
        most = max((len(leaves) for leaves, _ in found), default=1)
        bits = next(width for width in (8, 16, 32, 64) if most <= width)
        shape = (max((len(inner) for _, inner in found), default=0) or 1, len(found))
        tests = cls(
            feature=np.zeros(shape, np.intp),
            threshold=np.full(shape, np.inf),
            missing_left=np.ones(shape, bool),
            left_out=np.full(shape, 2**bits - 1, f"uint{bits}"),
            value=np.zeros((len(found), most)),
        )
        for t, (leaves, inner) in enumerate(found):
            tests.value[t, : len(leaves)] = forest.value[t, leaves]
            for i, (node, first, last) in enumerate(inner):
                tests.feature[i, t] = forest.feature[t, node]
                tests.threshold[i, t] = forest.threshold[t, node]
                tests.missing_left[i, t] = forest.missing_left[t, node]
                tests.left_out[i, t] = 2**bits - 1 - (2**last - 2**first)
        return tests


def _lowest_bit(numbers: np.ndarray) -> np.ndarray:
    """The position of the lowest bit that is set, of unsigned integers above 0."""
    if numbers.dtype == np.uint8:
        return _LOWEST_OF_A_BYTE[numbers]
    return np.log2((numbers & (~numbers + 1)).astype(float)).astype(np.uint8)


_LOWEST_OF_A_BYTE = np.array([0, *((n & -n).bit_length() - 1 for n in range(1, 256))], np.uint8)


def _leaves_from_left(left: np.ndarray, right: np.ndarray) -> tuple[list[int], list[tuple[int, int, int]]]:
    """A tree's leaves from the left, and each inner node with the first leaf on its left and the one behind these."""
    leaves: list[int] = []
    inner: list[tuple[int, int, int]] = []
    one, other = left.tolist(), right.tolist()

    def visit(node: int) -> None:
        if one[node] == node:
            leaves.append(node)
            return
        first = len(leaves)
        visit(one[node])
        inner.append((node, first, len(leaves)))
        visit(other[node])

    visit(0)
    return leaves, inner
