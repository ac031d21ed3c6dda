"""From stored benchmark runs to curves.parquet and summary.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evonas.core.errors import EvonasError
from evonas_benchmarks.analysis.statistics import Paired, against, among_best, interval, intervals, mean
from evonas_benchmarks.run.folder import COMMANDS, FAILED, as_called_now, files_of, read_identity
from evonas_benchmarks.tables.packaged import TASKS

COLUMNS = ("suite", "task", "method", "seed", "trial", "value", "best", "regret", "test", "seconds", "overhead")
MILESTONES = (5, 10, 20, 50, 100, 150, 200, 300, 500, 1000, 2000, 5000, 10_000)
SHARES = (0.1, 0.25, 0.5, 1.0)  # of the simulated seconds that every method spent


def read_curves(folder: Path, methods: Sequence[str] | None = None) -> pd.DataFrame:
    """One row a trial of all benchmark runs in the folder, or of some methods'; tasks in the suite's order.

    Besides the columns of curves.parquet some that a run has once: `objective`, `maximize`, `budget` (the trials that
    it was given) and `own` (its median overhead). Raises EvonasError where there are none.
    """
    suite = read_suite(folder)
    frames = []
    for path in sorted(files_of(folder).glob("*.json")):
        try:
            run = json.loads(path.read_text(encoding="utf-8"))
            run["method"] = as_called_now(run["method"])
            if run["rows"] and (methods is None or run["method"] in methods):
                named = {key: run[key] for key in ("task", "method", "seed", "maximize")}
                named["objective"] = run.get("objective", "")  # files of a version before lack it
                rows = pd.DataFrame(run["rows"])
                own = run.get("own", rows.overhead.median())  # a restored run lacks most trials, and says it
                frames.append(rows.assign(suite=suite["name"], budget=run["trials"], own=own, **named))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise EvonasError(
                f"{str(path)!r} is damaged; delete it, and the command that made it makes it again"
            ) from None
    if not frames:
        raise EvonasError(f"{str(folder)!r} has no finished benchmark run{' of these methods' if methods else ''} yet")
    curves = pd.concat(frames, ignore_index=True)
    known = [task["name"] for task in suite.get("tasks", ())] or list(TASKS.get(str(suite.get("table")), ()))
    there = set(curves.task)
    curves["task"] = pd.Categorical(curves.task, [*(t for t in known if t in there), *sorted(there - set(known))])
    curves["method"] = curves.method.astype("category")
    return curves.sort_values(["task", "method", "seed", "trial"], ignore_index=True)


def read_suite(folder: Path) -> dict[str, Any]:
    """What the folder's run is of. Raises EvonasError where it holds none."""
    found = read_identity(folder)
    if found is None or "name" not in found:
        raise EvonasError(f"{str(folder)!r} holds no run of a suite; give the --out folder of evonas bench run")
    return found


def is_report(folder: Path) -> bool:
    """Whether the folder's summary.json is one of a suite, so that a report may be written there again."""
    try:
        found = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and {"suite", "milestones", "tasks"} <= found.keys()


def read_failed(folder: Path) -> dict[str, str]:
    """Benchmark run -> the reason why it failed, of those that have not succeeded since."""
    runs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(files_of(folder).glob(f"*{FAILED}"))]
    return {f"{run['task']}, {run['method']}, seed {run['seed']}": run["reason"] for run in runs}


def read_runs(folder: Path) -> list[dict[str, Any]]:
    """Each command that put benchmark runs into the folder, once: with versions, hardware and description."""
    path = folder / COMMANDS
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    return [json.loads(as_called_now(line)) for line in dict.fromkeys(lines)]


def of_methods(curves: pd.DataFrame, methods: Sequence[str]) -> pd.DataFrame:
    """The rows of these methods, as if nothing else had been read."""
    found: Any = curves[curves.method.isin(list(methods))].reset_index(drop=True)
    return found.assign(**{name: found[name].cat.remove_unused_categories() for name in ("task", "method")})


def common_trials(curves: pd.DataFrame) -> int:
    """The trials that every benchmark run was given: figures look no further."""
    return int(curves.budget.min())


def all_seeds(curves: pd.DataFrame) -> list[int]:
    return sorted(int(seed) for seed in curves.seed.unique())


def grid(curves: pd.DataFrame, task: str, column: str, trials: int) -> dict[str, np.ndarray]:
    """Method -> (seeds, trials) of one task, over all seeds of the curves; a row of NaN where it has not run.

    A trial without a row keeps what the one before it had: a search ends early for want of new architectures.
    """
    seeds = all_seeds(curves)
    wanted = (curves.task == task) & (curves.trial <= trials)
    mine: Any = curves.loc[wanted, ["method", "seed", "trial", column]]
    column_of = mine.method.astype("category").cat.remove_unused_categories().cat
    methods, which = list(column_of.categories), column_of.codes.to_numpy()
    values = np.full((len(methods), len(seeds), trials), np.nan)
    places = np.zeros(values.shape, int)
    where = which, np.searchsorted(seeds, mine.seed), mine.trial.to_numpy() - 1
    values[where], places[where] = mine[column], where[-1]
    filled = np.take_along_axis(values, np.maximum.accumulate(places, axis=-1), axis=-1)
    return {str(method): found for method, found in zip(methods, filled, strict=True)}


def signed(curves: pd.DataFrame, task: str, column: str, trials: int) -> dict[str, np.ndarray]:
    """Method -> (seeds, trials) of `best` or `test` on one task, its sign turned so that higher is better."""
    sign = 1.0 if curves.maximize[curves.task == task].all() else -1.0
    return {method: sign * values for method, values in grid(curves, task, column, trials).items()}


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
    columns = {name: grid(curves, task, name, trials) for name in ("best", "regret", "test", "seconds")}
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
            **{name: at_looks(columns[name][method], looks) for name in ("regret", "best", "test")},
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


def mean_regret(curves: pd.DataFrame, trials: int) -> dict[str, np.ndarray]:
    """Method -> (seeds, trials), the mean over all tasks; NaN for a seed that lacks a task; methods that have one."""
    tasks = [str(task) for task in curves[curves.regret.notna()].task.unique()]
    grids = [grid(curves, task, "regret", trials) for task in tasks]
    found = {}
    for method in sorted(set.intersection(*map(set, grids))) if grids else []:
        values = np.mean([one[method] for one in grids], axis=0)
        if np.isfinite(values[:, -1]).any():
            found[method] = values
    return found


def at_seconds(values: np.ndarray, seconds: np.ndarray, level: float) -> np.ndarray:
    """(seeds,) of the value when so many seconds were spent; NaN for who had no trial by then."""
    counts = (seconds <= level).sum(axis=1)
    return np.array([row[count - 1] if count else np.nan for row, count in zip(values, counts, strict=True)])


def seconds_levels(seconds: Mapping[str, np.ndarray], shares: Sequence[float] = SHARES) -> list[float]:
    """Shares of what the thriftiest method spent in the median, so that each level is one that all reached."""
    spent = [float(np.median(last)) for values in seconds.values() if len(last := _known(values[:, -1]))]
    if len(spent) < len(seconds) or not spent or min(spent) <= 0:
        return []
    return [share * min(spent) for share in shares]


def _known(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def first(reached: np.ndarray) -> float:
    """The trial, from 1, at which it was so for the first time; infinite where never."""
    return float(np.argmax(reached) + 1) if reached.any() else float("inf")


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
    """With the columns of curves.parquet only."""
    return curves.loc[:, list(COLUMNS)].astype({"task": str, "method": str})


def write(folder: Path, curves: pd.DataFrame, summary: Mapping[str, Any]) -> None:
    """curves.parquet and summary.json."""
    for name in ("curves.parquet", "summary.json"):
        part = folder / f"{name}.part"
        if name == "curves.parquet":
            table(curves).to_parquet(part, index=False)
        else:
            part.write_text(json.dumps(summary, indent=2, allow_nan=False) + "\n", encoding="utf-8")
        part.replace(folder / name)
