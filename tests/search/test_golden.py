"""Searches go as they went in the version before screening and maximizing were told apart.

`golden/searches.json` holds the genomes that version asked for, in their order, and says how it was made. Whoever
changes on purpose what a method searches records its searches anew, and shows that the recorded figures hold.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from evonas.core import trust
from evonas.core.genomes import freeze
from evonas.core.types import Evaluation
from evonas.execution.processes import Serial
from evonas.search.loop import Budget, run
from evonas.search.methods import make_method
from evonas_benchmarks.run.problems import make_searcher, tabular_problem
from evonas_benchmarks.suites.suite import change, load_suite
from tests.toys import TASK, Digits, on, total

GOLDEN = json.loads(Path(__file__).with_name("golden").joinpath("searches.json").read_text(encoding="utf-8"))[
    "searches"
]
SEARCHERS = ("evolution", "aging", "random", "local", "nsga2")
TABLES = {"nasbench-graph": "cora", "nasbench201": "cifar10"}


class Sum:
    """A ranker that knows the answer of `total`, has no way of its own to explore, and learns nothing."""

    def fit(self, X, y, groups):
        return self

    def adapt(self, X, y):
        return self

    def predict(self, X):
        return X.sum(1)


def spec(method):
    trust.given(f"{__name__}:Sum")
    return method.replace("+sum", f"+{__name__}:Sum")


def of(space):
    return [name for name in GOLDEN if name.split()[0] == space]


def test_the_recorded_searches_are_of_all_kinds():
    assert {(space, *method.split("+")) for space, method, _ in map(str.split, GOLDEN)} >= {
        ("digits", searcher, ranker) for searcher in SEARCHERS for ranker in ("boosting", "sum")
    }
    assert {space for space, _, _ in map(str.split, GOLDEN)} == {"digits", *TABLES}


@pytest.mark.parametrize("name", of("digits"))
def test_a_small_space_is_searched_as_before(name):
    _, method, seed = name.split()
    trials = run(make_method(spec(method), on(Digits())), Serial(total), TASK, seed=int(seed), budget=Budget(40)).trials
    assert [trial.evaluation.candidate.genome for trial in trials] == list(freeze(GOLDEN[name]))


@pytest.mark.parametrize("searcher", SEARCHERS)
def test_without_earlier_tasks_the_memory_searches_alike_twice_with_workers_and_failures(searcher):
    """Its choices among networks that are nearly equal may differ from one processor to another."""
    assert _asked(f"{searcher}+meta") == _asked(f"{searcher}+meta")


def _asked(method):
    """Two at a time, one in five failing."""
    searcher, asked, pending = make_method(method, on(Digits())), [], []
    for k in range(16):
        pending += searcher.ask(2, np.random.default_rng([3, k]))
        asked += [candidate.genome for candidate in pending[-2:]]
        while len(pending) > 2:
            candidate = pending.pop(0)
            fails = sum(candidate.genome) % 5 == 0
            searcher.tell([Evaluation.failure(candidate, "no luck") if fails else total(candidate, TASK, 0)])
    return asked


@pytest.mark.parametrize("name", [name for space in TABLES for name in of(space)])
def test_a_table_is_searched_as_before(name):
    """With a memory of earlier tasks: what the recorded figures are made of."""
    pytest.importorskip("nas_bench_graph", reason="the tables come with the extra bench")
    suite, method, seed = name.split()
    problem = tabular_problem(change(load_suite(suite), earlier=60), TABLES[suite], int(seed))
    searcher = make_searcher(spec(method), problem)
    with problem.executor as executor:
        trials = run(searcher, executor, problem.task, seed=int(seed), budget=Budget(24)).trials
    assert [trial.evaluation.candidate.genome for trial in trials] == list(freeze(GOLDEN[name]))
