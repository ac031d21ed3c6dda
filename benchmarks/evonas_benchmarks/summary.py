"""From stored cells to curves.parquet and summary.json."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evonas import environment
from evonas.errors import EvonasError
from evonas_benchmarks.runner import IDENTITY, PACKAGES
from evonas_benchmarks.statistics import against, interval, mean

COLUMNS = ("suite", "task", "method", "seed", "trial", "value", "best", "regret", "test", "seconds", "overhead")
MILESTONES = (5, 10, 20, 50, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10_000)
SHARES = (0.1, 0.25, 0.5, 1.0)  # of the simulated seconds that every method spent


def read_curves(folder: Path) -> pd.DataFrame:
    """One row a trial of all cells in the folder. Raises EvonasError where there are none."""
    try:
        suite = json.loads((folder / IDENTITY).read_text(encoding="utf-8"))["name"]
    except (OSError, ValueError, KeyError):
        raise EvonasError(
            f"{str(folder)!r} holds no run of a suite; give the --out folder of evonas bench run"
        ) from None
    frames = []
    for path in sorted((folder / "cells").glob("*.json")):
        cell = json.loads(path.read_text(encoding="utf-8"))
        if cell["rows"]:
            named = {key: cell[key] for key in ("task", "method", "seed", "maximize")}
            frames.append(pd.DataFrame(cell["rows"]).assign(suite=suite, **named))
    if not frames:
        raise EvonasError(f"{str(folder)!r} has no finished cell yet")
    order = ["task", "method", "seed", "trial"]
    return pd.concat(frames, ignore_index=True).sort_values(order, ignore_index=True)


def grid(curves: pd.DataFrame, task: str, column: str, trials: int) -> dict[str, np.ndarray]:
    """Method -> (seeds, trials) of one task; only seeds that every method has, so that they are paired.

    A search that ended early, for want of new architectures, keeps what it had.
    """
    mine: Any = curves[curves.task == task]
    seeds = paired_seeds(mine)
    found = {}
    for method, rows in mine[mine.seed.isin(seeds)].groupby("method"):
        wide: Any = rows.pivot(index="seed", columns="trial", values=column)
        found[str(method)] = wide.reindex(index=seeds, columns=range(1, trials + 1)).ffill(axis=1).to_numpy(float)
    return found


def paired_seeds(curves: pd.DataFrame) -> list[int]:
    """Those that every method has on every task that is there."""
    sets = [set(rows.seed) for _, rows in curves.groupby(["task", "method"])]
    return sorted(set.intersection(*sets)) if sets else []


def summarize(
    curves: pd.DataFrame, suite: Mapping[str, Any], failed: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """What summary.json holds; every interval is a 95 % bootstrap interval of the mean over seeds."""
    trials = int(curves.trial.max())
    looks = milestones(trials)
    tasks = {str(task): _task(curves, str(task), trials, looks) for task in curves.task.unique()}
    return {
        "suite": suite,
        "trials": trials,
        "seeds": paired_seeds(curves),
        "milestones": looks,
        "tasks": tasks,
        "overall": _overall(curves, trials, looks),
        "failed_cells": dict(failed or {}),
        "versions": environment.versions(PACKAGES),
        "hardware": environment.processor(),
        "command": command(),
    }


def command() -> str:
    import shlex

    return shlex.join(["evonas", *sys.argv[1:]])


def milestones(trials: int) -> list[int]:
    return sorted({*(look for look in MILESTONES if look <= trials), trials})


def _task(curves: pd.DataFrame, task: str, trials: int, looks: Sequence[int]) -> dict[str, Any]:
    """Method -> its figures on one task."""
    columns = {name: grid(curves, task, name, trials) for name in ("best", "regret", "test", "seconds", "overhead")}
    levels = _seconds_levels(columns["seconds"])
    found = {}
    for method in columns["best"]:
        regret, seconds = columns["regret"][method], columns["seconds"][method]
        reached = [_first(row <= 1e-12) for row in regret]
        found[method] = {
            "seeds": len(regret),
            "regret": {str(look): _with_interval(regret[:, look - 1]) for look in looks},
            "best": {str(look): _with_interval(columns["best"][method][:, look - 1]) for look in looks},
            "test": {str(look): _with_interval(columns["test"][method][:, look - 1]) for look in looks},
            "regret_at_seconds": {
                f"{level:.6g}": _with_interval(at_seconds(regret, seconds, level)) for level in levels
            },
            "median_trials_to_best": _plain(float(np.median(reached))),
            "share_that_reached_best": _plain(float(np.mean(np.isfinite(reached)))) if _has(regret) else None,
            "median_overhead": _plain(float(np.nanmedian(columns["overhead"][method]))),
        }
    return found


def _overall(curves: pd.DataFrame, trials: int, looks: Sequence[int]) -> dict[str, Any]:
    """Method -> mean regret over all tasks, and how it stands against random search (or the first method)."""
    regret = mean_regret(curves, trials)
    if not regret:
        return {}
    reference = "random" if "random" in regret else next(iter(regret))
    pairs = {look: against({m: -values[:, look - 1] for m, values in regret.items()}, reference) for look in looks}
    return {
        method: {
            "regret": {str(look): _with_interval(values[:, look - 1]) for look in looks},
            f"better_than_{reference}": {
                str(look): {name: _plain(value) for name, value in vars(pairs[look][method]).items()} for look in looks
            }
            if method != reference
            else None,
        }
        for method, values in regret.items()
    }


def mean_regret(curves: pd.DataFrame, trials: int) -> dict[str, np.ndarray]:
    """Method -> (seeds, trials), the mean over all tasks; only methods and seeds that are complete."""
    with_table = curves[curves.regret.notna()]
    if with_table.empty:
        return {}
    tasks = list(with_table.task.unique())
    complete = [m for m, rows in with_table.groupby("method") if rows.task.nunique() == len(tasks)]
    kept: Any = with_table[with_table.method.isin(complete)]
    seeds = paired_seeds(kept)
    kept = kept[kept.seed.isin(seeds)]
    grids = [grid(kept, task, "regret", trials) for task in tasks]
    return {str(m): np.mean([one[str(m)] for one in grids], axis=0) for m in complete} if seeds else {}


def at_seconds(values: np.ndarray, seconds: np.ndarray, level: float) -> np.ndarray:
    """(seeds,) of the value when so many seconds were spent; NaN for who had no trial by then."""
    counts = (seconds <= level).sum(axis=1)
    return np.array([row[count - 1] if count else np.nan for row, count in zip(values, counts, strict=True)])


def _seconds_levels(seconds: Mapping[str, np.ndarray]) -> list[float]:
    """Shares of what the thriftiest method spent in the median, so that each level is one that all reached."""
    spent = [float(np.median(values[:, -1])) for values in seconds.values()]
    return [share * min(spent) for share in SHARES] if spent and np.isfinite(min(spent)) else []


def _first(reached: np.ndarray) -> float:
    """The trial, from 1, at which it was so for the first time; infinite where never."""
    return float(np.argmax(reached) + 1) if reached.any() else float("inf")


def _has(values: np.ndarray) -> bool:
    return not np.isnan(values).all()


def _with_interval(values: np.ndarray) -> dict[str, float | None] | None:
    if not _has(values):
        return None
    low, high = interval(values)
    return {"mean": mean(values), "low": low, "high": high}


def _plain(value: Any) -> Any:
    """As JSON has it: a number, or null for NaN and infinity."""
    return value if isinstance(value, int) else float(value) if np.isfinite(value) else None


def write(folder: Path, curves: pd.DataFrame, summary: Mapping[str, Any]) -> None:
    """curves.parquet and summary.json."""
    for name in ("curves.parquet", "summary.json"):
        part = folder / f"{name}.part"
        if name == "curves.parquet":
            curves[list(COLUMNS)].to_parquet(part, index=False)
        else:
            part.write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        part.replace(folder / name)
