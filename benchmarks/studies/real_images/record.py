"""Run whole systems on image sets, one row a set, system and seed; stopped whenever you like, it goes on where it was.

    python benchmarks/studies/real_images/record.py --images FOLDER --root FOLDER --plan     # what is missing
    python benchmarks/studies/real_images/record.py --images FOLDER --root FOLDER            # run it
    python benchmarks/studies/real_images/record.py --images FOLDER --root FOLDER --full     # evonas on all images
    python benchmarks/studies/real_images/record.py --sets mine=npz:FILE --systems evonas,resnet8 --seconds 60

`--images` holds mnist.npz, fashion_mnist.npz, kmnist_10k.npz, usps.npz and cifar10*.npz (x_train, y_train, x_test,
y_test); sets that evonas makes are made in `--root`. Each row names the commit, the processor and the versions. One
core (with --full two): nothing else should run, or --own-time counts the processor time of each system, and one
command may run for each core, with --seeds of its own. Rows of one set, seed and budget have to come from one
processor, and one kind of clock.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evonas.core.errors import EvonasError, choices
from evonas_benchmarks.peers.peer import required
from studies.real_images import plan, rows, sets, systems
from studies.real_images.measured import Watch, by_own_time, origin, threads, warm
from studies.real_images.plan import Work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, help="folder of .npz files")
    parser.add_argument("--root", type=Path, help="folder of the sets that evonas makes")
    parser.add_argument("--sets", default="", help=f"of {','.join(sets.SETS)}; or NAME=SOURCE as --data takes it")
    parser.add_argument("--systems", default="", help="only these, on all --sets and --seeds, instead of the plan")
    parser.add_argument("--seeds", default="", help="comma-separated; the plan's, or 0 for --systems and --full")
    parser.add_argument("--seconds", type=float, help=f"of a search; {plan.BUDGET:g}, {plan.FULL_BUDGET:g} with --full")
    parser.add_argument("--shorter", default=plan.SHORTER, help=f"more --seconds for evonas; {plan.SHORTER}")
    parser.add_argument("--learned", type=int, default=plan.LEARNED, help="at most so many images to learn from")
    parser.add_argument("--full", action="store_true", help="learn from all images, on two cores; rows are marked")
    parser.add_argument("--plan", action="store_true", help="say what is missing, run nothing")
    parser.add_argument("--anew", action="store_true", help="drop the rows of a block that another processor began")
    parser.add_argument("--busy", action="store_true", help="keep rows that something else on this machine slowed down")
    parser.add_argument("--own-time", action="store_true", help="count processor time: others may run beside it")
    parser.add_argument("--rows", type=Path, default=rows.ROWS)
    options = parser.parse_args()
    if options.own_time:
        by_own_time(sys.argv)
    try:
        with threads(plan.FULL_THREADS if options.full else 1):
            failed = record(options)
    except EvonasError as error:
        sys.exit(f"record: {error}")
    except KeyboardInterrupt:
        sys.exit("record: stopped; the same command goes on")
    if failed:
        sys.exit(f"record: {failed} rows could not be made, see above; the same command tries them again")


def record(options: argparse.Namespace) -> int:
    """Run what is missing, or say it; how many rows could not be made.

    Raises EvonasError where an option is not valid, a block was begun on another processor, or Optuna is wanted and
    not installed.
    """
    by = origin()
    names = options.sets or (",".join(sets.PUBLISHED) if options.full else "")
    sources = sets.sources(names, options.images, options.root)
    failed: list[Work] = []
    data: Any = None
    if not options.plan:
        warm()
    while True:
        had = rows.read(options.rows)
        works = [work for work in plan.missing(wanted(options, list(sources), had), had) if work not in failed]
        if options.plan:
            print(plan.words(works, had))
            return 0
        for work in works if not options.anew else ():  # of all that is to come: better now than in hours
            rows.refuse_another(had, rows.block(work.row), by["processor"])
        if any("optuna" in work.system for work in works):
            required("optuna")
        if not works:
            return len(failed)
        work, block = works[0], rows.block(works[0].row)
        if any(name != by["processor"] for name in rows.processors(had).get(block, ())):
            print(
                f"{rows.words(block)}: {rows.drop(options.rows, block)} rows of another processor dropped", flush=True
            )
            continue
        try:
            if data is None or data.name != work.set:
                most = None if options.full else options.learned
                data = sets.load(work.set, sources[work.set], options.images, options.root, most)
            row = made(work, data, by)
            if not options.busy:
                refuse_starved(row)
        except Exception as error:  # one system that breaks must not end a recording of hours
            fail(work, error)
            failed.append(work)
            continue
        rows.append(options.rows, [row])
        print(f"{work}: {row['test_accuracy']:.4f} in {row['wall_seconds']:.0f} s", flush=True)


def wanted(options: argparse.Namespace, names: Sequence[str], had: Sequence[rows.Row]) -> list[Work]:
    """What the options ask for. Raises EvonasError where there is no such system, or numbers are none."""
    seeds = [int(seed) for seed in numbers(options.seeds, "--seeds")]
    budget = options.seconds or (plan.FULL_BUDGET if options.full else plan.BUDGET)
    if not options.systems and not options.full:
        return plan.planned(had, names, seeds or plan.ALL_SEEDS, budget, numbers(options.shorter, "--shorter"))
    chosen = options.systems.split(",") if options.systems else [plan.OURS]
    for name in chosen:
        if name not in systems.SYSTEMS:
            raise EvonasError(f"no system {name!r}; there are {choices(systems.SYSTEMS)}")
    return [Work(n, seed, budget, system, options.full) for seed in seeds or [0] for n in names for system in chosen]


def numbers(text: str, option: str) -> list[float]:
    """Of a list with commas. Raises EvonasError where one is none."""
    try:
        return [float(one) for one in text.split(",") if one]
    except ValueError:
        raise EvonasError(f"{option} {text!r} is no list of numbers; give them with commas between: 1,2") from None


def made(work: Work, data: Any, by: Mapping[str, Any]) -> dict[str, Any]:
    """The row. Raises EvonasError where the system finds no network."""
    if work.system == plan.BEST:
        raise EvonasError("it is not known before all fixed networks are recorded on all these sets with seed 0")
    watch = Watch()
    found = systems.SYSTEMS[work.system](data, work.budget, work.seed)
    return {**work.row, **found, **watch.seconds(), "learned": len(data.y), "tested": len(data.y_test), **by}


def refuse_starved(row: rows.Row) -> None:
    """Raises EvonasError where a tenth of the time, and a second, passed without the processor: its seconds are less
    than what others had."""
    wall, cpu = row["wall_seconds"], row["cpu_seconds"]
    if wall - cpu > max(1.0, 0.1 * wall):
        raise EvonasError(
            f"it had {cpu / wall:.2f} of a core: something else runs on this machine; the row is not kept (--busy)"
        )


def fail(work: Work, error: Exception) -> None:
    """Say why a row could not be made. Raises KeyboardInterrupt where a search was stopped by it."""
    from evonas.app.job import Interrupted

    if isinstance(error, Interrupted):
        raise KeyboardInterrupt
    if not isinstance(error, EvonasError):
        traceback.print_exception(error)
    print(f"{work}: {str(error) or type(error).__name__}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
