"""Many methods at once: average ranks with Friedman's test, pairs, profiles, and speed-up over random search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from evonas_benchmarks.analysis.grids import all_seeds, grid, mean_regret
from evonas_benchmarks.analysis.statistics import enough, holm, resampled, signed_rank


@dataclass(frozen=True)
class Ranking:
    """Average ranks, 1 is best: among all methods on each task with each seed, then over tasks and seeds.

    A seed is a block: its ranks are averaged over the tasks. `friedman` is the p of Friedman's test over `seeds`
    blocks (NaN with fewer than three methods); `p_values[a, b]` that of Wilcoxon's signed-rank test, by Holm.
    """

    ranks: Mapping[str, float]
    friedman: float
    p_values: pd.DataFrame
    seeds: int


def ranking(curves: pd.DataFrame, trials: int) -> Ranking | None:
    """At the end of the budget, of the methods that have seeds enough, over the seeds that all of these have.

    None where there is nothing to rank.
    """
    from scipy.stats import friedmanchisquare, rankdata

    final = _finals(curves, trials)
    if final is None or len(final[0]) < 2:
        return None
    methods, values = final  # (tasks, seeds, methods)
    ranked = enough(dict(zip(methods, values.mean(axis=0).T, strict=True)))
    methods, values = ranked, values[:, :, [methods.index(method) for method in ranked]]
    if len(methods) < 2:
        return None
    values = values[:, ~np.isnan(values).any(axis=(0, 2))]
    if not values.shape[1]:
        return None
    by_seed = rankdata(values.round(12), axis=2).mean(axis=0)
    differ = len(methods) > 2 and len(by_seed) > 1 and np.ptp(by_seed, axis=1).any()
    test: Any = friedmanchisquare(*by_seed.T) if differ else None
    pairs = list(combinations(range(len(methods)), 2))
    corrected = holm([signed_rank((by_seed[:, a] - by_seed[:, b]).round(12)) for a, b in pairs])
    p_values = pd.DataFrame(1.0, index=methods, columns=methods)
    for (a, b), p in zip(pairs, corrected, strict=True):
        p_values.iloc[a, b] = p_values.iloc[b, a] = p
    order = sorted(zip(by_seed.mean(axis=0), methods, strict=True))
    return Ranking({m: float(r) for r, m in order}, float(test.pvalue) if test else np.nan, p_values, len(by_seed))


def _finals(curves: pd.DataFrame, trials: int) -> tuple[list[str], np.ndarray] | None:
    """Methods that have every task, and their final regrets: (tasks, seeds, methods)."""
    methods = list(mean_regret(curves, trials))
    tasks = map(str, curves[curves.regret.notna()].task.unique())
    grids = [grid(curves, task, "regret", trials) for task in tasks]
    return (methods, np.stack([[one[m][:, -1] for m in methods] for one in grids]).swapaxes(1, 2)) if methods else None


def profile(curves: pd.DataFrame, trials: int, taus: np.ndarray) -> dict[str, np.ndarray]:
    """Method -> (taus,) the share of runs whose final regret is at most tau (Agarwal et al. 2021, NeurIPS)."""
    final = _finals(curves, trials)
    if final is None:
        return {}
    methods, values = final
    runs = {m: values[:, :, i].ravel() for i, m in enumerate(methods)}
    return {m: (v[~np.isnan(v)][:, None] <= taus + 1e-12).mean(axis=0) for m, v in runs.items()}


class SpeedUp(NamedTuple):
    """Trainings random search needs for the same mean regret ÷ ours, with the interval by bootstrap over seeds.

    Infinite where it does not get there within what it was given: then the ratio is more than `most`.
    """

    ratio: float
    low: float
    high: float
    most: float


def speed_up(
    curves: pd.DataFrame, trials: int, looks: Sequence[int], reference: str = "random"
) -> dict[str, dict[int, SpeedUp]]:
    """Method -> trials -> how much faster than the reference, which may have been given more trials than `trials`.

    Over the seeds that both have.
    """
    overall = mean_regret(curves, trials)
    if reference not in overall:
        return {}
    given = reference_trials(curves, reference)
    its: Any = curves[curves.method == reference]
    slow = pd.DataFrame(mean_regret(its, given)[reference], index=all_seeds(its)).reindex(all_seeds(curves)).to_numpy()
    found: dict[str, dict[int, SpeedUp]] = {}
    for method in overall:
        both = ~(np.isnan(overall[method]).any(axis=1) | np.isnan(slow).any(axis=1))
        if method == reference or not both.any():
            continue
        ours, theirs = overall[method][both], slow[both]
        means, bases = resampled(ours, 1000), resampled(theirs, 1000)
        found[method] = {}
        for look in looks:
            point = _first_at(theirs.mean(axis=0)[None], ours.mean(axis=0)[look - 1 : look])[0] / look
            spread = _first_at(bases, means[:, look - 1]) / look
            low, high = np.quantile(spread, [0.025, 0.975], method="nearest")
            found[method][look] = SpeedUp(float(point), float(low), float(high), given / look)
    return found


def reference_trials(curves: pd.DataFrame, reference: str = "random") -> int:
    """The trials that each of its benchmark runs was given; 0 where it has none."""
    given = curves.budget[curves.method == reference]
    return int(given.min()) if len(given) else 0


def _first_at(curves: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """(n,) the first trial at which each of (n, trials) falling curves is as low as its level; infinite where never."""
    there = curves <= levels[:, None] + 1e-12
    return np.where(there.any(axis=1), there.argmax(axis=1) + 1.0, np.inf)
