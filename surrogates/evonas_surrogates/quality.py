"""How good a ranker is: on held-out results, over the course of a search, and in trainings saved.

Targets are signed so that higher is better; NaN is a failure and ranks last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import kendalltau, norm, rankdata, spearmanr

from evonas.core.optional import Trusting, Uncertain
from evonas.core.ranks import normal_scores

LEVELS = np.arange(0.1, 1.0, 0.1)
LEAST = 3  # results from which a score can be turned into a value


@dataclass(frozen=True)
class Quality:
    """Of predictions for `n` results; NaN where it cannot be said.

    `spearman` and `kendall` (tau-b) are rank correlations, `regret` is how far the best of the predicted top `k` stays
    behind the best, in the target's units. `calibration` is how far the share of results inside the predicted
    intervals is from what their level promises, the mean over levels from .1 to .9 (Kuleshov et al. 2018, ICML):
    0 is perfect, .5 the worst.
    """

    n: int
    spearman: float
    kendall: float
    regret: float
    calibration: float = float("nan")


def quality(
    predicted: np.ndarray,
    y: np.ndarray,
    deviation: np.ndarray | None = None,
    scores: np.ndarray | None = None,
    top: int = 10,
) -> Quality:
    """Of (n,) predictions for (n,) results; `calibration` needs deviations, and the results as scores (`scores_of`)."""
    predicted, ranked = np.asarray(predicted, dtype=float), _failures_last(y)
    calibration = float("nan")
    if deviation is not None and scores is not None and len(predicted):
        calibration = miscalibration(predicted, deviation, scores)
    return Quality(
        len(predicted),
        rank_correlation(predicted, ranked),
        _tau(predicted, ranked),
        top_regret(predicted, ranked, top),
        calibration,
    )


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's; NaN where there are fewer than two, or all of one are equal."""
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.asarray(spearmanr(a, b))[0])


def top_regret(predicted: np.ndarray, y: np.ndarray, top: int = 10) -> float:
    """The best result minus the best among the `top` that were predicted best."""
    if not len(predicted):
        return float("nan")
    best = np.argsort(-np.asarray(predicted), kind="stable")[:top]
    return float(np.max(y) - np.max(np.asarray(y)[best]))


def miscalibration(mean: np.ndarray, deviation: np.ndarray, scores: np.ndarray) -> float:
    """Mean difference between the levels of the central intervals and the share of scores inside."""
    reach = np.abs(scores - mean) / np.maximum(deviation, 1e-12)
    inside = (reach[:, None] <= norm.ppf(0.5 + LEVELS / 2)).mean(0)
    return float(np.abs(inside - LEVELS).mean())


def scores_of(y: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """(n,) results as the normal scores that each would have had among the (m,) results observed already."""
    y, observed = _failures_last(y), np.sort(_failures_last(observed))
    below = (np.searchsorted(observed, y, "left") + np.searchsorted(observed, y, "right")) / 2
    return norm.ppf((below + 1 - 0.375) / (len(observed) + 1.25))


def values_of(scores: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """(n,) scores in the units of the (m,) results observed already: the inverse of their normal scores.

    Beyond the best and the worst it goes on with the mean slope; NaN where fewer than three results differ.
    """
    known = np.asarray(observed, dtype=float)[np.isfinite(observed)]
    places, values = np.unique(normal_scores(known)), np.unique(known)
    if len(values) < LEAST:
        return np.full(len(scores), np.nan)
    slope = known.std() / normal_scores(known).std()
    beyond = np.minimum(scores - places[0], 0) + np.maximum(scores - places[-1], 0)
    return np.interp(scores, places, values) + slope * beyond


# --- over the course of a search


@dataclass(frozen=True)
class Course:
    """A search replayed. `alone` (n,) is what the ranker said before any result; `scores` and `deviations` (n,)
    what it said of each architecture just before its training, `values` the same in the target's units (NaN while
    fewer than three results were in). `trust` is, after so many results, each earlier task's share.
    """

    y: np.ndarray
    alone: np.ndarray
    scores: np.ndarray
    deviations: np.ndarray
    values: np.ndarray
    trust: Sequence[tuple[int, Mapping[str, float]]]


Observed = Callable[[int], tuple[np.ndarray, np.ndarray]]


def course(
    ranker: Any,
    X: np.ndarray,
    y: np.ndarray,
    after: Sequence[int] | None = None,
    looks: int = 200,
    observed: Observed | None = None,
) -> Course:
    """Let a ranker observe a search's (n,) results in their order, and record what it says of each before.

    `after` is how many results were in when each architecture was chosen (all before it, by default). `observed` gives
    the rows that the ranker learned from when so many results were in: all of them, by default. The ranker learns
    anew at most `looks` times; it is left as the last of them made it.
    """
    observed = observed or (lambda k: (X[:k], y[:k]))
    y, n = np.asarray(y, dtype=float), len(y)
    known = np.minimum(np.arange(n) if after is None else np.asarray(after, dtype=int), np.arange(n))
    points = np.unique(np.linspace(0, n, min(n, looks) + 1).astype(int))
    look = points[np.searchsorted(points, known, "right") - 1]
    alone, scores, deviations, values = np.zeros(n), np.zeros(n), np.full(n, np.nan), np.full(n, np.nan)
    trust, says = [], isinstance(ranker, Trusting)
    for k in points.tolist():
        known_X, known_y = observed(k)
        ranker.adapt(known_X, known_y)
        if says:
            trust.append((k, ranker.trust()))
        if k == 0 and n:
            alone, _ = predictions(ranker, X)
        rows = np.flatnonzero(look == k)
        if len(rows):
            scores[rows], deviations[rows] = predictions(ranker, X[rows])
            values[rows] = values_of(scores[rows], known_y)
    return Course(y, alone, scores, deviations, values, trust)


def as_results_arrive(
    ranker: Any, X: np.ndarray, y: np.ndarray, at: Iterable[int] = (0, 10, 20, 50), top: int = 10
) -> dict[int, Quality]:
    """After the first so many results, how well the rest are ranked; points that leave fewer than two are left out."""
    found = {}
    y = np.asarray(y, dtype=float)
    for k in at:
        if len(y) - k < 2:
            continue
        ranker.adapt(X[:k], y[:k])
        mean, deviation = predictions(ranker, X[k:])
        observed = k >= LEAST and np.isfinite(deviation).all()
        found[k] = quality(mean, y[k:], deviation if observed else None, scores_of(y[k:], y[:k]), top)
    return found


def predictions(ranker: Any, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(n,) scores and their deviations; NaN from a ranker that knows no deviation."""
    if isinstance(ranker, Uncertain):
        mean, deviation = ranker.predict_with_deviation(X)
    else:
        mean, deviation = ranker.predict(X), np.full(len(X), np.nan)
    return np.asarray(mean), np.asarray(deviation)


# --- trainings saved


def random_trainings(ranker: Any, X: np.ndarray, y: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """(n,) how many random architectures would have to be trained, in the mean, to find one as good as the best so far.

    An estimate, for nobody trains them: one over the chance that a random architecture is as good, by what the ranker
    thinks of (m, d) random ones once all (n,) results are in, its uncertainty included. It assumes that the ranker is
    right about them. Never more than m; NaN before the first success.
    """
    ranker.adapt(X, y)
    best = _best_so_far(np.asarray(y, dtype=float))
    goals, _ = predictions(ranker, X)
    mean, deviation = predictions(ranker, sample)
    spread = np.where(np.isfinite(deviation), np.maximum(deviation, 1e-9), 1e-9)
    needed = np.full(len(best), np.nan)
    for i in np.unique(best[best >= 0]):
        chance = float(norm.sf((goals[i] - mean) / spread).mean())
        needed[best == i] = min(1 / max(chance, 1e-12), len(sample))
    return np.fmax.accumulate(needed) if len(needed) else needed


def _best_so_far(y: np.ndarray) -> np.ndarray:
    """(n,) where the best result so far is; -1 before the first success."""
    found, best = np.full(len(y), -1), -1
    for i, value in enumerate(y):
        if np.isfinite(value) and (best < 0 or value > y[best]):
            best = i
        found[i] = best
    return found


def _failures_last(y: np.ndarray) -> np.ndarray:
    """(n,) with a failure as bad as the worst success."""
    y = np.asarray(y, dtype=float)
    finite = np.isfinite(y)
    return np.where(finite, y, y[finite].min() if finite.any() else 0.0)


def _tau(a: np.ndarray, b: np.ndarray) -> float:
    if len(a) < 2 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return float("nan")
    return float(np.asarray(kendalltau(a, b))[0])


def ranks(values: np.ndarray) -> np.ndarray:
    """(n,) ranks, 1 is the highest; ties share their mean."""
    return rankdata(-np.asarray(values, dtype=float))
