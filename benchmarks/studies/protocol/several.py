"""What the searches for several objectives, and under limits, reach beside what they were built to reach: a page of
recorded results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from evonas.core.errors import EvonasError
from evonas_benchmarks.analysis import grids, reading
from evonas_benchmarks.analysis.grids import first, grid
from evonas_benchmarks.analysis.ranking import reference_trials
from evonas_benchmarks.analysis.statistics import Paired, against, resampled
from evonas_benchmarks.analysis.summary import at_looks
from evonas_benchmarks.pages.text import figure, how_made, markdown, trials_needed

RANDOM = "random"
SUITES = {  # and the method that is judged
    "nasbench201-mo": "nsga2+meta",
    "nasbench-graph-mo": "nsga2+meta",
    "nasbench201-limit": "evolution+meta",
    "nasbench-graph-limit": "evolution+meta",
}
PEERS = ("optuna-nsga2", "optuna-tpe", "optuna-mtpe", "pymoo-nsga2", "syne-rea", "smac")  # that take both
TRIALS, GIVEN = 100, 500  # trials of all methods, and of random search, whose hypervolume is to be reached
EQUAL = 1e-12  # shares that differ by less
NEEDED, SHARE_AFTER, SHARE = (60, 25), 100, 0.98  # trainings for that: bar and aim; hypervolume: aim
REGRET_AFTER, RATIO = 50, (0.5, 0.25)  # of the best peer's regret under limits: bar and aim


def page(out: Path, peers: Sequence[str]) -> str:
    """Empty where nothing has been run."""
    parts, runs = [], []
    for suite, ours in SUITES.items():
        try:
            curves = reading.read_curves(out / suite)
        except EvonasError:
            continue
        if ours in set(curves.method):
            part = _front(curves, ours, peers) if suite.endswith("-mo") else _limited(curves, ours, peers)
            parts.append(f"## {suite}\n\n{part}")
            runs += reading.read_runs(out / suite)
    if not parts:
        return ""
    lead = (
        "Leave one task out; each earlier task is known by 1,000 random architectures drawn by seed. Intervals are "
        "95 % bootstrap intervals over seeds; better and worse are what interval and signed-rank test both show."
    )
    return "\n\n".join(["# Several objectives, and limits", lead, *parts, "## How it was made", how_made({}, runs)])


def _front(curves: pd.DataFrame, ours: str, peers: Sequence[str]) -> str:
    """Against random search that had GIVEN trials, and against all peers after SHARE_AFTER."""
    said = []
    given = reference_trials(curves)
    if given >= GIVEN:
        rows = [_needed(curves, ours, task) for task in [*map(str, curves.task.unique()), None]]
        head = ["task", f"random after {GIVEN}", "median trainings", "slowest seed", "over all seeds", "bar", "aim"]
        said.append(
            f"Trainings that {ours} needs for the mean share of the front's hypervolume that random search has after "
            f"{GIVEN}; over all seeds: until the mean of its seeds is there.\n\n{markdown(head, rows)}"
        )
    trials = grids.common_trials(curves)
    looks = [look for look in (10, 20, 50, SHARE_AFTER) if look <= trials]
    regret = grids.mean_regret(curves, trials)
    if SHARE_AFTER in looks:
        share = {method: 1 - values for method, values in regret.items()}
        pairs = against({method: values[:, SHARE_AFTER - 1] for method, values in share.items()}, ours)
        rows = [
            [method, str(_seeds(share[method])), *(_at(share[method], look) for look in looks), _verdict(pairs, method)]
            for method in sorted(share, key=lambda one: -float(np.nanmean(share[one][:, SHARE_AFTER - 1])))
        ]
        head = ["method", "seeds", *(f"after {look}" for look in looks), f"{ours} after {SHARE_AFTER}"]
        open_to = [method for method in share if method in peers and pairs[method].verdict >= 0]
        said.append(
            f"Share of the hypervolume of the table's front, mean over tasks (aim after {SHARE_AFTER}: {SHARE:g}).\n\n"
            f"{markdown(head, rows)}\n\n{_summed_up(open_to, ours, [one for one in share if one in peers])}"
        )
    return "\n\n".join(said)


def _needed(curves: pd.DataFrame, ours: str, task: str | None) -> list[str]:
    """A row of the table: on one task, or by the mean over all of them."""
    its, mine = grids.of_methods(curves, [RANDOM]), grids.of_methods(curves, [ours])
    most = int(mine.budget.min())
    if task is None:
        slow, fast = grids.mean_regret(its, GIVEN)[RANDOM], grids.mean_regret(mine, most)[ours]
    else:
        slow, fast = grid(its, task, "regret", GIVEN)[RANDOM], grid(mine, task, "regret", most)[ours]
    level = float(np.nanmean(slow[:, GIVEN - 1])) + EQUAL
    fast = fast[np.isfinite(fast).all(axis=1)]
    needed = np.array([first(row <= level) for row in fast])
    by_mean = first(fast.mean(axis=0) <= level)
    spread = [first(row <= level) for row in resampled(fast, 1000)]
    low, high = np.quantile(spread, [0.025, 0.975], method="nearest")
    return [
        task or "all, by the mean over tasks",
        f"{1 - level:.3f}",
        trials_needed(float(np.median(needed)), most),
        trials_needed(float(needed.max()), most),
        f"{trials_needed(by_mean, most)} ({trials_needed(float(low), most)} to {trials_needed(float(high), most)})",
        *(f"≤ {goal}" for goal in NEEDED),
    ]


def _limited(curves: pd.DataFrame, ours: str, peers: Sequence[str]) -> str:
    """Regret among the networks that keep the limit, and the share of trainings that were of such."""
    trials = grids.common_trials(curves)
    looks = [look for look in (10, 20, REGRET_AFTER, 100) if look <= trials]
    regret = grids.mean_regret(curves, trials)
    kept = {
        method: np.mean([grid(curves, task, "kept", trials)[method] for task in map(str, curves.task.unique())], axis=0)
        for method in regret
    }
    pairs = against({method: -values[:, REGRET_AFTER - 1] for method, values in regret.items()}, ours)
    rows = [
        [
            method,
            str(_seeds(regret[method])),
            *(_at(regret[method], look) for look in looks),
            f"{np.nanmean(kept[method][:, trials - 1]):.1%}",
            _verdict(pairs, method),
        ]
        for method in sorted(regret, key=lambda one: float(np.nanmean(regret[one][:, REGRET_AFTER - 1])))
    ]
    head = ["method", "seeds", *(f"after {look}" for look in looks), "kept the limit", f"{ours} after {REGRET_AFTER}"]
    said = f"Regret among the networks that keep the limit, mean over tasks.\n\n{markdown(head, rows)}"
    there = [method for method in regret if method in peers]
    if there:
        best = min(there, key=lambda one: float(np.nanmean(regret[one][:, REGRET_AFTER - 1])))
        both = np.isfinite(regret[ours][:, REGRET_AFTER - 1]) & np.isfinite(regret[best][:, REGRET_AFTER - 1])
        means = resampled(np.stack([regret[one][both, REGRET_AFTER - 1] for one in (ours, best)], axis=1), 10_000)
        ratio = float(np.mean(regret[ours][both, REGRET_AFTER - 1]) / np.mean(regret[best][both, REGRET_AFTER - 1]))
        low, high = np.quantile(means[:, 0] / means[:, 1], [0.025, 0.975])
        said += (
            f"\n\nAfter {REGRET_AFTER} the regret of {ours} is {ratio:.2f} ({low:.2f} to {high:.2f}, {both.sum()} "
            f"seeds) of that of {best}, the best peer: bar {RATIO[0]:g}, aim {RATIO[1]:g}. A peer pays for a network "
            "that breaks the limit, where ours is told what it costs before training."
        )
    return said


def _verdict(pairs: Mapping[str, Paired], method: str) -> str:
    if method not in pairs:
        return ""
    pair = pairs[method]  # how much better than ours
    word = {1: "worse", 0: "not told apart", -1: "better"}[pair.verdict]
    return f"{word}: {-pair.mean:+.3f} ({-pair.high:+.3f} to {-pair.low:+.3f}, {pair.n} seeds)"


def _summed_up(open_to: Sequence[str], ours: str, there: Sequence[str]) -> str:
    if not there:
        return "No peer has been run."
    if open_to:
        return f"**{ours} is not better beyond chance than {', '.join(open_to)}.**"
    return f"{ours} is better beyond chance than each of the {len(there)} peers."


def _at(values: np.ndarray, look: int) -> str:
    return figure(at_looks(values, [look])[str(look)])


def _seeds(values: np.ndarray) -> int:
    return int(np.isfinite(values[:, -1]).sum())
