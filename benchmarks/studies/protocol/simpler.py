"""Is a simpler default as good? Screening alone against screening with the acquisition maximizer, on tuning seeds.

    python benchmarks/studies/protocol/simpler.py --out FOLDER [--jobs 2]      # run what is missing, then write
    python benchmarks/studies/protocol/simpler.py --out FOLDER --write         # run nothing, write what there is

Seeds from 100 on: what is reported elsewhere are those from 0. FOLDER keeps every finished benchmark run. Writes
benchmarks/results/simpler.md.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from evonas.core.errors import EvonasError
from evonas_benchmarks.analysis import grids, reading, summary
from evonas_benchmarks.analysis.statistics import paired
from evonas_benchmarks.pages.text import figure, how_made, markdown
from evonas_benchmarks.run import runner
from evonas_benchmarks.run.plan import plan
from evonas_benchmarks.suites.suite import load_suite
from studies.protocol.record import OURS, RESULTS, SUITES

SIMPLER = f"{OURS}(refine=0)"
FIRST_SEED = 100
SCRIPT = "python benchmarks/studies/protocol/simpler.py"
LOOKS = (5, 10, 20, 50, 100, 150)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the benchmark runs, outside the repository")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where simpler.md goes")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="run nothing")
    options = parser.parse_args()
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    command = (
        f"python benchmarks/studies/protocol/simpler.py --out OUT --seeds {options.seeds} --trials {options.trials}"
    )
    try:
        for name in SUITES if not options.write else ():
            made = plan(load_suite(name), options.out / name, methods=[OURS, SIMPLER], trials=options.trials, seeds=1)
            runner.run(replace(made, seeds=seeds), options.jobs, lambda done: None, command)
        text = page(options.out)
    except EvonasError as error:
        sys.exit(f"simpler: {error}")
    except KeyboardInterrupt:
        sys.exit("simpler: stopped; the same command goes on, and with --write it writes what there is")
    (options.results / "simpler.md").write_text(text, encoding="utf-8")
    print(text)


def page(out: Path) -> str:
    """Markdown. Raises EvonasError where nothing has been run yet."""
    rows: list[list[str]] = []
    folders = [out / name for name in SUITES if (out / name).is_dir()]
    for folder in folders:
        curves: Any = reading.read_curves(folder, (OURS, SIMPLER))
        trials = grids.common_trials(curves)
        found = grids.mean_regret(curves, trials)
        frames = [pd.DataFrame(found[method], index=grids.all_seeds(curves)).dropna() for method in (OURS, SIMPLER)]
        both = frames[0].index.intersection(frames[1].index)
        ours, simpler = (frame.loc[both].to_numpy() for frame in frames)
        for look in [look for look in LOOKS if look <= trials] if len(both) else ():
            a, b = ours[:, look - 1], simpler[:, look - 1]
            pair = paired(-b, -a)  # positive where the simpler one has less regret
            difference = f"{-pair.mean:+.4f} ({-pair.high:+.4f} to {-pair.low:+.4f})"
            verdict = {1: "better", 0: "not worse", -1: "worse"}[pair.verdict]
            shown = [figure(summary.with_interval(values)) for values in (a, b)]
            rows.append([folder.name, str(look), str(pair.n), *shown, difference, verdict])
    if not rows:
        raise EvonasError(f"{str(out)!r} holds no benchmark run of both methods; leave --write out to make some")
    head = ["suite", "after", "seeds", OURS, SIMPLER, "simpler − default", "the simpler one is"]
    runs = [run for folder in folders for run in reading.read_runs(folder)]
    failed = {f"{f.name}, {name}": why for f in folders for name, why in reading.read_failed(f).items()}
    return f"""# Is a simpler default as good?

Screening alone (`refine=0`) against screening with the acquisition maximizer: mean regret over all tasks of a suite,
on tuning seeds (from {FIRST_SEED} on) that no other result uses, with 95 % bootstrap intervals over seeds; the
difference is by seed, and less is better. Worse, or better, is what the interval and Wilcoxon's signed-rank test (5 %)
both show.

{markdown(head, rows)}

## How it was made

Written by `python benchmarks/studies/protocol/simpler.py --out OUT`; nobody types here.

{how_made(failed, runs).replace(str(out), "OUT")}
"""


if __name__ == "__main__":
    main()
