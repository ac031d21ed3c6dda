"""The recorded suites in their quick form: have the figures changed since they were recorded?

    python benchmarks/studies/protocol/quick.py --out FOLDER [--jobs 2]     # run what is missing, then write
    python benchmarks/studies/protocol/quick.py --out FOLDER --write        # run nothing, write what there is

Twenty seeds of three methods on both tabular suites, and their regret beside that of the same seeds in
benchmarks/results: one table, benchmarks/results/quick.md. FOLDER keeps every finished benchmark run; the same command
goes on where it stopped.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from evonas.core.errors import EvonasError
from evonas_benchmarks.analysis import grids, reading, summary
from evonas_benchmarks.analysis.statistics import Paired, paired
from evonas_benchmarks.pages.text import figure, how_made, markdown
from studies.protocol.curve_store import read
from studies.protocol.record import RESULTS, SUITES, Part, carry_out

METHODS = ("evolution+meta", "evolution+boosting", "random")
SEEDS, TRIALS = 20, 150
LOOKS = (5, 10, 20, 50, 100, 150)
SAME = 1e-12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the benchmark runs, outside the repository")
    parser.add_argument("--results", type=Path, default=RESULTS, help="what was recorded, and where quick.md goes")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--trials", type=int, default=TRIALS)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="run nothing")
    options = parser.parse_args()
    try:
        for suite in SUITES if not options.write else ():
            carry_out(Part(suite, suite, METHODS, options.seeds, {}, options.trials), options)
        text = page(options.out, options.results)
    except EvonasError as error:
        sys.exit(f"quick: {error}")
    except KeyboardInterrupt:
        sys.exit("quick: stopped; the same command goes on, and with --write it writes what there is")
    (options.results / "quick.md").write_text(text, encoding="utf-8")
    print(text)


def page(out: Path, results: Path) -> str:
    """Markdown. Raises EvonasError where nothing has been run yet, or nothing is recorded."""
    folders = [out / suite for suite in SUITES if (out / suite).is_dir()]
    rows: list[list[str]] = []
    verdicts: list[str] = []
    for folder in folders:
        for method, look, then, now, pair in compared(results / f"{folder.name}.parquet", folder):
            verdicts.append(verdict(pair))
            mean, low, high = (f"{0.0 - value:+.4f}" for value in (pair.mean, pair.high, pair.low))
            difference = f"{mean} ({low} to {high})"
            rows.append([folder.name, method, str(look), str(pair.n), then, now, difference, verdicts[-1]])
    if not rows:
        raise EvonasError(
            f"{str(out)!r} holds no benchmark run of {' or '.join(SUITES)}; leave --write out to make one"
        )
    counts = ", ".join(f"{verdicts.count(word)} {word}" for word in ("better", "same", "not worse", "worse"))
    head = ["suite", "method", "after", "seeds", "regret recorded", "regret now", "now − recorded", "verdict"]
    runs = [run for folder in folders for run in reading.read_runs(folder)]
    failed = {f"{f.name}, {name}": why for f in folders for name, why in reading.read_failed(f).items()}
    return f"""# Quick form of the recorded suites

Mean regret over all tasks of a suite (0 is the table's best network, 1 its median one), recorded and now, over the
seeds that both have, with 95 % bootstrap intervals over seeds; the difference is by seed, and less is better. Worse,
or better, is what the interval and Wilcoxon's signed-rank test (two-sided, 5 %) both show; no correction for many
looks. In sum: {counts}.

{markdown(head, rows)}

## How it was made

Written by `python benchmarks/studies/protocol/quick.py --out OUT`; nobody types here.

{how_made(failed, runs).replace(str(out), "OUT")}
"""


def compared(recorded: Path, folder: Path) -> Iterator[tuple[str, int, str, str, Paired]]:
    """Method, trials, regret recorded, regret now, and the pair, in which ours is what is run now."""
    now: Any = reading.read_curves(folder, METHODS)
    then: Any = read(recorded)
    tasks = set(now.task) & set(then.task)
    now, then = now[now.task.isin(tasks)], then[then.task.isin(tasks) & then.method.isin(METHODS)]
    trials = min(grids.common_trials(now), grids.common_trials(then))
    ours, theirs = regret(now, trials), regret(then, trials)
    for method in [method for method in METHODS if method in ours and method in theirs]:
        both = ours[method].index.intersection(theirs[method].index)
        a, b = (frame[method].loc[both].to_numpy() for frame in (ours, theirs))
        for look in [look for look in LOOKS if look <= trials] if len(both) else ():
            shown = [figure(summary.with_interval(values[:, look - 1])) for values in (b, a)]
            yield method, look, shown[0], shown[1], paired(-a[:, look - 1], -b[:, look - 1])


def regret(curves: pd.DataFrame, trials: int) -> dict[str, pd.DataFrame]:
    """Method -> the mean over tasks, a row a seed that has them all, a column a trial."""
    seeds = grids.all_seeds(curves)
    found = grids.mean_regret(curves, trials)
    return {method: pd.DataFrame(values, index=seeds).dropna() for method, values in found.items()}


def verdict(pair: Paired) -> str:
    if (not pair.ahead and not pair.behind) or max(abs(pair.low), abs(pair.high)) < SAME:
        return "same"
    return {1: "better", 0: "not worse", -1: "worse"}[pair.verdict]


if __name__ == "__main__":
    main()
