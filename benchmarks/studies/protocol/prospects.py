"""Is it true what a search says of ten more trainings? On tables, where what these bring and the best are known.

    python benchmarks/studies/protocol/prospects.py --rows FILE.jsonl        # stopped at any time, it goes on
    python benchmarks/studies/protocol/prospects.py --rows FILE.jsonl --write

Searches with and without earlier tasks are asked after so many trials; then they go on. Writes
benchmarks/results/prospects.md. How wide deviations are taken (`evonas.search.prospects`) was chosen on CALIBRATED.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evonas.core.environment import processor, versions
from evonas.search.prospects import SURE, prospects
from evonas_benchmarks.pages.text import markdown
from evonas_benchmarks.run.problems import make_searcher, tabular_problem
from evonas_benchmarks.suites.suite import load_suite
from studies.real_images import rows

PAGE = Path(__file__).parents[2] / "results" / "prospects.md"
METHOD, MORE = "evolution+meta", 10
LOOKS = (10, 20, 50, 100)  # trials, after which a search is asked
CALIBRATED = "seeds 301 and 302 of NAS-Bench-201 and of cora and cs"
TASKS = {
    "nasbench201": ("cifar10", "cifar100", "ImageNet16-120"),
    "nasbench-graph": ("cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "arxiv"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, required=True, help="what was found, a line each")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--write", action="store_true", help="run nothing")
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    if not options.write:
        had = rows.read(options.rows)
        done = {(row["suite"], row["task"], row["warm"], row["seed"]) for row in had}
        for seed in seeds:
            for suite, tasks in TASKS.items():
                for task in tasks:
                    for warm in (True, False):
                        if (suite, task, warm, seed) not in done:
                            rows.append(options.rows, list(asked(suite, task, warm, seed)))
                            print(suite, task, "with earlier tasks" if warm else "from scratch", seed, flush=True)
    found = [row for row in rows.read(options.rows) if row["seed"] in seeds]
    PAGE.write_text(page(pd.DataFrame(found)), encoding="utf-8")
    print(PAGE)


def asked(suite: str, task: str, warm: bool, seed: int) -> Iterator[dict[str, Any]]:
    """A row each time that a search is asked; figures are shares of the way from the table's median to its best."""
    problem = tabular_problem(load_suite(suite), task, seed, untaught=not warm)
    searcher, rng, objective = make_searcher(METHOD, problem), np.random.default_rng(seed), problem.goal.first
    results: list[Any] = []
    best, said = [-np.inf], {}
    with problem.executor as executor:
        for trial in range(1, LOOKS[-1] + MORE + 1):
            results.append(executor.submit(searcher.ask(1, rng)[0], problem.task, 0).result())
            searcher.tell(results[-1:])
            value = objective.value(results[-1].metrics) if results[-1].ok else -np.inf
            best.append(max(best[-1], value))
            if trial in LOOKS:
                said[trial] = prospects(searcher, results, objective, np.random.default_rng([seed, trial]), MORE)
    whole = problem.best - problem.median
    for trial, one in said.items():
        if one is not None:
            yield {
                **{"suite": suite, "task": task, "warm": warm, "seed": seed, "trial": trial},
                **{"expected": one.expected / whole, "at_most": one.at_most / whole},
                "gained": (best[trial + MORE] - best[trial]) / whole,
                "left": (problem.best - best[trial]) / whole,
            }


def page(found: pd.DataFrame) -> str:
    shown = []
    for suite in TASKS:
        for warm in (True, False):
            mine = found[(found.suite == suite) & (found.warm == warm)]
            for look in (*LOOKS, None):
                some = mine if look is None else mine[mine.trial == look]
                if len(some):
                    named = [suite, "known" if warm else "none", str(look or "all")]
                    shown.append([*named, *_figures(pd.DataFrame(some))])
    head = ["table", "earlier tasks", "after", "asked", f"{MORE} more: expected", "came"]
    head += [f"{SURE:.0%} sure of", "so it was"]
    made = ", ".join(f"{name} {version}" for name, version in versions().items() if name in ("evonas", "numpy"))
    return f"""# What more trainings would bring

What a search says of {MORE} more trainings, `{METHOD}`, and what came: means over tasks and seeds, in hundredths of the
way from a table's median network to its best. `sure of` is by how much nothing in the space is better, and `so it was`
how often that held: it should be {SURE:.0%}. How wide the ranker's deviations are taken was chosen on
{CALIBRATED}; here are seeds {", ".join(str(seed) for seed in sorted(found.seed.unique()))}.

{markdown(head, shown)}

Made by `python benchmarks/studies/protocol/prospects.py --rows FILE`, on {processor()}; {made}.
"""


def _figures(some: pd.DataFrame) -> list[str]:
    held = (some.left <= some.at_most + 1e-12).mean()
    return [
        str(len(some)),
        *(f"{100 * some[name].mean():.2f}" for name in ("expected", "gained", "at_most")),
        f"{held:.0%}",
    ]


if __name__ == "__main__":
    main()
