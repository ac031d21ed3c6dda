"""What a search saves on the table `small-images`, and whether the table tells the truth.

    python benchmarks/studies/small_images/results.py --out FOLDER [--images FOLDER] [--seeds 20] [--jobs 2]

Leave one data set out: methods search it, knowing the other four. Measured is how many trainings a method needs to
reach what random search reaches with 100. With `--images` (the folder that make.py takes) the same is done once
for each data set by real training, with a seed that the table does not have. Stop it whenever you like: the same
command goes on. It writes benchmarks/results/small-images.md.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from evonas.core import environment
from evonas_benchmarks.analysis.grids import grid, mean_regret
from evonas_benchmarks.analysis.reading import read_curves
from evonas_benchmarks.analysis.statistics import resampled
from evonas_benchmarks.analysis.summary import with_interval
from evonas_benchmarks.pages.text import figure, markdown
from evonas_benchmarks.run import runner
from evonas_benchmarks.run.folder import PACKAGES
from evonas_benchmarks.run.plan import plan
from evonas_benchmarks.suites.suite import Suite, load_suite
from evonas_benchmarks.tables import small_images
from studies.small_images.card import accuracies, rank_correlation, spread
from studies.small_images.live import FIRST, SEED, Live, reached, search_all_live
from studies.trainings import exit_code

FILE = Path(__file__).parents[2] / "results" / "small-images.md"
TRIALS = 100  # of each method; random search's best after them is the goal
METHODS = ("random", "evolution", "earlier-mean", "evolution+boosting", "evolution+meta")
LIVE = ("evolution+boosting", "evolution+meta")
LOOKS = (5, 10, 20, 50, 100)

Curves = Mapping[str, Mapping[str, np.ndarray]]  # data set -> method -> (seeds, trials), the best so far

Needed = tuple[float, float, float]  # trainings, and the 95 % interval; infinite where the goal is not reached


def needed_on_average(ours: np.ndarray, theirs: np.ndarray) -> Needed:
    """Trainings until the mean over seeds of our best so far, (seeds, trials), is theirs after all their trainings.

    The interval is by bootstrap over seeds, of both.
    """

    def first(means: np.ndarray, goals: np.ndarray) -> np.ndarray:
        there = means >= goals[:, None] - 1e-12
        return np.where(there.any(axis=1), there.argmax(axis=1) + 1.0, np.inf)

    point = first(ours.mean(axis=0)[None], theirs.mean(axis=0)[-1:])[0]
    spread = first(resampled(ours, 10_000), resampled(theirs, 10_000)[:, -1])
    low, high = np.quantile(spread, [0.025, 0.975], method="nearest")
    return float(point), float(low), float(high)


def needed_by_seed(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """(seeds,) trainings until our best so far is theirs, with the same seed, after all theirs."""
    return np.array([reached(curve, goal) for curve, goal in zip(ours, theirs[:, -1], strict=True)])


def median(each: np.ndarray) -> Needed:
    """With its interval by bootstrap over seeds; of two in the middle the lower, for infinity has no mean."""
    rows = np.random.default_rng(0).integers(len(each), size=(10_000, len(each)))
    medians = np.sort(each[rows], axis=1)[:, (len(each) - 1) // 2]
    low, high = np.quantile(medians, [0.025, 0.975], method="nearest")
    return float(np.sort(each)[(len(each) - 1) // 2]), float(low), float(high)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="where benchmark runs and trainings are kept")
    parser.add_argument("--images", type=Path, help="the folder of the npz files; without it nothing is trained")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=environment.cores())
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the workers
    return exit_code(lambda: written(chosen), chosen.out)


def written(chosen: argparse.Namespace) -> list[str]:
    """The page is written, or which benchmark runs failed."""
    command = f"python benchmarks/studies/small_images/results.py --out FOLDER --images FOLDER --seeds {chosen.seeds}"
    suite = load_suite("small-images")
    the_plan = plan(suite, chosen.out / "table", methods=METHODS, trials=TRIALS, seeds=chosen.seeds)
    failed = runner.run(the_plan, chosen.jobs, Counted(len(the_plan.benchmark_runs())), command).failed
    live = []
    if chosen.images:
        live = search_all_live(suite, chosen.images, chosen.out / "live", (FIRST, *LIVE), TRIALS, chosen.jobs)
    if not failed:
        FILE.parent.mkdir(exist_ok=True)
        FILE.write_text(page(suite, chosen.out, live, command), encoding="utf-8")
        print(f"{FILE.name} is written")
    return [f"{one}: {reason}" for one, reason in failed.items()]


@dataclass
class Counted:
    """Says how many benchmark runs are there, at every twentieth part."""

    total: int
    done: int = 0

    def __call__(self, more: int) -> None:
        before, self.done = self.done, self.done + more
        if 20 * before // self.total != 20 * self.done // self.total:
            print(f"{self.done} of {self.total} searches in the table", flush=True)


def page(suite: Suite, out: Path, live: Sequence[Live], command: str) -> str:
    curves, tasks = read_curves(out / "table"), list(small_images.DATA)
    best: Curves = {name: grid(curves, name, "best", TRIALS) for name in tasks}
    regret = mean_regret(curves, TRIALS)
    seeds = len(regret["random"])
    methods = [method for method in METHODS if method != "random"]
    average = [
        [name, f"{100 * best[name]['random'].mean(axis=0)[-1]:.2f}"]
        + [trainings(needed_on_average(best[name][method], best[name]["random"])) for method in methods]
        for name in tasks
    ]
    versions = ", ".join(f"{name} {version}" for name, version in environment.versions(PACKAGES).items())
    return f"""# Small images

The suite `small-images` ([its card](../evonas_benchmarks/tables/data/small_images.md)): 420 cells on five image sets,
trained by us. One data set is searched, and a method that transfers knows {suite.earlier} random cells on each of the
other four, drawn by seed. n = {seeds} seeds; intervals are 95 % bootstrap intervals over seeds.

Made by `{command}` on {environment.processor()}; {versions}.

## Trainings needed for what random search reaches with {TRIALS}

The goal is the mean of random search's best validation accuracy (percent) after {TRIALS} trainings; counted is until
the mean of a method's best is as high.

{markdown(["data set", "goal", *methods], average)}

## Regret

Mean over the data sets; 0 is the table's best cell, 1 its median.

{markdown(["method", *(f"after {look}" for look in LOOKS)], [_regret(m, regret[m]) for m in METHODS])}

## The same by real training

{_live_words(best, live)}"""


def trainings(needed: Needed) -> str:
    """`12 (8 to 17)`."""
    point, low, high = map(_count, needed)
    return f"{point} ({low} to {high})"


def _count(needed: float) -> str:
    return f"{needed:.0f}" if np.isfinite(needed) else f"> {TRIALS}"


def _of_seeds(each: np.ndarray) -> str:
    """`12 (8 to 17), one seed 3 to > 100`."""
    low, high = np.quantile(each, [0.05, 0.95], method="nearest")
    return f"{trainings(median(each))}, one seed {_count(low)} to {_count(high)}"


def _regret(method: str, values: np.ndarray) -> list[str]:
    return [method, *(figure(with_interval(values[:, look - 1])) for look in LOOKS)]


def _live_words(best: Curves, live: Sequence[Live]) -> str:
    if not live:
        return "Open: run it with `--images`.\n"
    head = ["data set", "goal", *(f"{method}: {where}" for method in LIVE for where in ("live", "table"))]
    rows = [
        [one.name, f"{100 * one.goal:.2f}"]
        + [
            cell
            for method in LIVE
            for cell in (
                _count(one.needed[method]),
                _of_seeds(needed_by_seed(best[one.name][method], best[one.name]["random"])),
            )
        ]
        for one in live
    ]
    found = small_images.read()
    agreement = []
    for one in live:
        table, again = accuracies(found, one.name), accuracies(found, one.name, seed=1)
        pairs = [rank_correlation(some, table) for some in (one.at_random, one.trained)]
        noise = rank_correlation(again, table)
        agreement.append([one.name, *(f"{spread(p)}, n = {p[3]}" for p in (*pairs, noise))])
    return f"""Once for each data set, with seed {SEED}, which the table does not have: {TRIALS} trainings of
random search, and of the others until they reached its best (percent). Earlier tasks are the table's. A cell that
several methods ask for is trained once. Beside it what the table says of the same comparison: the trainings until a
method's best is that of random search with the same seed, their median over seeds, and between which numbers nine of
ten single seeds lie, as a single live search should.

{markdown(head, rows)}

Spearman's correlation of live accuracies with the table's first seed, over the cells of random search and over all
that were trained live, beside that of the table's second seed with its first (interval: bootstrap over cells).

{markdown(["data set", "live, at random", "live, all", "the table's own seeds"], agreement)}
"""


if __name__ == "__main__":
    sys.exit(main())
