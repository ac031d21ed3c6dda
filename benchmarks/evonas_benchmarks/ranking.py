"""Many methods at once: average ranks with Friedman's test, pairs, profiles, and speed-up over random search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from evonas_benchmarks.statistics import holm, paired
from evonas_benchmarks.summary import grid, mean_regret


@dataclass(frozen=True)
class Ranking:
    """Average ranks over blocks (task, seed), 1 is best; `p_values[a, b]` of pairs of seeds' mean regrets, by Holm.

    `friedman` is the p of Friedman's test; NaN where there are fewer than three methods.
    """

    ranks: Mapping[str, float]
    friedman: float
    p_values: pd.DataFrame
    blocks: int


def ranking(curves: pd.DataFrame, trials: int) -> Ranking | None:
    """At the end of the budget. None where there is nothing to rank."""
    from scipy.stats import friedmanchisquare, rankdata

    overall = mean_regret(curves, trials)
    if len(overall) < 2:
        return None
    methods = list(overall)
    kept: Any = curves[curves.method.isin(methods) & curves.regret.notna()]
    tasks = [grid(kept, str(task), "regret", trials) for task in kept.task.unique()]
    final = np.concatenate([np.stack([one[m][:, -1] for m in methods], axis=1) for one in tasks])
    ranks = rankdata(final.round(12), axis=1).mean(axis=0)
    differ = len(methods) > 2 and np.ptp(final, axis=1).any()
    test: Any = friedmanchisquare(*final.T) if differ else None
    pairs = list(combinations(methods, 2))
    corrected = holm([paired(overall[a][:, -1], overall[b][:, -1]).p for a, b in pairs])
    p_values = pd.DataFrame(1.0, index=methods, columns=methods)
    for (a, b), p in zip(pairs, corrected, strict=True):
        p_values.loc[a, b] = p_values.loc[b, a] = p
    order = sorted(zip(ranks, methods, strict=True))
    return Ranking(
        {method: float(rank) for rank, method in order}, float(test.pvalue) if test else np.nan, p_values, len(final)
    )


def cliques(found: Ranking, alpha: float = 0.05) -> list[list[str]]:
    """Runs of neighbours in rank of whom no pair differs significantly; only the largest."""
    methods = list(found.ranks)
    runs: list[tuple[int, int]] = []
    for i in range(len(methods)):
        j = i
        while j + 1 < len(methods) and all(
            found.p_values.loc[methods[k], methods[j + 1]] >= alpha for k in range(i, j + 1)
        ):
            j += 1
        if j > i and not any(a <= i and j <= b for a, b in runs):
            runs.append((i, j))
    return [methods[a : b + 1] for a, b in runs]


def profile(curves: pd.DataFrame, trials: int, taus: np.ndarray) -> dict[str, np.ndarray]:
    """Method -> (taus,) the share of runs whose final regret is at most tau (Agarwal et al. 2021, NeurIPS)."""
    overall = mean_regret(curves, trials)
    kept: Any = curves[curves.method.isin(list(overall)) & curves.regret.notna()]
    grids = [grid(kept, str(task), "regret", trials) for task in kept.task.unique()]
    return {m: (np.concatenate([one[m][:, -1] for one in grids])[:, None] <= taus).mean(axis=0) for m in overall}


def speed_up(
    curves: pd.DataFrame, trials: int, looks: list[int], reference: str = "random"
) -> dict[str, dict[int, Any]]:
    """Method -> trials -> (trainings random needs for the same mean regret ÷ ours, low, high), by bootstrap over seeds.

    Infinite where random search does not get there within what it was given: then the ratio is more than
    `trials / look`.
    """
    overall = mean_regret(curves, trials)
    if reference not in overall:
        return {}
    theirs = overall[reference]
    rows = np.random.default_rng(0).integers(len(theirs), size=(1000, len(theirs)))
    base, bases = theirs.mean(axis=0), theirs[rows].mean(axis=1)
    found: dict[str, dict[int, Any]] = {}
    for method, values in overall.items():
        if method == reference:
            continue
        means = values[rows].mean(axis=1)
        found[method] = {}
        for look in looks:
            point = _first_at(base[None], values.mean(axis=0)[look - 1 : look])[0] / look
            spread = _first_at(bases, means[:, look - 1]) / look
            low, high = np.quantile(spread, [0.025, 0.975], method="nearest")
            found[method][look] = (float(point), float(low), float(high))
    return found


def _first_at(curves: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """(n,) the first trial at which each of (n, trials) falling curves is as low as its level; infinite where never."""
    there = curves <= levels[:, None] + 1e-12
    return np.where(there.any(axis=1), there.argmax(axis=1) + 1.0, np.inf)
