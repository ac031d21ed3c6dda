"""What the learned memory reaches beside what it was built to reach: a page of recorded results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from evonas.core.errors import EvonasError
from evonas_benchmarks.analysis import grids, reading
from evonas_benchmarks.analysis.grids import first, grid
from evonas_benchmarks.analysis.statistics import paired
from evonas_benchmarks.analysis.summary import at_looks
from evonas_benchmarks.pages.text import figure, how_made, markdown, trials_needed

CONTROL, RANDOM = "evolution+boosting", "random"
CORRUPTED = {
    "shuffled": "evolution+evonas_benchmarks.baselines.corrupted_transfer:Shuffled",
    "negated": "evolution+evonas_benchmarks.baselines.corrupted_transfer:Negated",
}
CELLS = {"cifar10": (10, 5), "cifar100": (10, 5), "ImageNet16-120": (12, 5)}  # trainings to the best: bar and aim
EVERY = 60  # no seed may take longer
GRAPH = {20: (0.27, 0.20), 50: (0.165, 0.12), 100: (0.10, 0.06), 150: (0.07, 0.03)}  # regret: bar and aim
SMALLER = "proteins"  # its space is another one: it is no target here
LOOKS = (50, 100)  # where misleading tasks must not have cost anything
ARRIVED = 1e-9


def page(out: Path, ours: str) -> str:
    """Empty where nothing has been run."""
    shown = {
        out / "nasbench201": _to_the_best(out, ours),
        out / "nasbench-graph": _regret(out, ours),
        out / "misled" / "nasbench-graph": _corrupted(out),
    }
    parts = [part for part in shown.values() if part]
    runs = [run for folder, part in shown.items() if part for run in reading.read_runs(folder)]
    runs = [run for run in runs if any(name in run["command"] for name in (ours, CONTROL, RANDOM, *CORRUPTED.values()))]
    if not parts:
        return ""
    lead = (
        "Leave one task out; each earlier task is known by 1,000 random architectures drawn by seed; validation "
        "accuracy, averaged over the table's seeds. Intervals are 95 % bootstrap intervals over seeds."
    )
    return "\n\n".join(["# The learned memory and its goals", lead, *parts, "## How it was made", how_made({}, runs)])


def _to_the_best(out: Path, ours: str) -> str:
    found = _curves(out / "nasbench201", (ours, CONTROL, RANDOM))
    if found is None:
        return ""
    trials, rows = grids.common_trials(found), []
    for task, (bar, aim) in CELLS.items():
        for method, regret in grid(found, task, "regret", trials).items():
            needed = np.array([first(row <= ARRIVED) for row in regret if not np.isnan(row).all()])
            goals = [f"≤ {bar}", f"≤ {aim}", f"≤ {EVERY}"] if method == ours else ["", "", ""]
            middle, most = (trials_needed(value, trials) for value in (np.median(needed), needed.max()))
            rows.append([task, method, str(len(needed)), middle, *goals[:2], most, goals[2]])
    head = ["task", "method", "seeds", "median trainings", "bar", "aim", "slowest seed", "bar"]
    return f"## NAS-Bench-201: trainings to the table's best\n\n{markdown(head, rows)}"


def _regret(out: Path, ours: str) -> str:
    found = _curves(out / "nasbench-graph", (ours, CONTROL, RANDOM))
    if found is None:
        return ""
    looks = [look for look in GRAPH if look <= grids.common_trials(found)]
    rows = []
    for method, regret in _over_tasks(found).items():
        shown = at_looks(regret, looks)
        rows.append([method, str(len(_known(regret))), *(figure(shown[str(look)]) for look in looks)])
    for i, name in enumerate(("bar", "aim")):
        rows.append([name, "", *(f"≤ {GRAPH[look][i]:g}" for look in looks)])
    head = ["method", "seeds", *(f"after {look}" for look in looks)]
    return f"## NAS-Bench-Graph: mean regret over the eight tasks of the whole space\n\n{markdown(head, rows)}"


def _corrupted(out: Path) -> str:
    control = _curves(out / "nasbench-graph", (CONTROL,))
    corrupted = _curves(out / "misled" / "nasbench-graph", tuple(CORRUPTED.values()))
    if control is None or corrupted is None:
        return ""
    frames = pd.concat([control, corrupted])
    regret, rows = _over_tasks(frames), []
    for words, method in CORRUPTED.items():
        for look in LOOKS:
            if method not in regret or regret[method].shape[1] < look:
                continue
            pair = paired(-regret[method][:, look - 1], -regret[CONTROL][:, look - 1])
            each = [figure(at_looks(regret[name], [look])[str(look)]) for name in (method, CONTROL)]
            worse = "worse" if pair.high < 0 else "not worse"
            rows.append([words, f"{look}", *each, f"{-pair.mean:+.3f} ({-pair.high:+.3f} to {-pair.low:+.3f})", worse])
    head = ["earlier tasks", "after", "meta, corrupted", "boosting", "difference by seed", "verdict"]
    return (
        "## NAS-Bench-Graph: earlier tasks that mislead\n\nTargets shuffled within each earlier task, or negated. "
        f"Worse is what lies beyond the interval.\n\n{markdown(head, rows)}"
    )


def _curves(folder: Path, methods: Sequence[str]) -> pd.DataFrame | None:
    """Without the task of the smaller space; None where nothing has been run."""
    try:
        found = reading.read_curves(folder, methods)
    except EvonasError:
        return None
    return found.loc[found.task != SMALLER]


def _over_tasks(curves: pd.DataFrame) -> Mapping[str, np.ndarray]:
    return grids.mean_regret(curves, grids.common_trials(curves))


def _known(values: np.ndarray) -> np.ndarray:
    return values[~np.isnan(values).any(axis=1)]
