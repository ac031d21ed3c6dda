"""What the learned memory costs: learning earlier tasks, and choosing the next training.

    python benchmarks/studies/speed/surrogate.py [--steps 20] [--repeats 3] [--rows 1000000] [--profile] [--record]

On one core, on NAS-Bench-Graph: `cora` is the target, the seven others with the whole space are earlier tasks. Prints
milliseconds of wall clock and of CPU beside their bars; a step is `ask(1)`, `tell` and adapting after 200 results, with
the surrogate from scratch and none as controls in the same run. `--profile` shows where the time of a step goes;
`--record` writes the section of benchmarks/results/speed.md.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from evonas.core.context import SearchContext
from evonas.search.evolution import Evolution
from evonas.search.loop import generator
from evonas.search.screening import Screened
from evonas_benchmarks.run.problems import Earlier, earlier_rows
from evonas_benchmarks.tables import Table, table
from evonas_surrogates.boosting import BoostingSurrogate
from evonas_surrogates.meta import MetaSurrogate
from studies.speed import results

TARGET, LEFT_OUT = "cora", "proteins"  # the latter has a smaller space
EARLIER, RESULTS, POOL = 1000, 200, 16
COLUMNS = {
    "what": "{what}",
    "wall": "{wall:,.1f} ms",
    "CPU": "{cpu:,.1f} ms",
    "bar": "{bar:,.0f} ms",
    "aim": "{aim:,.0f} ms",
    "n": "{n}",
}


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Milliseconds of wall clock and of this process's CPU."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return 1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - cpu)


def medians(samples: list[tuple[float, float]]) -> dict[str, float]:
    walls, cpus = zip(*samples, strict=True)
    return {"wall": statistics.median(walls), "cpu": statistics.median(cpus), "n": len(samples)}


def learned(earlier: list[Earlier]) -> MetaSurrogate:
    X, y = np.concatenate([one.X for one in earlier]), np.concatenate([one.y for one in earlier])
    return MetaSurrogate().fit(X, y, np.repeat([one.task for one in earlier], [len(one.y) for one in earlier]))


def many(earlier: list[Earlier], rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """So many rows in all, drawn again from those there are, each target a little off so that they are not copies."""
    rng = np.random.default_rng(seed)
    sizes = [rows // len(earlier) + (i < rows % len(earlier)) for i in range(len(earlier))]
    drawn = [rng.integers(len(one.y), size=size) for one, size in zip(earlier, sizes, strict=True)]
    y = [one.y[i] + 0.01 * one.y.std() * rng.normal(size=len(i)) for one, i in zip(earlier, drawn, strict=True)]
    X = np.concatenate([one.X[i] for one, i in zip(earlier, drawn, strict=True)], dtype=np.float32)
    return X, np.concatenate(y), np.repeat([one.task for one in earlier], sizes)


def searched(ranker: Any, space: Table) -> Callable[[], None]:
    """A search that has its results; each call is one more step."""
    encoding, task, evaluate = space.encoding, space.entry(TARGET).task, space.evaluator(TARGET)
    context = SearchContext(encoding, task=task)
    inner = Evolution(context)
    searcher: Any = inner if ranker is None else Screened(context, inner, ranker, pool=POOL)
    number = 0

    def step() -> None:
        nonlocal number
        for candidate in searcher.ask(1, generator(0, number)):
            searcher.tell([evaluate(candidate, task, 0)])
        number += 1

    for _ in range(RESULTS):
        step()
    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=20, help="steps that are timed, after the first 200")
    parser.add_argument("--repeats", type=int, default=3, help="of learning; the large one is done once")
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the large one; 0 leaves it out")
    parser.add_argument("--profile", action="store_true", help="where the time of the memory's steps goes")
    parser.add_argument("--record", action="store_true", help="write benchmarks/results/speed.md")
    options = parser.parse_args()
    space = table("nasbench-graph")
    names = [task.name for task in space.tasks if task.name not in (TARGET, LEFT_OUT)]
    # of one draw for each repeat: what was learned once in a process is not learned again
    draws = [[earlier_rows(space, i, name, EARLIER, r) for i, name in enumerate(names)] for r in range(options.repeats)]
    earlier = draws[0]
    lines: list[dict[str, Any]] = []

    def note(what: str, samples: list[tuple[float, float]], **goals: float) -> None:
        lines.append({"what": what, **goals, **medians(samples)})
        print(lines[-1], flush=True)

    with threadpool_limits(1):
        fits = [timed(partial(learned, draw)) for draw in draws]
        note(f"learn {len(names)} earlier tasks × {EARLIER:,} rows", fits, bar=5_000)
        if options.rows:
            X, y, groups = many(earlier, options.rows)
            fits = [timed(lambda: MetaSurrogate().fit(X, y, groups))]
            note(f"learn {len(names)} earlier tasks, {options.rows:,} rows in all", fits, bar=120_000)
        rankers = {"meta": learned(earlier), "boosting": BoostingSurrogate(), "no surrogate": None}
        steps = {name: searched(ranker, space) for name, ranker in rankers.items()}
        for name, step in steps.items():
            goals = {"bar": 25, "aim": 10} if name == "meta" else {}
            note(
                f"a step after {RESULTS} results, pool {POOL}: {name}",
                [timed(step) for _ in range(options.steps)],
                **goals,
            )
        if options.profile:
            profile = cProfile.Profile()
            for _ in range(options.steps):
                profile.runcall(steps["meta"])
            pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    said = f"One core, NAS-Bench-Graph, target {TARGET}; medians of n, the controls below the memory's own step."
    results.tell("What the learned memory costs", said, lines, COLUMNS, options.record)


if __name__ == "__main__":
    main()
