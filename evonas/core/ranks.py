"""Targets by rank: what makes results of different tasks comparable."""

from __future__ import annotations

import numpy as np
from scipy.stats import norm, rankdata


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
