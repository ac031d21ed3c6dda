"""What is known before training is checked before: for every searcher, and again by a search that goes on."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas.core.context import SearchContext
from evonas.core.goals import Goal
from evonas.core.types import Candidate, Evaluation
from evonas.encodings.within import Within
from evonas.execution.processes import Serial
from evonas.search.limits import Costs, Limited, Proposals
from evonas.search.loop import Budget, run
from evonas.search.methods import make_method
from evonas.search.rungs import Rungs
from evonas.search.warm_start import WarmStart
from tests.toys import TASK, Digits, total

SPACE = Digits()
METHODS = ("random", "evolution", "aging", "nsga2", "local", "random+boosting(pool=4,refine=1)", "halving")


def costs(genome, names=("params",)):
    """Mirrored genomes cost the same."""
    return {"params": float(sum(genome)), "flops": float(max(genome))}


def trained(candidate, task, seed):
    """The larger, the better: without a limit a search would end at the largest."""
    evaluation = total(candidate, task, seed)
    return replace(evaluation, metrics={**evaluation.metrics, **costs(candidate.genome)})


def goal_of(*texts):
    return Goal.parse("val_accuracy", texts)


def made(method, goal, first=(), rungs=None, space=SPACE, patience=300):
    proposals = Proposals(Costs(goal, ("params", "flops"), costs, space), patience)
    context = SearchContext(Within(space, proposals), goal, TASK, first=first)
    searcher = make_method(method, context)
    if rungs:
        searcher = Rungs(context, searcher, rungs, first)
    elif first:
        searcher = WarmStart(context, searcher)
    return Limited(searcher, goal, proposals)


def searched(searcher, trials=15, told=(), seed=3):
    return run(searcher, Serial(trained), TASK, seed=seed, budget=Budget(trials), trials=told)


def genomes(outcome):
    return [trial.evaluation.candidate.genome for trial in outcome.trials]


@pytest.mark.parametrize("method", METHODS)
def test_what_breaks_a_limit_is_never_trained_and_is_no_trial(method):
    """One genome in nine keeps them."""
    goal = goal_of("params<=6", "flops<=2")
    searcher = made(method, goal)
    outcome = searched(searcher)
    assert len(outcome.trials) == 15
    assert all(goal.feasible(trial.evaluation.metrics) for trial in outcome.trials)
    assert searcher.broken > 0
    best = goal.best(outcome.trials)
    assert best is not None
    assert best.evaluation.metrics["params"] >= 5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("stop", [1, 6])
def test_a_search_under_limits_goes_on_as_if_it_had_never_stopped(method, stop):
    goal = goal_of("params<=5")
    whole, first = made(method, goal), made(method, goal)
    outcome, half = searched(whole, 10), searched(first, stop)
    again = made(method, goal)
    assert genomes(searched(again, 10, half.trials)) == genomes(outcome)
    assert again.broken == whole.broken


@settings(max_examples=15)
@given(st.sampled_from(["random", "evolution", "local"]), st.integers(2, 16), st.booleans(), st.integers(0, 99))
def test_only_what_is_feasible_is_proposed_whatever_the_limit(method, bound, at_most, seed):
    goal = goal_of(f"params{'<=' if at_most else '>='}{bound}")
    outcome = searched(made(method, goal), 6, seed=seed)
    assert outcome.trials
    assert all(goal.feasible(trial.evaluation.metrics) for trial in outcome.trials)


def test_rungs_promote_what_keeps_limits_and_begin_with_it():
    goal = goal_of("params<=6")
    outcome = searched(made("evolution", goal, ((0, 0, 0, 0, 0, 1),), rungs=(0.1, 0.3)), 20)
    assert {trial.evaluation.candidate.fidelity for trial in outcome.trials} == {0.1, 0.3}
    assert all(goal.feasible(trial.evaluation.metrics) for trial in outcome.trials)


class Stubborn:
    """Knows of no limit, and varies nothing by the encoding: 0, 1, 2, … in the last place."""

    def __init__(self):
        self.told: list[Evaluation[Any]] = []
        self.next = 18

    def ask(self, n: int, rng: np.random.Generator) -> list[Candidate[Any]]:
        self.next -= 1
        return [Candidate((0, 0, 0, 0, 0, self.next))][:n] if self.next >= 0 else []

    def tell(self, evaluations: Sequence[Evaluation[Any]]) -> None:
        self.told += evaluations


def test_a_searcher_that_sees_no_limits_is_told_what_breaks_them():
    goal = goal_of("params<=3")
    inner = Stubborn()
    searcher = Limited(inner, goal, Proposals(Costs(goal, ("params",), costs, SPACE)))
    outcome = searched(searcher)
    assert [genome[-1] for genome in genomes(outcome)] == [3, 2, 1, 0]
    assert [one.status for one in inner.told] == ["absent"] * 14 + ["ok"] * 4
    assert "params 17 breaks params<=3" in str(inner.told[0].error)
    assert searcher.broken == 14


@pytest.mark.parametrize("method", ["random", "evolution+boosting", "nsga2"])
def test_where_nothing_keeps_a_limit_the_nearest_ends_the_search(method):
    goal = goal_of("params>=40")
    patience = 10_000 if method == "random" else 300
    outcome = searched(made(method, goal, patience=patience))
    assert genomes(outcome) == [(3,) * 6]
    assert f"{patience:,} networks in a row break one" in outcome.reason
    assert "params 18 breaks params>=40 is the nearest, 55 % over" in outcome.reason
    assert "params>=40" in outcome.reason
    assert genomes(searched(made(method, goal, patience=patience), told=outcome.trials)) == genomes(outcome)
    assert not goal.feasible(outcome.trials[0].evaluation.metrics)


def test_the_nearest_is_trained_for_as_long_as_the_searcher_wanted():
    outcome = searched(made("random", goal_of("params>=40"), rungs=(0.25, 0.5)))
    assert [trial.evaluation.candidate.fidelity for trial in outcome.trials] == [0.25]


def test_a_rare_network_is_walked_to():
    """One of 16,777,216; by chance alone it would be seen in one of some 1,700 times 10,000 proposals."""
    space = Digits(12, 4)
    goal = goal_of("params>=36")
    outcome = searched(made("random", goal, space=space, patience=1000), 5)
    assert genomes(outcome) == [(3,) * 12]
    assert "space is exhausted" in outcome.reason


def latency_of(candidate, task, seed):
    """As an evaluator that measures before it trains, and trains what is known already."""
    found = {"latency_ms": float(sum(candidate.genome))}
    if not candidate.known and found["latency_ms"] > LATENCY:
        return Evaluation(candidate, found, 0.0, "absent", "too slow")
    return replace(trained(candidate, task, seed), metrics={"val_accuracy": 0.5, **found})


LATENCY = 4.0


def test_what_is_measured_before_training_is_no_trial_either():
    goal = goal_of(f"latency_ms<={LATENCY:g}")
    context = SearchContext(SPACE, goal, TASK)
    searcher = Limited(make_method("random", context), goal)
    outcome = run(searcher, Serial(latency_of), TASK, seed=0, budget=Budget(5))
    status = [trial.evaluation.status for trial in outcome.trials]
    assert status.count("ok") == 5
    assert status.count("absent") == searcher.broken > 0
    again = Limited(make_method("random", context), goal)
    half = outcome.trials[: len(outcome.trials) // 2]
    resumed = run(again, Serial(latency_of), TASK, seed=0, budget=Budget(5), trials=half)
    assert [trial.evaluation for trial in resumed.trials] == [trial.evaluation for trial in outcome.trials]


def test_where_all_are_too_slow_the_search_ends_and_recommends_the_nearest():
    goal = goal_of("latency_ms<=-1")

    def slow(candidate, task, seed):
        return Evaluation(candidate, {"latency_ms": 1.0 + sum(candidate.genome)}, 0.0, "absent", "too slow")

    searcher = Limited(make_method("random", SearchContext(SPACE, goal, TASK)), goal, patience=40)
    outcome = run(searcher, Serial(slow), TASK, seed=0, budget=Budget(5))
    assert len(outcome.trials) == 41
    sums = [sum(trial.evaluation.candidate.genome) for trial in outcome.trials]
    assert sums[-1] == min(sums)
    assert "40 networks in a row" in outcome.reason
    recommended = searcher.recommend()
    assert recommended is not None
    assert sum(recommended) == min(sums)
    assert searcher.recommend([recommended]) is None


def test_variation_gives_the_parent_back_where_no_child_fits():
    goal = goal_of("params<=0")
    space = Within(SPACE, Proposals(Costs(goal, ("params",), costs, SPACE)))
    only, rng = (0,) * 6, np.random.default_rng(0)
    assert space.mutate(only, rng) == only
    assert space.crossover(only, only, rng) == only
    assert space.sample(rng) == only


def test_costs_are_counted_once_for_a_network():
    counted = []

    def count(genome, names):
        counted.append((genome, tuple(names)))
        return costs(genome)

    found = Costs(goal_of("params<=3", "params>=1", "val_accuracy>=.9"), ("params", "flops"), count, SPACE)
    for genome in ((0, 0, 0, 0, 0, 2), (2, 0, 0, 0, 0, 0), (0, 0, 0, 0, 0, 2)):
        assert found.violation(genome) == 0
    assert found.violation((3, 3, 0, 0, 0, 0)) == 1
    assert counted == [((0, 0, 0, 0, 0, 2), ("params",)), ((0, 0, 0, 0, 3, 3), ("params",))]


@pytest.mark.parametrize("method", ["evolution", "aging", "local", "nsga2", "halving"])
def test_what_is_known_after_training_goes_by_feasibility_first(method):
    """The good ones break the limit: a search that goes by accuracy alone would stay among them."""

    def heavy(candidate, task, seed):
        metrics = {**trained(candidate, task, seed).metrics, "peak_memory_mb": float(sum(candidate.genome))}
        return Evaluation(candidate, metrics)

    goal = goal_of("peak_memory_mb<=7")
    searcher = make_method(method, SearchContext(SPACE, goal, TASK))
    outcome = run(searcher, Serial(heavy), TASK, seed=1, budget=Budget(150))
    best = goal.best(outcome.trials)
    assert best is not None
    assert best.evaluation.metrics["peak_memory_mb"] == 7
    late = [trial.evaluation.metrics["peak_memory_mb"] for trial in outcome.trials[-50:]]
    assert np.median(late) <= 9


def test_rungs_recommend_what_keeps_the_limits_of_a_lower_rung():
    goal = goal_of("peak_memory_mb<=5")
    rungs = Rungs(SearchContext(SPACE, goal, TASK), Stubborn(), (0.1, 0.3))

    def told(genome, fidelity, accuracy, memory):
        metrics = {"val_accuracy": accuracy, "peak_memory_mb": memory}
        rungs.tell([Evaluation(Candidate(genome, fidelity), metrics)])

    told((3,) * 6, 0.1, 0.9, 9.0)
    assert rungs.recommend() == (3,) * 6
    told((1,) * 6, 0.1, 0.4, 5.0)
    told((2,) * 6, 0.1, 0.5, 5.0)
    told((3,) * 6, 0.3, 0.95, 9.0)
    assert rungs.recommend() == (2,) * 6
    assert rungs.recommend([(2,) * 6, (1,) * 6]) == (3,) * 6
    promoted = rungs.ask(1, np.random.default_rng(0))
    assert promoted[0].genome == (2,) * 6
