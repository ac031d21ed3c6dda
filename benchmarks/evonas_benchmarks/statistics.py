"""Statistics of paired seeds: intervals by bootstrap, exact signed-rank tests, Holm's correction.

A seed is the unit: two methods with the same seed met the same data, the same noise and the same budget.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

ALPHA = 0.05
RESAMPLES = 10_000


def mean(values: np.ndarray) -> float:
    """Of the values that are there; NaN where none is."""
    known = np.asarray(values, dtype=float)
    known = known[~np.isnan(known)]
    return float(known.mean()) if len(known) else float("nan")


def interval(values: np.ndarray, level: float = 0.95, resamples: int = RESAMPLES) -> tuple[float, float]:
    """The percentile bootstrap interval of the mean of (n,) values.

    NaN where there are no values; the same values always give the same interval.
    """
    values = np.asarray(values, dtype=float)
    values = values[~np.isnan(values)]
    if not len(values):
        return float("nan"), float("nan")
    rows = np.random.default_rng(0).integers(len(values), size=(resamples, len(values)))
    low, high = np.quantile(values[rows].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


@dataclass(frozen=True)
class Paired:
    """One method against another over the same seeds; `mean` is how much better it is (higher is better).

    `p` is that of Wilcoxon's signed-rank test, two-sided, corrected where several pairs were tested.
    """

    mean: float
    low: float
    high: float
    p: float
    ahead: int
    behind: int
    n: int

    @property
    def verdict(self) -> int:
        """1 for a win, -1 for a loss, 0 where the interval or the test leaves it open."""
        if self.p < ALPHA and self.low > 0:
            return 1
        return -1 if self.p < ALPHA and self.high < 0 else 0


def paired(ours: np.ndarray, theirs: np.ndarray) -> Paired:
    """Both (n,) by seed, higher is better; seeds where either is NaN are left out."""
    difference = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    difference = difference[~np.isnan(difference)]
    low, high = interval(difference)
    return Paired(
        float(difference.mean()) if len(difference) else float("nan"),
        low,
        high,
        signed_rank(difference),
        int((difference > 0).sum()),
        int((difference < 0).sum()),
        len(difference),
    )


def signed_rank(differences: np.ndarray) -> float:
    """The two-sided p of Wilcoxon's signed-rank test (exact for small n); 1 where all differences are zero."""
    from scipy.stats import wilcoxon

    if not np.any(differences):
        return 1.0
    result: Any = wilcoxon(differences[differences != 0])
    return float(result.pvalue)


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's (1979) step-down correction: the chance of any false win among all stays below the level."""
    order = np.argsort(p_values)
    corrected, worst = [1.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        worst = max(worst, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = worst
    return corrected


def against(values: Mapping[str, np.ndarray], reference: str) -> dict[str, Paired]:
    """Every other method against the reference, p-values corrected together. Values are (n,) by seed."""
    others = [method for method in values if method != reference]
    found = [paired(values[method], values[reference]) for method in others]
    corrected = holm([pair.p for pair in found])
    return {m: Paired(**{**vars(pair), "p": p}) for m, pair, p in zip(others, found, corrected, strict=True)}


def leaders(values: Mapping[str, np.ndarray]) -> list[str]:
    """The methods with the best mean, whether or not that means anything; several where they tie."""
    means = {method: mean(v) for method, v in values.items() if not np.isnan(v).all()}
    return [method for method in means if means[method] >= max(means.values()) - 1e-12]


def winner(values: Mapping[str, np.ndarray]) -> str | None:
    """The method that wins against every other one; None where there is none that does."""
    best = leaders(values)
    if len(best) != 1 or len(values) < 2:
        return None
    return best[0] if all(pair.verdict < 0 for pair in against(values, best[0]).values()) else None


def fewest_seeds(comparisons: int, alpha: float = ALPHA) -> int:
    """How many seeds the signed-rank test needs before it can show a win among so many comparisons at all."""
    return int(np.ceil(np.log2(2 * max(1, comparisons) / alpha)))
