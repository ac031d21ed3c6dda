"""How long both tabular suites take, and in how much memory; and what a long random search costs. Linux only.

    python benchmarks/studies/speed/suites.py [--seeds 20] [--trials 150] [--jobs 2] [--record]

Runs `evonas bench run` as a user does, in a folder that is thrown away, and adds up every second what its processes
hold (memory that they share once: proportional set sizes). The bars: both suites in 20 minutes on two cores, 2 GiB, and
less than one second of evonas's own time for 10,000 trials of random search.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evonas_benchmarks.analysis import reading
from studies.speed import results

SUITES = ("nasbench201", "nasbench-graph")
METHODS = "evolution+meta,random,aging"
MINUTES, GIB, OWN_SECONDS = 20.0, 2.0, 1.0  # the bars
LONG = 10_000  # trials of the random search


def run(suite: str, methods: str, out: Path, *, trials: int, seeds: int, jobs: int, tasks: str = "") -> dict[str, Any]:
    """Minutes and the most memory (GiB) of one `evonas bench run`, its report included."""
    words = ["run", suite, "--methods", methods, "--trials", str(trials), "--seeds", str(seeds), "--jobs", str(jobs)]
    words += [*(("--tasks", tasks) if tasks else ()), "--out", str(out), "--quiet"]
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "evonas.app.cli", "bench", *words], stdout=subprocess.DEVNULL)
    most = 0.0
    while process.poll() is None:
        most = max(most, memory(process.pid))
        time.sleep(1)
    if process.returncode:
        raise SystemExit(f"evonas bench {' '.join(words)} ended with {process.returncode}")
    return {"suite": suite, "minutes": (time.perf_counter() - start) / 60, "memory": most}


def memory(root: int) -> float:
    """GiB that a process and its descendants hold now."""
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(status.parent.name)] = int(status.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue  # it has ended
    family = {root}
    while grown := {child for child, parent in parents.items() if parent in family} - family:
        family |= grown
    return sum(map(held, family)) / 2**20


def held(pid: int) -> int:
    """KiB of one process; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def own_seconds(folder: Path, method: str) -> float:
    """What the method itself took for all trials of a run's only cell."""
    return float(reading.read_curves(folder, [method]).overhead.sum())


def body(rows: Sequence[Mapping[str, Any]], own: float, options: argparse.Namespace) -> str:
    total = {"suite": "both", "minutes": sum(row["minutes"] for row in rows), "memory": max(r["memory"] for r in rows)}
    columns = {"suite": "{suite}", "minutes": "{minutes:.1f}", "most memory, GiB": "{memory:.2f}"}
    return (
        f"{METHODS}; {options.trials} trials, {options.seeds} seeds, {options.jobs} cells at a time. The bars: "
        f"{MINUTES:g} minutes for both with 150 trials and 20 seeds on two cores, {GIB:g} GiB.\n\n"
        f"{results.table([*rows, total], columns)}\n\n"
        f"Random search on NAS-Bench-Graph, {LONG:,} trials: {own:.2f} s of its own (bar {OWN_SECONDS:g})."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--record", action="store_true", help="write the section of benchmarks/results/speed.md")
    options = parser.parse_args()
    chosen = {"trials": options.trials, "seeds": options.seeds, "jobs": options.jobs}
    with tempfile.TemporaryDirectory() as folder:
        rows = [run(suite, METHODS, Path(folder) / suite, **chosen) for suite in SUITES]
        once = {"trials": LONG, "seeds": 1, "jobs": 1, "tasks": "cora"}
        run("nasbench-graph", "random", Path(folder) / "long", **once)
        text = body(rows, own_seconds(Path(folder) / "long", "random"), options)
    print(text)
    if options.record:
        results.record("Suites", "cpu", text)


if __name__ == "__main__":
    main()
