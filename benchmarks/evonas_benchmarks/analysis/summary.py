"""All figures of a suite, made of its curves: curves.parquet and summary.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evonas.core.files import whole, write_text
from evonas_benchmarks.analysis.grids import (
    all_seeds,
    at_seconds,
    common_trials,
    first,
    grid,
    mean_regret,
    seconds_levels,
)
from evonas_benchmarks.analysis.statistics import Paired, against, among_best, interval, intervals, mean
from evonas_benchmarks.run.measures import FURTHER

COLUMNS = ("suite", "task", "method", "seed", "trial", "value", "best", "regret", "test", "seconds", "overhead")
MILESTONES = (5, 10, 20, 50, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10_000)


def summarize(
    curves: pd.DataFrame,
    suite: Mapping[str, Any],
    failed: Mapping[str, str] | None = None,
    runs: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """All figures of a suite, as JSON has them.

    `low` and `high` are the 95 % bootstrap interval of the mean over seeds. Each method's figures are of the `n` seeds
    that it has; a comparison's are of the seeds that both have.
    """
    trials = common_trials(curves)
    looks = milestones(trials)
    tasks = {str(task): _task(curves, str(task), trials, looks) for task in curves.task.unique()}
    last = runs[-1] if runs else {}
    return {
        "suite": {**suite, "description": last.get("description", "")},
        "trials": trials,
        "seeds": all_seeds(curves),
        "milestones": looks,
        "tasks": tasks,
        "overall": _overall(curves, trials, looks),
        "failed_runs": dict(failed or {}),
        "versions": last.get("versions", {}),
        "hardware": last.get("hardware", ""),
        "command": last.get("command", ""),
        "runs": list(runs),
    }


def milestones(trials: int) -> list[int]:
    return sorted({*(look for look in MILESTONES if look <= trials), trials})


def _task(curves: pd.DataFrame, task: str, trials: int, looks: Sequence[int]) -> dict[str, Any]:
    """Method -> its figures on one task."""
    figures = ["regret", "best", "test", *(name for name in FURTHER if name in curves)]
    columns = {name: grid(curves, task, name, trials) for name in (*figures, "seconds")}
    mine: Any = curves[(curves.task == task) & (curves.trial <= trials)]
    overhead: Any = mine[["method", "seed", "own"]].drop_duplicates().groupby("method", observed=True).own.median()
    levels = seconds_levels(columns["seconds"])
    column, sign = ("regret", -1.0) if _has(np.concatenate([*columns["regret"].values()])) else ("best", 1.0)
    if column == "best" and not mine.maximize.all():
        sign = -1.0
    best = among_best({m: sign * values[:, -1] for m, values in columns[column].items()})
    found = {}
    for method in columns["best"]:
        regret, seconds = columns["regret"][method], columns["seconds"][method]
        reached = np.array([first(row <= 1e-12) for row in regret if np.isfinite(row[-1])])
        found[method] = {
            "seeds": int((~np.isnan(columns["best"][method])).any(axis=1).sum()),
            **{name: at_looks(columns[name][method], looks) for name in figures},
            "regret_at_seconds": {
                f"{level:.6g}": with_interval(at_seconds(regret, seconds, level)) for level in levels
            },
            "median_trials_to_best": _plain(float(np.median(reached))) if len(reached) else None,
            "share_that_reached_best": _plain(float(np.mean(np.isfinite(reached)))) if len(reached) else None,
            "median_overhead": _plain(float(overhead[method])),
            "among_best": method in best,
        }
    return found


def _overall(curves: pd.DataFrame, trials: int, looks: Sequence[int]) -> dict[str, Any]:
    """Method -> mean regret over all tasks, and how it stands against random search (or the first method)."""
    regret = mean_regret(curves, trials)
    if not regret:
        return {}
    reference = reference_of(regret)
    pairs = {look: against({m: -values[:, look - 1] for m, values in regret.items()}, reference) for look in looks}
    best = {look: among_best({m: -values[:, look - 1] for m, values in regret.items()}) for look in looks}
    return {
        method: {
            "seeds": int(np.isfinite(values[:, -1]).sum()),
            "regret": at_looks(values, looks),
            "among_best": {str(look): method in best[look] for look in looks},
            f"better_than_{reference}": {str(look): pair_values(pairs[look][method]) for look in looks}
            if method != reference
            else None,
        }
        for method, values in regret.items()
    }


def reference_of(methods: Mapping[str, Any]) -> str:
    """What is compared with: random search where it took part."""
    return "random" if "random" in methods else next(iter(methods))


def pair_values(pair: Paired) -> dict[str, Any]:
    return {**{name: _plain(value) for name, value in vars(pair).items()}, "verdict": pair.verdict}


def _has(values: np.ndarray) -> bool:
    return not np.isnan(values).all()


def at_looks(values: np.ndarray, looks: Sequence[int]) -> dict[str, dict[str, Any] | None]:
    """Trial -> mean and interval of (seeds, trials) values."""
    known = values[~np.isnan(values).all(axis=1)][:, np.array(looks) - 1]
    if not len(known) or np.isnan(known).any():
        return {str(look): with_interval(values[:, look - 1]) for look in looks}
    each = zip(looks, known.mean(axis=0), *intervals(known), strict=True)
    return {str(look): {"mean": float(m), "low": float(a), "high": float(b), "n": len(known)} for look, m, a, b in each}


def with_interval(values: np.ndarray) -> dict[str, Any] | None:
    """Mean, interval and number of the (seeds,) values that are there."""
    if not _has(values):
        return None
    low, high = interval(values)
    return {"mean": mean(values), "low": low, "high": high, "n": int((~np.isnan(values)).sum())}


def _plain(value: Any) -> Any:
    """As JSON has it: a number, or null for NaN and infinity."""
    return value if isinstance(value, int) else float(value) if np.isfinite(value) else None


def table(curves: pd.DataFrame) -> pd.DataFrame:
    """With the columns of curves.parquet only; those of several objectives and of limits where there are such."""
    return curves.loc[:, [*COLUMNS, *(name for name in FURTHER if name in curves)]].astype({"task": str, "method": str})


def write(folder: Path, curves: pd.DataFrame, summary: Mapping[str, Any]) -> None:
    """curves.parquet and summary.json."""
    with whole(folder / "curves.parquet") as unfinished:
        table(curves).to_parquet(unfinished, index=False)
    write_text(folder / "summary.json", json.dumps(summary, indent=2, allow_nan=False) + "\n")
