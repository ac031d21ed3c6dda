"""What the learned generator costs: its meta-training, a proposal, and learning from a result.

    python benchmarks/studies/speed/policy.py [--steps 50] [--repeats 3] [--record]

On NAS-Bench-Graph: `cora` is the target, seven others with 1,000 rows each are earlier tasks. Meta-training has two
cores and begins with learning the evaluator; a proposal is one of the policy alone, and a step `ask` and `tell`, both
after 200 results on one core. Prints medians beside their bars; `--record` writes the section of
benchmarks/results/speed.md.
"""

from __future__ import annotations

import argparse
from functools import partial
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from evonas.core.context import SearchContext
from evonas.search.loop import generator
from evonas_benchmarks.run.problems import Earlier, earlier_rows
from evonas_benchmarks.tables import Table, table
from evonas_surrogates.policy import PolicySearch
from studies.speed import results
from studies.speed.surrogate import COLUMNS, EARLIER, LEFT_OUT, RESULTS, TARGET, learned, medians, timed


def taught(space: Table, earlier: list[Earlier], seed: int) -> PolicySearch[Any]:
    """Evaluator and generator fitted from scratch; the first proposal is what waits for it."""
    searcher = PolicySearch[Any](SearchContext(space.encoding, task=space.entry(TARGET).task, seed=seed))
    searcher.advised(learned(earlier))
    searcher.propose(1, generator(0, 0))
    return searcher


def step(searcher: PolicySearch[Any], space: Table, number: int) -> None:
    """One proposal, looked up, and learned from."""
    for candidate in searcher.ask(1, generator(0, number)):
        searcher.tell([space.evaluator(TARGET)(candidate, space.entry(TARGET).task, 0)])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=50, help="proposals and steps that are timed, after 200 results")
    parser.add_argument("--repeats", type=int, default=3, help="of meta-training")
    parser.add_argument("--record", action="store_true", help="write benchmarks/results/speed.md")
    options = parser.parse_args()
    space = table("nasbench-graph")
    names = [task.name for task in space.tasks if task.name not in (TARGET, LEFT_OUT)]
    # of one draw for each repeat: what was learned once in a process is not learned again
    draws = [[earlier_rows(space, i, name, EARLIER, r) for i, name in enumerate(names)] for r in range(options.repeats)]
    lines: list[dict[str, Any]] = []

    def note(what: str, samples: list[tuple[float, float]], **goals: float) -> None:
        lines.append({"what": what, **goals, **medians(samples)})
        print(lines[-1], flush=True)

    with threadpool_limits(2):
        torch.set_num_threads(2)
        fits = [timed(partial(taught, space, draw, seed)) for seed, draw in enumerate(draws)]
        note(f"meta-training on {len(names)} earlier tasks × {EARLIER:,} rows, evaluator included", fits, bar=60_000)
    with threadpool_limits(1):
        torch.set_num_threads(1)
        searcher = taught(space, draws[0], 0)
        for number in range(RESULTS):
            step(searcher, space, number)
        proposals = [timed(partial(searcher.propose, 1, generator(1, k))) for k in range(options.steps)]
        note(f"a proposal after {RESULTS} results", proposals, bar=5)
        steps = [timed(partial(step, searcher, space, RESULTS + k)) for k in range(options.steps)]
        note(f"a step after {RESULTS} results: proposal, lookup, learning", steps)
    said = f"NAS-Bench-Graph, target {TARGET}; meta-training on two cores, the others on one; medians of n."
    results.tell("What the learned generator costs", said, lines, COLUMNS, options.record)


if __name__ == "__main__":
    main()
