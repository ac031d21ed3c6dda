"""Makes docs/images/trust.png: whom the meta-surrogate trusts, result by result, in two real searches of a table.

    python docs/make_trust.py

Needs the extra `bench`; takes a minute. Both search `cora` of NAS-Bench-Graph with `evolution+meta` and seed 0, and
know 1,000 random networks of each of the eight other tasks. In the second half of those lie: the order of their results
is turned round.
"""

from __future__ import annotations

import argparse
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core.optional import CallbackDefaults
from evonas.search import loop
from evonas.search.screening import Screened
from evonas_benchmarks.run.problems import make_searcher, tabular_problem
from evonas_benchmarks.suites.suite import load_suite
from evonas_surrogates.meta import MetaSurrogate

SUITE, TASK, SEED, TRIALS = "nasbench-graph", "cora", 0, 60
LIARS = ("arxiv", "computers", "photo", "proteins")
HONEST, LYING = "#1f77b4", "#d9480f"


class Watcher(CallbackDefaults):
    """Keeps the weight of each source model after each result."""

    def __init__(self, ranker: MetaSurrogate):
        self.ranker = ranker
        self.weights: list[np.ndarray] = []

    def asked(self, number: int, candidate: Any) -> None:
        posterior, tasks = self.ranker.posterior_, len(self.ranker.names_)
        known = np.full(tasks, self.ranker.weight_) if posterior is None else posterior.source_weights()
        self.weights.append(known)


def watched(trials: int, liars: Collection[str]) -> tuple[list[str], np.ndarray, float]:
    """Earlier tasks, (trials, tasks) their weights before each training, and the best validation accuracy found."""
    problem = tabular_problem(load_suite(SUITE), TASK, SEED)
    earlier = [replace(one, y=-one.y) if one.task in liars else one for one in problem.earlier]
    searcher = make_searcher("evolution+meta", replace(problem, earlier=earlier))
    assert isinstance(searcher, Screened)
    ranker = searcher.rankers[0]
    assert isinstance(ranker, MetaSurrogate)
    watcher = Watcher(ranker)
    with problem.executor as executor:
        budget = loop.Budget(trials)
        outcome = loop.run(searcher, executor, problem.task, seed=SEED, budget=budget, callbacks=[watcher])
    best = max(trial.evaluation.metrics["val_accuracy"] for trial in outcome.trials if trial.evaluation.ok)
    return ranker.names_, np.array(watcher.weights), best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "images" / "trust.png")
    parser.add_argument("--trials", type=int, default=TRIALS)
    arguments = parser.parse_args()
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True, layout="constrained")
    for axis, lying, title in zip(axes, ((), LIARS), ("as measured", "half of them turned round"), strict=True):
        names, weights, found = watched(arguments.trials, lying)
        heights = spread(weights[-1], 0.055)
        for name, curve, height in zip(names, weights.T, heights, strict=True):
            colour = LYING if name in lying else HONEST
            axis.plot(curve, color=colour, linestyle="--" if name in lying else "-", linewidth=1.6)
            axis.annotate(name, (len(curve) - 1, height), (4, 0), textcoords="offset points", color=colour, va="center")
        axis.axhline(0, color="#999999", linewidth=0.8)
        axis.set(
            title=f"{TASK}, eight earlier tasks: {title}", xlabel="results so far", xlim=(0, arguments.trials * 1.28)
        )
        axis.set_xticks(range(0, arguments.trials + 1, 10))
        axis.spines[["top", "right"]].set_visible(False)
        print(f"{title}: {', '.join(f'{n} {w:.2f}' for n, w in zip(names, weights[-1], strict=True))}; best {found}")
    axes[0].set_ylabel("weight of an earlier task")
    figure.savefig(arguments.out, dpi=110)


def spread(heights: np.ndarray, least: float) -> np.ndarray:
    """The heights with at least so much between them, in their order, for labels."""
    order = np.argsort(heights)
    placed = heights[order].copy()
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + least)
    placed -= (placed - heights[order]).mean()
    result = np.empty_like(placed)
    result[order] = placed
    return result


if __name__ == "__main__":
    main()
