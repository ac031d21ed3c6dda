"""Screening and maximizing: what is passed on, where it came from, and what is kept for it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas.core import trust
from evonas.core.types import Candidate, Evaluation
from evonas.execution.processes import Serial
from evonas.search import feature_rows
from evonas.search.baselines import LocalSearch, RandomSearch
from evonas.search.duplicates import DuplicateFilter
from evonas.search.evolution import Evolution
from evonas.search.halving import SuccessiveHalving
from evonas.search.loop import Budget, run
from evonas.search.maximizer import AcquisitionMaximizer
from evonas.search.methods import make_method
from evonas.search.screening import Screened
from tests.toys import TASK, Digits, on, total

HERE = "tests.search.test_screening"


@pytest.fixture(autouse=True)
def trusted():
    trust.given(f"{HERE}:Sum")


class Sum:
    """A ranker that knows the answer."""

    def fit(self, X, y, groups):
        return self

    def adapt(self, X, y):
        return self

    def predict(self, X):
        return X.sum(1)


class Acquisitive(Sum):
    def acquire(self, X, pending=None):
        return X.sum(1)


class Counting(Digits):
    """Says how often features were computed."""

    computed: int

    def features(self, genome):
        object.__setattr__(self, "computed", getattr(self, "computed", 0) + 1)
        return super().features(genome)


METHODS = [
    "random",
    "local",
    "aging",
    "evolution",
    "nsga2",
    "halving",
    "halving(searcher='aging(population=4)+boosting')",
    "random+meta",
    "local+meta",
    "aging+boosting",
    "evolution+meta",
    "nsga2+meta",
    "halving+meta",
    f"evolution+{HERE}:Sum(refine=4)",
    f"local+{HERE}:Sum",
    f"local+{HERE}:Sum(refine=0)",
    "earlier-mean",
]


@pytest.mark.thorough
@pytest.mark.parametrize("method", METHODS)
def test_where_a_candidate_came_from_is_true(method):
    """Over whole searches: every parent was evaluated before, and a candidate is what its origin says."""
    encoding, searcher = Digits(), make_method(method, on(Digits()))
    observed, origins, pending = set(), set(), []
    for k in range(45):
        for candidate in searcher.ask(1 + k % 2, np.random.default_rng([1, k])):
            origins.add(candidate.origin)
            assert set(candidate.parents) <= observed, f"{candidate} has parents that nobody evaluated"
            assert len(set(candidate.parents)) == len(candidate.parents) or candidate.origin == "crossed"
            if candidate.origin in ("sampled", "warm start"):
                assert candidate.parents == ()
            if candidate.origin == "mutated":
                assert len(candidate.parents) == 1
            if candidate.origin == "crossed":
                assert len(candidate.parents) == 2
            if candidate.origin == "promoted":
                assert candidate.parents == (candidate.genome,)
            else:
                assert encoding.canonical(candidate.genome) not in {encoding.canonical(g) for g in observed}
            pending.append(candidate)
        while len(pending) > 1:
            evaluation = total(pending.pop(0), TASK, 0)
            searcher.tell([evaluation])
            observed.add(evaluation.candidate.genome)
    expected = {
        "random": {"sampled"},
        "earlier-mean": {"sampled"},
        "local": {"sampled", "mutated"},
        "evolution": {"sampled", "mutated", "crossed"},
        "aging": {"sampled", "mutated"},
    }
    if method in expected:
        assert origins == expected[method]
    assert origins >= {"sampled"}
    assert ("maximized" in origins) == ("+" in method and "refine=0" not in method)
    assert ("promoted" in origins) == method.startswith("halving")


def test_what_is_made_from_a_sample_has_no_parents():
    searcher = Screened(on(Digits()), RandomSearch(on(Digits())), Sum(), explore=0.0)
    trials = run(searcher, Serial(total), TASK, seed=0, budget=Budget(20)).trials
    candidates = [trial.evaluation.candidate for trial in trials]
    assert {c.origin for c in candidates} >= {"maximized"}
    assert {c.parents for c in candidates} == {()}


def test_of_candidates_and_what_is_made_of_them_the_better_is_passed_on():
    context = on(Digits())
    best = {}
    for refine in (0, 3):
        searcher = Screened(context, RandomSearch(context), Sum(), explore=0.0, refine=refine)
        (candidate,) = searcher.ask(1, np.random.default_rng(0))
        best[refine] = candidate
    pool = RandomSearch(context).propose(16, np.random.default_rng(0))
    assert best[0].genome == max(pool, key=lambda c: sum(c.genome)).genome
    assert best[0].origin == "sampled"
    assert sum(best[3].genome) > sum(best[0].genome)
    assert best[3].origin == "maximized"


@given(rounds=st.integers(0, 4), mutants=st.integers(1, 20), seed=st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_the_maximizer_makes_what_is_new_and_scores_it(rounds, mutants, seed):
    encoding, rng = Digits(), np.random.default_rng(seed)
    known, parent = DuplicateFilter(encoding), encoding.canonical(encoding.sample(rng))
    known.add([Candidate(parent)])
    pool = [Candidate(encoding.mutate(parent, rng), 0.5, (parent,), "mutated"), Candidate(parent, 0.25)]
    scores = np.array([float(sum(c.genome)) for c in pool])
    maximizer = AcquisitionMaximizer(encoding, rounds, mutants)
    made, worth = maximizer.maximize(
        pool, scores, lambda genomes: np.array([float(sum(g)) for g in genomes]), known, {parent}, rng
    )
    assert len(made) == len(worth) <= rounds * 4 * -(-mutants // 4)
    assert worth.tolist() == [sum(c.genome) for c in made]
    assert len({c.genome for c in made}) == len(made)
    assert not any(c.genome in known or c.genome == pool[0].genome for c in made)
    assert {c.origin for c in made} <= {"maximized"}
    assert {c.parents for c in made} <= {(parent,)}  # the pool's own are not evaluated, or are the parent itself
    assert {c.fidelity for c in made} <= {0.5, 0.25}
    if rounds * mutants > 20:  # of a few all may be known
        assert made


def test_local_search_climbs_where_only_its_own_candidates_are_screened():
    def climbed(refine):
        context = on(Digits(length=8, base=4))
        inner = LocalSearch(context)
        searcher = Screened(context, inner, Sum(), refine=refine)
        trials = run(searcher, Serial(total), TASK, seed=0, budget=Budget(40)).trials
        return sum(t.evaluation.candidate.origin == "mutated" for t in trials)

    assert climbed(0) > 25
    assert climbed(6) < climbed(0) / 2  # it starves, as its docstring says


def test_rows_of_the_genomes_last_met_are_kept_and_no_more(monkeypatch):
    monkeypatch.setattr(feature_rows, "REMEMBERED", 100)
    encoding = Counting(length=10)
    searcher = Screened(on(encoding), Evolution(on(encoding)), Acquisitive())
    for k in range(60):
        asked = searcher.ask(2, np.random.default_rng([0, k]))
        assert len(searcher._features._rows) <= 100
        searcher.tell([Evaluation(c, {}, status="absent") if k % 5 == 0 else total(c, TASK, 0) for c in asked])
    assert encoding.computed > 60 * 2 * 16  # which is what was not kept


def test_a_row_of_a_result_is_computed_once():
    encoding = Counting(length=10)
    searcher = Screened(on(encoding), RandomSearch(on(encoding)), Sum(), pool=1, refine=0)
    run(searcher, Serial(total), TASK, seed=0, budget=Budget(30))
    assert encoding.computed == 30


def test_halving_screens_inside_with_the_options_of_both():
    method = f"halving(searcher='evolution(population=5)')+{HERE}:Sum(pool=3, refine=1, explore=0.5)"
    searcher = make_method(method, on(Digits()))
    assert isinstance(searcher, SuccessiveHalving)
    screened: Any = searcher.searcher
    assert (screened.pool, screened.refine, screened.explore) == (3, 1, 0.5)
    assert screened.searcher.population == 5
