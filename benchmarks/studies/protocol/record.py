"""Run the recorded protocol and write benchmarks/results/ from the benchmark runs that are there.

    python benchmarks/studies/protocol/record.py --out FOLDER [--jobs 2]    # everything; stop it whenever you like
    python benchmarks/studies/protocol/record.py --out FOLDER --parts nasbench201 --groups ours,plain
    python benchmarks/studies/protocol/record.py --out FOLDER --write       # run nothing, write what there is
    python benchmarks/studies/protocol/record.py --out FOLDER --restore     # first take the runs that results/ keeps

FOLDER lies outside the repository and keeps every finished benchmark run; the same command goes on where it stopped.
Without `--restore` a new folder begins with nothing, and everything is measured again. Each part is a run of `evonas
bench`, whose command stands in what is written.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas_benchmarks.run import runner
from evonas_benchmarks.run.plan import plan
from evonas_benchmarks.suites.suite import change, load_suite
from studies.protocol import curve_store, pages, several, targets

RESULTS = Path(__file__).parents[2] / "results"
SUITES = ("nasbench201", "nasbench-graph")
PARTS = (*SUITES, "misled", "memory", *several.SUITES)
OURS = "evolution+meta"  # what `evonas search` does by default


def peers() -> list[str]:
    """The other people's optimizers that are registered."""
    entries = plugins.available("evonas.searchers")
    return sorted(name for name, entry in entries.items() if entry.value.startswith("evonas_benchmarks.peers"))


def groups() -> dict[str, list[str]]:
    """Methods that are run together, in this order."""
    searchers = ("evolution", "aging", "random", "local", "nsga2")
    return {
        "plain": [*searchers, "earlier-mean"],
        "ours": [f"{searcher}+meta" for searcher in searchers],
        "peers": peers(),
        "boosting": [f"{searcher}+boosting" for searcher in searchers],
    }


SEEDS = {"plain": 50, "ours": 50, "peers": 20, "boosting": 20}
REFERENCE, LONGER = "random", 20  # it is given so many times the trials, that speed-ups over it can be seen


@dataclass(frozen=True)
class Part:
    """One run of a suite: `folder` is where, in --out; `changes` are the suite's options."""

    folder: str
    suite: str
    methods: Sequence[str]
    seeds: int
    changes: Mapping[str, int]
    trials: int

    def command(self, jobs: int) -> str:
        options = [f"--{key.replace('_', '-')} {value}" for key, value in self.changes.items()]
        options += [f"--trials {self.trials} --seeds {self.seeds} --jobs {jobs} --out OUT/{self.folder}"]
        return f"evonas bench run {self.suite} --methods {shlex.quote(','.join(self.methods))} {' '.join(options)}"


def memory_parts(seeds: int, trials: int) -> list[Part]:
    """How the gain depends on what is remembered: rows a task of all tasks, then one task, two, all of 1,000 rows."""
    parts = []
    for suite in SUITES:
        others = len(load_suite(suite).task_names()) - 1
        for changes in [{"earlier": 25}, {"earlier": 100}, *({"earlier_tasks": n} for n in (1, 2) if n < others)]:
            words = "-".join(f"{key}-{value}" for key, value in changes.items()).replace("_", "-")
            parts.append(Part(f"memory/{suite}-{words}", suite, [OURS], seeds, changes, trials))
    return parts


def corrupted_part(seeds: int, trials: int) -> Part:
    """What earlier tasks cost that mislead."""
    return Part("misled/nasbench-graph", "nasbench-graph", list(targets.CORRUPTED.values()), seeds, {}, trials)


def several_parts(suite: str, seeds: int, only: Sequence[str]) -> list[Part]:
    """Of several objectives, or limits: the suite's own methods and the peers that take such."""
    methods = [one for one in (*load_suite(suite).methods, *several.PEERS) if not only or one in only]
    found = []
    for is_reference, trials in ((False, several.TRIALS), (True, several.GIVEN)):
        those = [method for method in methods if (method == REFERENCE) == is_reference]
        found += [Part(suite, suite, those, seeds, {}, trials)] if those else []
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the benchmark runs, outside the repository")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the tables and plots go")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--groups", default=",".join(groups()))
    parser.add_argument("--methods", default="", help="only these, of the groups chosen")
    parser.add_argument("--seeds", type=int, help="at most so many, for a try")
    parser.add_argument("--trials", type=int, default=150)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="run nothing")
    parser.add_argument("--restore", action="store_true", help="first take the benchmark runs that --results keeps")
    options = parser.parse_args()
    try:
        parts = chosen(options)
        for path in sorted(options.results.rglob("*.parquet")) if options.restore else ():
            folder = options.out / path.relative_to(options.results).with_suffix("")
            made = curve_store.restore(path, folder)
            print(f"restored: {made} benchmark runs of {folder.relative_to(options.out)}", flush=True)
        for part in parts if not options.write else ():
            carry_out(part, options)
        pages.write(options.out, options.results, SUITES, OURS, peers())
    except EvonasError as error:
        sys.exit(f"record: {error}")
    except KeyboardInterrupt:
        sys.exit("record: stopped; the same command goes on, and with --write it writes what there is")


def chosen(options: argparse.Namespace) -> list[Part]:
    """What the command line asks for. Raises EvonasError where it names something else."""
    known, only = groups(), [name for name in options.methods.split(",") if name]
    for name, there in (("parts", PARTS), ("groups", known)):
        for one in getattr(options, name).split(","):
            if one not in there:
                raise EvonasError(f"no {name[:-1]} {one!r}; there are {', '.join(there)}")
    found = []
    for suite in [suite for suite in SUITES if suite in options.parts.split(",")]:
        for group in options.groups.split(","):
            methods = [method for method in known[group] if not only or method in only]
            seeds = min(SEEDS[group], options.seeds or 10**9)
            for is_reference, times in ((False, 1), (True, LONGER)):
                those = [method for method in methods if (method == REFERENCE) == is_reference]
                if those:
                    found.append(Part(suite, suite, those, seeds, {}, times * options.trials))
    for suite in [suite for suite in several.SUITES if suite in options.parts.split(",")]:
        found += several_parts(suite, min(20, options.seeds or 20), only)
    if "misled" in options.parts.split(","):
        found.append(corrupted_part(min(20, options.seeds or 20), options.trials))
    if "memory" in options.parts.split(","):
        found += memory_parts(min(20, options.seeds or 20), options.trials)
    return found


def carry_out(part: Part, options: argparse.Namespace) -> None:
    """Run what is missing of it, method by method in one pool; what is not installed is left out, and said."""
    suite = change(load_suite(part.suite), **part.changes)
    there = []
    for method in part.methods:
        try:
            plugins.resolve("evonas.searchers", method.partition("+")[0])
            there.append(method)
        except EvonasError as error:
            print(f"left out: {method}: {error}", file=sys.stderr)
    if not there:
        return
    the_plan = plan(suite, options.out / part.folder, methods=there, trials=part.trials, seeds=part.seeds)
    total, done = len(the_plan.benchmark_runs()), 0

    def advance(more: int) -> None:
        nonlocal done
        done += more
        if done == total or done * 20 // total > (done - more) * 20 // total:
            print(f"{part.folder}: {done} of {total} benchmark runs", flush=True)

    command = replace(part, methods=there).command(options.jobs)
    ran = runner.run(the_plan, options.jobs, advance, command)
    for one, reason in ran.failed.items():
        print(f"failed: {part.folder}: {one}: {reason}", file=sys.stderr)


if __name__ == "__main__":
    main()
