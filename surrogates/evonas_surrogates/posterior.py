"""What the target's own results say: which views to trust, and what no view knows.

The target's score is a weighted sum of the views (each weight normal around a common prior), plus a smooth function of
the features, plus noise: a Gaussian process whose kernel is linear in the views and squared-exponential in views and
features (Rasmussen & Williams 2006, ch. 2). Everything is exact and closed-form, so a few hundred results cost
milliseconds, a view that orders the target's results wrongly gets a weight near zero or below, and the deviation is the
posterior's own. The shares of the parts are weighed by their marginal likelihood.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from scipy.linalg import solve_triangular

KEPT = 4  # shares of the parts that answer, of all that were tried
INTERCEPT = 1.0  # variance of the mean level: the results of a search are no fair sample of the space
LENGTH_OF_VIEWS = 0.7


@dataclass(frozen=True)
class Shares:
    """Variances: `linear` in the views, `views` smooth in them, `features` smooth with `length`; and of the `noise`."""

    linear: float
    views: float
    features: float
    noise: float
    length: float


GRID = tuple(
    Shares(*values)
    for values in product((0.02, 0.15, 0.5), (0.0, 0.3), (0.05, 0.25, 0.8), (0.05, 0.25, 0.6), (0.35, 0.8))
)[::3]


class Posterior:
    """Exact inference from (n, t) standardized views and (n, d) standardized features of the results, and their scores.

    Args:
        V, F: of the results; `t` may be 0.
        z: (n,) normal scores.
        weight: every view's prior weight.
        chosen: the shares to use with their weights; by default those that suit the results best.
    """

    def __init__(
        self,
        V: np.ndarray,
        F: np.ndarray,
        z: np.ndarray,
        weight: float,
        chosen: list[tuple[float, Shares]] | None = None,
    ):
        self.V, self.F, self.weight = V, F, weight
        self._residual = z - weight * V.sum(1)
        self._distances = _Distances(V, F, V, F)
        if chosen is None:
            chosen = self._choose()
        self.chosen = chosen
        self._parts = [(share, shares, *self._factor(shares)[:2]) for share, shares in chosen]

    def __len__(self) -> int:
        return len(self.V)

    def predict(self, V: np.ndarray, F: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(m,) means and (m,) deviations at other views and features."""
        distances = _Distances(V, F, self.V, self.F)
        mean, variance = self.weight * V.sum(1), np.zeros(len(V))
        for share, shares, lower, solved in self._parts:
            kernel = distances.kernel(shares)
            mean = mean + share * (kernel @ solved)
            explained = solve_triangular(lower, kernel.T, lower=True)
            prior = INTERCEPT + shares.linear * (V**2).mean(1) if V.shape[1] else INTERCEPT
            own = prior + (shares.views if V.shape[1] else 0.0) + shares.features
            variance += share * np.maximum(own - (explained**2).sum(0), 1e-9)
        return mean, np.sqrt(variance)

    def view_weights(self) -> np.ndarray:
        """(t,) posterior mean weight of each view."""
        t = self.V.shape[1]
        weights = np.full(t, self.weight)
        for share, shares, _, solved in self._parts:
            weights += share * shares.linear / max(t, 1) * (self.V.T @ solved)
        return weights

    def _choose(self) -> list[tuple[float, Shares]]:
        grid = GRID if self.V.shape[1] else [s for s in GRID if s.linear == 0.02 and s.views == 0]
        evidence = np.array([self._factor(shares)[2] for shares in grid])
        best = np.argsort(-evidence)[:KEPT]
        shares = np.exp(evidence[best] - evidence[best[0]])
        return [(float(share), grid[i]) for share, i in zip(shares / shares.sum(), best, strict=True)]

    def _factor(self, shares: Shares) -> tuple[np.ndarray, np.ndarray, float]:
        """Cholesky factor, solution, log marginal likelihood up to a constant."""
        kernel = self._distances.kernel(shares)
        kernel[np.diag_indices(len(kernel))] += shares.noise
        lower = np.linalg.cholesky(kernel)
        half = solve_triangular(lower, self._residual, lower=True)
        evidence = float(-0.5 * half @ half - np.log(np.diag(lower)).sum())
        return lower, solve_triangular(lower, half, lower=True, trans=1), evidence


class _Distances:
    """Products and distances between two sets of rows, from which the kernel of any shares is made."""

    def __init__(self, V: np.ndarray, F: np.ndarray, V2: np.ndarray, F2: np.ndarray):
        t = V.shape[1]
        self.products = V @ V2.T / t if t else np.zeros((len(V), len(V2)))
        self.by_views = _squared(V, V2) / t if t else None
        self.by_features = _squared(F, F2) / max(F.shape[1], 1)
        self._smooth: dict[float, np.ndarray] = {}

    def kernel(self, shares: Shares) -> np.ndarray:
        if shares.length not in self._smooth:
            self._smooth[shares.length] = np.exp(-0.5 * self.by_features / shares.length**2)
        kernel = INTERCEPT + shares.features * self._smooth[shares.length]
        if self.by_views is not None:
            kernel += shares.linear * self.products
            if shares.views:
                if 0.0 not in self._smooth:
                    self._smooth[0.0] = np.exp(-0.5 * self.by_views / LENGTH_OF_VIEWS**2)
                kernel += shares.views * self._smooth[0.0]
        return kernel


def _squared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.maximum((a**2).sum(1)[:, None] + (b**2).sum(1)[None] - 2 * a @ b.T, 0)
