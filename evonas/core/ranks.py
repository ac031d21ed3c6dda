"""Targets by rank: what makes results of different tasks comparable."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm, rankdata

TOP = 0.25  # share of the results whose spread says how much better than the best a result may be


def normal_scores(values: np.ndarray) -> np.ndarray:
    """(n,) normal scores of the ranks within one task (Blom 1958), higher is better; ties share their mean rank.

    NaN, a failure, ranks with the worst. All equal gives zeros.
    """
    values = np.asarray(values, dtype=float)
    if len(values) == 0:
        return values
    finite = np.isfinite(values)
    worst = values[finite].min() if finite.any() else 0.0
    ranks = rankdata(np.where(finite, values, worst - 1.0 if (~finite).any() else worst))
    scores = norm.ppf((ranks - 0.375) / (len(values) + 0.25))
    return np.where(np.isfinite(scores), scores, 0.0)


class Quantiles:
    """From normal scores to values by the (r,) results, NaN of failures; beyond the best as steeply as among the top
    ones."""

    def __init__(self, values: np.ndarray):
        there = np.isfinite(values)
        scores = normal_scores(values)[there]
        order = np.argsort(scores, kind="stable")
        self._scores, self._values = scores[order], values[there][order]
        if there.any():
            top = int((1 - TOP) * (len(order) - 1))
            rise = self._values[-1] - self._values[top]
            self._slope = rise / max(self._scores[-1] - self._scores[top], 1e-9)

    def __call__(self, scores: np.ndarray) -> np.ndarray:
        """(n,) values of (n,) normal scores."""
        beyond = np.maximum(scores - self._scores[-1], 0.0)
        return np.interp(scores, self._scores, self._values) + self._slope * beyond
