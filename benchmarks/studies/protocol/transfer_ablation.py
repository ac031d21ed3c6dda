"""How the gain of a memory depends on what is remembered: a page of recorded results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from evonas.core.errors import EvonasError
from evonas_benchmarks.analysis import grids, reading, summary
from evonas_benchmarks.analysis.grids import mean_regret
from evonas_benchmarks.analysis.statistics import paired
from evonas_benchmarks.pages import plot_files
from evonas_benchmarks.pages.plots import Plot, band
from evonas_benchmarks.pages.text import how_made, markdown
from evonas_benchmarks.run.folder import IDENTITY
from evonas_benchmarks.suites.suite import load_suite


def page(out: Path, results: Path, suites: Sequence[str], ours: str) -> tuple[str, str]:
    """The page, and what the overview shows of it; both empty where nothing has been run."""
    plain, shown, runs = ours.partition("+")[0], [], []
    for suite in suites:
        without = _regret(out / suite, plain)
        found = [(label, folder, _regret(folder, ours)) for label, folder in _memories(out, suite)]
        found = [(label, folder, regret) for label, folder, regret in found if not regret.empty]
        if len(found) < 2 or without.empty:
            continue
        trials = min(frame.shape[1] for frame in [without, *(regret for _, _, regret in found)])
        rows = [[label, *_row(regret, without, trials)] for label, _, regret in found]
        lines = {label: band(regret.to_numpy()[:, :trials]) for label, _, regret in found}
        lines[f"none ({plain})"] = band(without.to_numpy()[:, :trials])
        title = f"{suite}: regret of {ours}, by what is remembered"
        plot = Plot("memory", title, "trials", "regret", np.arange(1, trials + 1), lines)
        plot_files.save(plot_files.draw(plot, list(lines)), results / "plots" / f"{suite}-memory", ("png",))
        head = ["remembered", "seeds", *(f"after {look}" for look in summary.milestones(trials))]
        shown.append(f"![{title}](plots/{suite}-memory.png)\n\n### {suite}\n\n{markdown(head, rows)}")
        runs += [run for _, folder, _ in found for run in reading.read_runs(folder) if ours in run["command"]]
    if not shown:
        return "", ""
    lead = (
        f"Regret of {ours} over all tasks; in brackets by how much it is smaller than that of {plain}, which remembers "
        "nothing, over the seeds that both have, with the 95 % bootstrap interval. No correction for many looks."
    )
    body = "\n\n".join([lead, *shown])
    made = how_made({}, runs)
    return f"# What the memory is worth\n\n{body}\n\n## How it was made\n\n{made}", (
        f"## [What the memory is worth](memory.md)\n\n{body}"
    )


def _row(regret: pd.DataFrame, without: pd.DataFrame, trials: int) -> list[str]:
    """Seeds, then at each milestone the regret and the gain."""
    both = regret.index.intersection(without.index)
    texts = [str(len(both))]
    for look in summary.milestones(trials):
        ours, theirs = regret.loc[both].to_numpy()[:, look - 1], without.loc[both].to_numpy()[:, look - 1]
        gain = paired(-ours, -theirs)
        texts.append(f"{ours.mean():.3f} ({gain.mean:+.3f}, {gain.low:+.3f} to {gain.high:+.3f})")
    return texts


def _memories(out: Path, suite: str) -> list[tuple[str, Path]]:
    """(in words, folder) from little to much."""
    found = []
    for folder in [*(out / "memory").glob(f"{suite}-earlier*"), out / suite]:
        if (folder / IDENTITY).is_file():
            values = reading.read_suite(folder)
            others = len(load_suite(values["name"]).task_names()) - 1
            tasks = values["earlier_tasks"] if values["earlier_tasks"] is not None else others
            found.append((values["earlier"] * tasks, f"{values['earlier']} rows of {tasks} of {others} tasks", folder))
    return [(label, folder) for _, label, folder in sorted(found)]


def _regret(folder: Path, method: str) -> pd.DataFrame:
    """Mean regret over all tasks, a row a seed; empty where it has not been run."""
    try:
        curves = reading.read_curves(folder, [method])
    except EvonasError:
        return pd.DataFrame()
    found = mean_regret(curves, grids.common_trials(curves))
    return pd.DataFrame(found[method], index=grids.all_seeds(curves)).dropna() if method in found else pd.DataFrame()
