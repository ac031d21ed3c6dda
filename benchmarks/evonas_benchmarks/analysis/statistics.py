"""Statistics of paired seeds: intervals by bootstrap, exact signed-rank tests, Holm's correction.

A seed is the unit: two methods with the same seed met the same data, the same noise and the same budget. Arrays hold
NaN for a seed that a method does not have: its own figures leave it out, and so does every pair it is in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
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
    low, high = intervals(values[~np.isnan(values)][:, None], level, resamples)
    return float(low[0]), float(high[0])


def intervals(values: np.ndarray, level: float = 0.95, resamples: int = RESAMPLES) -> tuple[np.ndarray, np.ndarray]:
    """The same of each column of (n, k) values, with the same resamples: a band."""
    if not len(values):
        return np.full(values.shape[1], np.nan), np.full(values.shape[1], np.nan)
    means = resampled(values, resamples)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return low, high


def resampled(values: np.ndarray, resamples: int = RESAMPLES) -> np.ndarray:
    """(resamples, k) means of (n, k) values, rows drawn with replacement; always the same rows for one n."""
    return _shares(len(values), resamples) @ values


@lru_cache(maxsize=16)
def _shares(n: int, resamples: int) -> np.ndarray:
    """(resamples, n) how large a share of a resample each row is."""
    rows = np.random.default_rng(0).integers(n, size=(resamples, n))
    counts = np.zeros((resamples, n))
    np.add.at(counts, (np.arange(resamples)[:, None], rows), 1.0)
    return counts / n


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


def paired(ours: np.ndarray, theirs: np.ndarray, level: float = 0.95) -> Paired:
    """Both (n,) by seed, higher is better; seeds where either is NaN are left out. `level` is the interval's."""
    difference = np.asarray(ours, dtype=float) - np.asarray(theirs, dtype=float)
    difference = difference[~np.isnan(difference)]
    low, high = interval(difference, level)
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
    """The two-sided p of Wilcoxon's signed-rank test, zeros left out; 1 where all differences are zero.

    Exact up to 50 seeds, also where differences tie, as those of average ranks do: there scipy takes the normal
    approximation, whose smallest p, corrected for all pairs of twenty methods, cannot show anything with 14 seeds.
    """
    from scipy.stats import rankdata, wilcoxon

    differences = differences[differences != 0]
    if not len(differences):
        return 1.0
    if len(differences) > 50:
        result: Any = wilcoxon(differences)
        return float(result.pvalue)
    ranks = (2 * rankdata(np.abs(differences))).astype(int)  # twice, for ties have halves
    chances = np.zeros(ranks.sum() + 1)  # of each sum of the ranks that are positive, every sign being a coin
    chances[0] = 1.0
    for rank in ranks:
        chances[rank:] = chances[rank:] / 2 + chances[: len(chances) - rank] / 2
        chances[:rank] /= 2
    positive = int(ranks[differences > 0].sum())
    return float(min(1.0, 2 * min(chances[: positive + 1].sum(), chances[positive:].sum())))


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


def among_best(values: Mapping[str, np.ndarray]) -> list[str]:
    """The one with the best mean, and all that are not worse than it beyond chance; of those that have seeds enough."""
    values = {method: values[method] for method in enough(values)}
    first = leaders(values)[:1]
    worse = [m for m, pair in against(values, first[0]).items() if pair.verdict < 0] if first else []
    return [m for m in values if m not in worse]


def enough(values: Mapping[str, np.ndarray]) -> list[str]:
    """The methods with so many seeds that a test could show a difference among them all.

    Where no method has, those with the most. A method with two seeds neither leads nor hides what the others show.
    """
    counts = {method: int((~np.isnan(v)).sum()) for method, v in values.items()}
    least = max(1, min(max(counts.values(), default=0), fewest_seeds(len(counts) - 1)))
    return [method for method, count in counts.items() if count >= least]


def winner(values: Mapping[str, np.ndarray]) -> str | None:
    """The method that wins against every other one; None where there is none that does."""
    best = leaders(values)
    if len(best) != 1 or len(values) < 2:
        return None
    return best[0] if all(pair.verdict < 0 for pair in against(values, best[0]).values()) else None


def fewest_seeds(comparisons: int, alpha: float = ALPHA) -> int:
    """How many seeds the signed-rank test needs before it can show a win among so many comparisons at all."""
    return int(np.ceil(np.log2(2 * max(1, comparisons) / alpha)))
