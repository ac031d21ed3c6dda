"""What the target's own results say: which source models to trust, and what no source model knows.

The target's score is a weighted sum of the source models, one of each earlier task (each weight normal around a common
prior), plus a function of the leaves that a genome falls into in their trees, plus a smooth function of its features,
plus noise: a Gaussian process (Rasmussen & Williams 2006, ch. 2). Two genomes are alike by their leaves where few trees
separate them (the forest kernel of Davies & Ghahramani 2014, squared), so earlier tasks say *what matters* even where
they are wrong about *what is good*: a source model that is negated separates the same genomes.

Everything is exact and closed-form, so a few hundred results cost milliseconds, a source model that orders the target's
results wrongly gets a weight near zero or below, and the deviation is the posterior's own. With source models the
shares of the parts are given: a few dozen results, all of them from near the top, choose worse ones than what held on
other tasks (and doubt a source model that misleads later). Without, they are weighed by their marginal likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import product

import numpy as np
from scipy.linalg import solve_triangular

KEPT = 4  # shares of the parts that answer, of all that were tried, where there are no source models
INTERCEPT = 1.0  # variance of the mean level: the results of a search are no fair sample of the space


@dataclass(frozen=True)
class Inputs:
    """Genomes as the posterior sees them: (n, t) predictions of the source models and (n, d) features,
    both standardized, and (n, k) leaves."""

    sources: np.ndarray
    leaves: np.ndarray
    features: np.ndarray

    def __len__(self) -> int:
        return len(self.sources)

    def __getitem__(self, chosen: slice) -> Inputs:
        return Inputs(self.sources[chosen], self.leaves[chosen], self.features[chosen])

    def followed_by(self, other: Inputs) -> Inputs:
        pairs = ((getattr(self, field.name), getattr(other, field.name)) for field in fields(self))
        return Inputs(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True)
class Shares:
    """Variances: `linear` in the source models, by `leaves`, smooth in the `features` with `length`; of the `noise`."""

    linear: float
    leaves: float
    features: float
    noise: float
    length: float


WITH_VIEWS = Shares(linear=1.0, leaves=0.5, features=0.05, noise=0.35, length=0.8)
WITHOUT = tuple(
    Shares(0.0, 0.0, features, noise, length)
    for features, noise, length in product((0.25, 0.8, 2.0), (0.03, 0.1, 0.3, 0.6), (0.35, 0.8))
)


class Posterior:
    """Exact inference from the rows of the results and their scores.

    Args:
        rows: of the results; there may be no source models.
        z: (n,) normal scores.
        weight: every source model's prior weight.
        chosen: the shares to use with their weights, where there are no source models; by default those
            that suit the results.
        before: an earlier posterior whose rows may be the first of these: what is alike is not counted anew.
    """

    def __init__(
        self,
        rows: Inputs,
        z: np.ndarray,
        weight: float,
        chosen: list[tuple[float, Shares]] | None = None,
        before: Posterior | None = None,
    ):
        self.rows, self.weight, self.best = rows, weight, float(z.max())
        self._residual = z - weight * rows.sources.sum(1)
        self._alike = _Alike(rows, rows, alike_within(rows.leaves, before._alike if before else None))
        if chosen is None:
            chosen = self._choose()
        self.chosen = chosen
        self._parts = [(share, shares, *self._factor(shares)[:2]) for share, shares in chosen]

    def __len__(self) -> int:
        return len(self.rows)

    def predict(self, rows: Inputs) -> tuple[np.ndarray, np.ndarray]:
        """(m,) means and (m,) deviations of others."""
        alike = _Alike(rows, self.rows, shared(rows.leaves, self.rows.leaves))
        mean, variance = self.weight * rows.sources.sum(1), np.zeros(len(rows))
        for share, shares, lower, solved in self._parts:
            kernel = alike.kernel(shares)
            mean = mean + share * (kernel @ solved)
            explained = solve_triangular(lower, kernel.T, lower=True)
            own = INTERCEPT + shares.leaves + shares.features
            if rows.sources.shape[1]:
                own = own + shares.linear * (rows.sources**2).mean(1)
            variance += share * np.maximum(own - (explained**2).sum(0), 1e-9)
        return mean, np.sqrt(variance)

    @property
    def noise(self) -> float:
        """The deviation of a result from what features say of it."""
        return float(np.sqrt(sum(share * shares.noise for share, shares in self.chosen)))

    def source_weights(self) -> np.ndarray:
        """(t,) posterior mean weight of each source model."""
        sources = self.rows.sources
        weights = np.full(sources.shape[1], self.weight)
        for share, shares, _, solved in self._parts:
            weights += share * shares.linear / max(len(weights), 1) * (sources.T @ solved)
        return weights

    def _choose(self) -> list[tuple[float, Shares]]:
        if self.rows.sources.shape[1]:
            return [(1.0, WITH_VIEWS)]
        evidence = np.array([self._factor(shares)[2] for shares in WITHOUT])
        best = np.argsort(-evidence)[:KEPT]
        shares = np.exp(evidence[best] - evidence[best[0]])
        return [(float(share), WITHOUT[i]) for share, i in zip(shares / shares.sum(), best, strict=True)]

    def _factor(self, shares: Shares) -> tuple[np.ndarray, np.ndarray, float]:
        """Cholesky factor, solution, log marginal likelihood up to a constant."""
        kernel = self._alike.kernel(shares)
        kernel[np.diag_indices(len(kernel))] += shares.noise
        lower = np.linalg.cholesky(kernel)
        half = solve_triangular(lower, self._residual, lower=True)
        evidence = float(-0.5 * half @ half - np.log(np.diag(lower)).sum())
        return lower, solve_triangular(lower, half, lower=True, trans=1), evidence


class _Alike:
    """How alike two sets of rows are, part by part, from which the kernel of any shares is made."""

    def __init__(self, a: Inputs, b: Inputs, leaves: np.ndarray):
        self.leaf_ids = a.leaves
        self.shared = leaves
        self.by_leaves = leaves**2
        self.products = a.sources @ b.sources.T / max(a.sources.shape[1], 1)
        squares = (a.features**2).sum(1)[:, None] + (b.features**2).sum(1)[None] - 2 * a.features @ b.features.T
        self.by_features = np.maximum(squares, 0) / max(a.features.shape[1], 1)
        self._smooth: dict[float, np.ndarray] = {}

    def kernel(self, shares: Shares) -> np.ndarray:
        kernel = INTERCEPT + shares.linear * self.products + shares.leaves * self.by_leaves
        if shares.features:
            if shares.length not in self._smooth:
                self._smooth[shares.length] = np.exp(-0.5 * self.by_features / shares.length**2)
            kernel += shares.features * self._smooth[shares.length]
        return kernel


def shared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(n, m) in how many of k trees, of 0 to 1, the rows of (n, k) and (m, k) leaves fall into the same one; k < 2,041.

    Eight trees are counted at once: as many bytes of a word, of which none overflows.
    """
    trees = a.shape[1]
    counts = np.zeros((len(a), len(b)))
    same = np.zeros((len(b), -(-trees // 8) * 8), bool)
    for i, row in enumerate(a if trees else ()):
        np.equal(b, row, out=same[:, :trees])
        counts[i] = same.view(np.uint64).sum(1).view(np.uint8).reshape(len(b), 8).sum(1)
    return counts / max(trees, 1)


def alike_within(leaves: np.ndarray, before: _Alike | None) -> np.ndarray:
    """`shared(leaves, leaves)`, where the first rows may be those of `before`."""
    n = 0 if before is None else len(before.leaf_ids)
    if before is None or not np.array_equal(leaves[:n], before.leaf_ids):
        return shared(leaves, leaves)
    new = shared(leaves[n:], leaves)
    return np.block([[before.shared, new[:, :n].T], [new]])
