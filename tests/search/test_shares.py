"""Shares of the turns by what succeeded: ranks count, old results are forgotten, failures are no success."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas.core.goals import Goal
from evonas.core.types import Candidate, Evaluation
from evonas.search.shares import Shares, _best_of

GOAL = Goal()
SOURCES = {"a": ("mutated", "crossed"), "b": ("policy",), "c": ("sampled",)}


def result(origin, value, fidelity=1.0):
    candidate = Candidate((origin, value), fidelity, origin=origin)
    return Evaluation(candidate, {"val_accuracy": value}) if value is not None else Evaluation.failure(candidate, "no")


def told(*results):
    shares = Shares(SOURCES)
    for one in results:
        shares.add(one, GOAL)
    return shares


def test_before_anything_is_known_all_are_alike():
    assert told().now() == pytest.approx({"a": 1 / 3, "b": 1 / 3, "c": 1 / 3})
    assert told(*[result("warm start", i / 9) for i in range(9)]).now() == pytest.approx(told().now())


def test_who_succeeds_has_the_turns_and_who_was_never_tried_some():
    rng = np.random.default_rng(0)
    shares = told(
        *[result(*one) for i in range(30) for one in (("policy", 0.9 + i / 1e3), ("mutated", rng.random() / 2))]
    )
    now = shares.now()
    assert now["b"] > 0.6
    assert now["b"] > now["c"] > now["a"]
    assert shares.credited == 60


def test_both_origins_of_a_source_count_for_it():
    worse = [result("policy", 0.1)] * 6
    one, other = (told(*[result(origin, 0.9) for _ in range(6)], *worse).now() for origin in ("mutated", "crossed"))
    assert one == other
    assert one["a"] > one["c"] > one["b"]


def test_what_was_once_good_is_forgotten():
    early = [result("policy", 0.9)] * 20  # which nothing betters later
    late = [result("mutated", 0.5), result("policy", 0.1)] * 40
    assert told(*late, *early).now()["b"] > told(*late, *early).now()["a"]
    assert told(*early, *late).now()["a"] > told(*early, *late).now()["b"]


def test_a_failure_is_no_success_and_a_lost_worker_no_failure():
    good = [result("policy", 0.5), result("mutated", 0.4)]
    assert told(*good, *[result("policy", None)] * 5).now()["b"] < told(*good).now()["b"]
    lost = Evaluation.failure(Candidate((), origin="policy"), "worker died")
    absent = Evaluation(Candidate((), origin="policy"), {}, status="absent")
    assert told(*good, lost, absent).now() == told(*good).now()
    only_failures = told(*[result("policy", None)] * 8).now()
    assert only_failures["b"] < only_failures["a"] == pytest.approx(only_failures["c"])


def test_results_are_compared_with_those_of_their_fidelity():
    rng = np.random.default_rng(0)
    short = [result("policy", 0.1 + rng.random() / 10, 0.1) for _ in range(12)]
    whole = [result("mutated", 0.8 + rng.random() / 10) for _ in range(12)]
    both = told(*[one for pair in zip(short, whole, strict=True) for one in pair]).now()
    assert both["a"] == pytest.approx(both["b"], abs=0.15)
    as_one = told(*[result(o.candidate.origin, o.metrics["val_accuracy"]) for o in [*short, *whole]]).now()
    assert as_one["a"] > as_one["b"] + 0.3


origin_and_value = st.tuples(
    st.sampled_from(["mutated", "crossed", "policy", "sampled", "maximized", "warm start"]),
    st.none() | st.integers(0, 20),
)


@given(st.lists(origin_and_value, max_size=60))
@settings(max_examples=50, deadline=None)
def test_they_are_shares_and_only_ranks_count(results):
    now = told(*[result(*one) for one in results]).now()
    assert sum(now.values()) == pytest.approx(1)
    assert min(now.values()) >= 0
    stretched = [(origin, None if value is None else np.exp(value)) for origin, value in results]
    assert told(*[result(*one) for one in stretched]).now() == now


def test_a_share_is_how_often_the_beta_distribution_gives_the_greatest():
    successes, failures = np.array([1.0, 2.5, 0.3]), np.array([4.0, 6.0, 0.9])
    draws = np.random.default_rng(0).beta(successes, failures, size=(40_000, 3)).argmax(1)
    np.testing.assert_allclose(_best_of(successes, failures), np.bincount(draws) / 40_000, atol=0.02)
