"""What the target's own results say: which source models to trust, and what no source model knows.

The target's score is a weighted sum of the source models, one of each earlier task (each weight normal around a common
prior), plus a function of the leaves that a genome falls into in their trees, plus a smooth function of its features,
plus noise: a Gaussian process (Rasmussen & Williams 2006, ch. 2). Two genomes are alike by their leaves where few trees
separate them (the forest kernel of Davies & Ghahramani 2014, squared), so earlier tasks say *what matters* even where
they are wrong about *what is good*: a source model that is negated separates the same genomes.

Everything is exact and closed-form, so a few hundred results cost milliseconds, a source model that orders the target's
results wrongly gets a weight near zero or below, and the deviation is the posterior's own. Of more than `MOST` results
the best are kept and a fair sample of the others, all with their scores among all, so that later steps cost no more.
With source models the shares of the parts are given: a few dozen results, all of them from near the top, choose worse
ones than what held on other tasks (and doubt a source model that misleads later). Without, they are weighed by their
marginal likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from itertools import product

import numpy as np
from scipy.linalg import solve_triangular

MOST = 256  # results that a posterior is made from
KEPT = 4  # shares of the parts that answer, of all that were tried, where there are no source models
GOLDEN = (5**0.5 - 1) / 2
LITTLE = 1e-5  # variance that a draw has besides
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

    def __getitem__(self, chosen: slice | np.ndarray) -> Inputs:
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
        rows: of the n results; there may be no source models.
        z: (n,) normal scores.
        weight: every source model's prior weight.
        chosen: the shares to use with their weights, where there are no source models; by default those
            that suit the results.
        before: the posterior of the first of these results: what is alike is not counted anew.
    """

    def __init__(
        self,
        rows: Inputs,
        z: np.ndarray,
        weight: float,
        chosen: list[tuple[float, Shares]] | None = None,
        before: Posterior | None = None,
    ):
        self.places = representatives(z)
        self.rows, self.weight, self.best = rows[self.places], weight, float(z.max())
        self._residual = z[self.places] - weight * self.rows.sources.sum(1)
        self._shared_with = SharedLeaves(self.rows.leaves)
        self._alike = _Alike(self.rows, self.rows, self._shared(before))
        if chosen is None:
            chosen = self._choose()
        self.chosen = chosen
        self._parts = [(share, shares, *self._factor(shares)[:2]) for share, shares in chosen]

    def predict(self, rows: Inputs) -> tuple[np.ndarray, np.ndarray]:
        """(m,) means and (m,) deviations of others."""
        alike = _Alike(rows, self.rows, self._shared_with(rows.leaves))
        mean, variance = self.weight * rows.sources.sum(1), np.zeros(len(rows))
        for share, shares, lower, solved in self._parts:
            kernel = alike.kernel(shares)
            mean = mean + share * (kernel @ solved)
            explained = solve_triangular(lower, kernel.T, lower=True, check_finite=False)
            own = INTERCEPT + shares.leaves + shares.features
            if rows.sources.shape[1]:
                own = own + shares.linear * (rows.sources**2).mean(1)
            variance += share * np.maximum(own - (explained**2).sum(0), 1e-9)
        return mean, np.sqrt(variance)

    def draw(self, rows: Inputs, rng: np.random.Generator) -> np.ndarray:
        """(m,) scores of others by one draw of the function that they are the values of."""
        alike, own = _Alike(rows, self.rows, self._shared_with(rows.leaves)), _alike_among(rows)
        mean, covariance = self.weight * rows.sources.sum(1), np.zeros((len(rows), len(rows)))
        for share, shares, lower, solved in self._parts:
            kernel = alike.kernel(shares)
            mean = mean + share * (kernel @ solved)
            explained = solve_triangular(lower, kernel.T, lower=True, check_finite=False)
            covariance += share * (own.kernel(shares) - explained.T @ explained)
        return _drawn(mean, covariance, rng)

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

    def _shared(self, before: Posterior | None) -> np.ndarray:
        """(n, n) in how many trees, of 0 to 1, two of the results fall into the same leaf."""
        if before is None:
            return self._shared_with(self.rows.leaves)
        _, here, there = np.intersect1d(self.places, before.places, assume_unique=True, return_indices=True)
        new = np.delete(np.arange(len(self.places)), here)
        counted = np.empty((len(self.places), len(self.places)))
        counted[np.ix_(here, here)] = before._alike.shared[np.ix_(there, there)]
        counted[new] = self._shared_with(self.rows.leaves[new])
        counted[:, new] = counted[new].T
        return counted

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
        half = solve_triangular(lower, self._residual, lower=True, check_finite=False)
        evidence = float(-0.5 * half @ half - np.log(np.diag(lower)).sum())
        return lower, solve_triangular(lower, half, lower=True, trans=1, check_finite=False), evidence


def prior_draw(rows: Inputs, weight: float, rng: np.random.Generator) -> np.ndarray:
    """(m,) scores by one draw before there are results, by source models of this prior weight."""
    return _drawn(weight * rows.sources.sum(1), _alike_among(rows).kernel(WITH_VIEWS), rng)


def _drawn(mean: np.ndarray, covariance: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A draw from a normal distribution; like rows make its covariance singular, hence a little more of variance."""
    covariance[np.diag_indices(len(mean))] += LITTLE
    return mean + np.linalg.cholesky(covariance) @ rng.normal(size=len(mean))


class _Alike:
    """How alike two sets of rows are, part by part, from which the kernel of any shares is made."""

    def __init__(self, a: Inputs, b: Inputs, leaves: np.ndarray):
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


def _alike_among(rows: Inputs) -> _Alike:
    return _Alike(rows, rows, SharedLeaves(rows.leaves)(rows.leaves))


class SharedLeaves:
    """Counts in how many of k trees others fall into the same leaf as n rows do, from their (n, k) leaves.

    Leaves are compared as bits, 64 trees at once: two rows differ in a tree where any bit of its leaf does.
    """

    def __init__(self, leaves: np.ndarray):
        self.trees = leaves.shape[1]
        self._bits = _bits(leaves)

    def __call__(self, leaves: np.ndarray) -> np.ndarray:
        """(m, n) in how many trees, of 0 to 1, rows of (m, k) leaves and the n share theirs."""
        bits = _bits(leaves)
        used = [bit for bit in range(8) if bits[bit].any() or self._bits[bit].any()]
        differ = np.zeros((len(leaves), self._bits.shape[2]), np.intp)
        for word in range(bits.shape[1]):
            of_word = np.zeros(differ.shape, np.uint64)
            for bit in used:
                of_word |= bits[bit, word][:, None] ^ self._bits[bit, word]
            differ += np.bitwise_count(of_word)
        return (self.trees - differ) / max(self.trees, 1)


def _bits(leaves: np.ndarray) -> np.ndarray:
    """(8, words, n): each bit of (n, k) leaves of 0 to 255, 64 trees a word."""
    n, trees = leaves.shape
    words = -(-trees // 64)
    padded = np.zeros((n, words * 64), np.uint8)
    padded[:, :trees] = leaves
    packed = [np.packbits(padded >> bit & 1, axis=1).view(np.uint64).reshape(n, words).T for bit in range(8)]
    return np.ascontiguousarray(packed)


def representatives(z: np.ndarray) -> np.ndarray:
    """Places, ascending, of at most `MOST` of (n,) results: the better half of these are the best ones there are, the
    other half are spread evenly over the times when the others came, and mostly stay the same as more come."""
    if len(z) <= MOST:
        return np.arange(len(z))
    order = np.argsort(-z, kind="stable")
    best, others = order[: MOST // 2], order[MOST // 2 :]
    spread = np.argsort(others * GOLDEN % 1, kind="stable")  # their first m are spread evenly for any m
    return np.sort(np.concatenate([best, others[spread[: MOST - MOST // 2]]]))
