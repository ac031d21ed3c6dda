"""What evonas itself costs an evaluation: archive, loop and DEAP on a task whose evaluation takes no time.

    python benchmarks/studies/speed/overhead.py [--trials 5000] [--repeats 3] [--record]

Prints milliseconds an evaluation for each method, with and without the archive (the control, in the same run);
`--record` writes them to benchmarks/results/overhead.md.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from evonas.core import environment
from evonas.core.context import SearchContext
from evonas.core.types import Candidate, Evaluation, Task
from evonas.encodings.cell import CellEncoding
from evonas.execution.processes import Serial
from evonas.memory.archive import Archive, RunRecord
from evonas.search.loop import Budget, run
from evonas.search.methods import make_method

TASK = Task("null", (0, 0, 0), 0)
BAR = 2.0  # milliseconds an evaluation, archive, loop and DEAP together
METHODS = ("evolution", "nsga2", "aging", "random")


def null(candidate: Candidate, task: Task, seed: int) -> Evaluation:
    """Takes no time; counts the 3×3 convolutions, so that selection has something to select."""
    count = str(candidate.genome).count("nor_conv_3x3")
    return Evaluation(candidate, {"val_accuracy": count / 6, "params": float(count)})


def cost(method: str, trials: int, seed: int, archived: bool) -> float:
    """Milliseconds an evaluation of one search on the cell encoding, in a fresh archive or none."""
    encoding = CellEncoding()
    with tempfile.TemporaryDirectory() as folder:
        store = Archive(Path(folder) / "archive.db") if archived else None
        if store is not None:
            store.add_run(RunRecord("run", TASK, "cell", method))
        searcher = make_method(method, SearchContext(encoding, task=TASK))
        start = time.perf_counter()
        outcome = run(searcher, Serial(null), TASK, seed=seed, budget=Budget(trials), store=store)
        seconds = time.perf_counter() - start
        if store is not None:
            assert len(store.trials("run")) == len(outcome.trials) == trials
            store.close()
    return 1000 * seconds / trials


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--record", action="store_true", help="write benchmarks/results/overhead.md")
    options = parser.parse_args()
    cost("random", 10, 0, False)  # fills the encoding's caches
    lines = [
        f"| method | with the archive, ms an evaluation (bar {BAR:g}) | without | archive's share |",
        "|---|---|---|---|",
    ]
    for method in METHODS:
        pairs = [  # turn about, so that a busy machine is busy for both
            [cost(method, options.trials, seed, archived) for archived in (True, False)]
            for seed in range(options.repeats)
        ]
        full, bare = map(statistics.median, zip(*pairs, strict=True))
        lines.append(f"| {method} | {full:.3f} | {bare:.3f} | {1 - bare / full:.0%} |")
    table = "\n".join(lines)
    print(table)
    if options.record:
        command = " ".join(["python benchmarks/studies/speed/overhead.py", *sys.argv[1:]])
        versions = ", ".join(f"{k} {v}" for k, v in environment.versions().items())
        text = (
            "# Overhead of evonas an evaluation\n\nArchive, loop and DEAP on a task that takes no time; "
            f"the cell encoding; {options.trials:,} evaluations a search,\n"
            f"median of {options.repeats} seeds.\n\n{table}\n\n"
            f"Made by `{command}` on {environment.processor()}; {versions}.\n"
        )
        (Path(__file__).parents[2] / "results" / "overhead.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
