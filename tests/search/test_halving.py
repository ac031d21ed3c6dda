from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau

from evonas.core import trust
from evonas.core.errors import EvonasError
from evonas.core.goals import VAL_ACCURACY, Objective
from evonas.core.types import Candidate, Evaluation
from evonas.execution.processes import Serial
from evonas.search.evolution import AgingEvolution, Evolution
from evonas.search.fidelity import at_full
from evonas.search.halving import SuccessiveHalving
from evonas.search.loop import Budget, run
from evonas.search.methods import make_method
from evonas.search.screening import Screened
from tests.toys import TASK, Digits, Slow, on, total


def noisy(candidate, task, seed):
    """Few epochs tell less: the value grows with fidelity."""
    metrics = {"val_accuracy": sum(candidate.genome) / 18 * candidate.fidelity**0.1}
    return Evaluation(candidate, metrics, candidate.fidelity)


def search(trials=90, evaluator=noisy, told=()):
    searcher = SuccessiveHalving(on(Digits()))
    return run(searcher, Serial(evaluator), TASK, seed=0, budget=Budget(trials), trials=told).trials


def test_most_get_few_epochs_and_the_best_get_all():
    trials = search()
    counts = Counter(round(t.evaluation.candidate.fidelity, 3) for t in trials)
    assert set(counts) == {0.111, 0.333, 1.0}
    assert counts[0.111] > counts[0.333] > counts[1.0] > 0
    low = {
        t.evaluation.candidate.genome: t.evaluation.metrics["val_accuracy"]
        for t in trials
        if t.evaluation.candidate.fidelity < 0.2
    }
    high = [t.evaluation.candidate.genome for t in trials if t.evaluation.candidate.fidelity == 1.0]
    assert set(high) <= set(low)
    average = sum(low.values()) / len(low)
    assert all(low[genome] > average for genome in high)


def test_no_genome_is_trained_twice_at_one_fidelity():
    pairs = Counter((t.evaluation.candidate.genome, t.evaluation.candidate.fidelity) for t in search(150))
    assert max(pairs.values()) == 1


@pytest.mark.parametrize("stop", [1, 10, 44])
def test_resumes_exactly(stop):
    whole = search(60)
    again = search(60, told=whole[:stop])
    assert [t.evaluation for t in again] == [t.evaluation for t in whole]


def test_failures_never_go_up():
    trials = search(evaluator=Slow(fault="raise"))
    failed = {t.evaluation.candidate.genome for t in trials if not t.evaluation.ok}
    assert failed
    assert not failed & {t.evaluation.candidate.genome for t in trials if t.evaluation.candidate.fidelity > 0.2}


def test_one_rung_is_the_searcher_itself():
    plain = run(Evolution(on(Digits())), Serial(total), TASK, seed=0, budget=Budget(30)).trials
    halved = run(SuccessiveHalving(on(Digits()), rungs=1), Serial(total), TASK, seed=0, budget=Budget(30)).trials
    assert [t.evaluation for t in halved] == [t.evaluation for t in plain]


def test_by_name():
    searcher = make_method("halving(searcher='aging(population=7)', eta=2, rungs=4)", on(Digits()))
    assert isinstance(searcher, SuccessiveHalving)
    assert searcher.fidelities == [0.125, 0.25, 0.5, 1]
    assert isinstance(searcher.searcher, AgingEvolution)
    assert searcher.searcher.population == 7
    with pytest.raises(EvonasError, match="one objective, got val_accuracy, -params"):
        SuccessiveHalving(on(Digits(), Objective("val_accuracy"), Objective("params", maximize=False)))


class Listening:
    """A ranker that keeps what it is told, and knows nothing."""

    def fit(self, X, y, groups):
        return self

    def adapt(self, X, y):
        self.X, self.y = X, y
        return self

    def predict(self, X):
        return np.zeros(len(X))


class Knowing(Listening):
    def predict(self, X):
        return X.sum(1)

    def describe(self):
        return "knows the answer"


@pytest.mark.parametrize("searcher", ["halving", "halving(searcher='aging')"])
def test_screened_inside_nothing_that_earned_more_epochs_is_lost(searcher):
    ranker = "tests.search.test_halving:Knowing"
    trust.given(ranker)
    searcher = make_method(f"{searcher}+{ranker}", on(Digits()))
    assert isinstance(searcher, SuccessiveHalving)
    assert isinstance(searcher.searcher, Screened)
    assert searcher.describe() == "knows the answer"
    trials = run(searcher, Serial(noisy), TASK, seed=0, budget=Budget(60)).trials
    counts = Counter(round(t.evaluation.candidate.fidelity, 3) for t in trials)
    assert counts[0.111] > counts[0.333] > counts[1.0] > 2
    pairs = Counter((t.evaluation.candidate.genome, t.evaluation.candidate.fidelity) for t in trials)
    assert max(pairs.values()) == 1
    assert np.mean([sum(g) for g, fidelity in pairs if fidelity < 0.2]) > 12  # of 18; a random one has 9


def agreement(values, truth) -> float:
    found: Any = kendalltau(values, truth)
    return found.statistic


def test_a_surrogate_learns_from_few_epochs_on_the_scale_of_all():
    ranker = Listening()
    searcher = SuccessiveHalving(on(Digits()), Screened(on(Digits()), Evolution(on(Digits())), ranker))
    trials = run(searcher, Serial(noisy), TASK, seed=0, budget=Budget(90)).trials
    assert isinstance(searcher.searcher, Screened)
    searcher.searcher._adapt()
    evaluations = [t.evaluation for t in trials]
    genomes = list({e.candidate.genome: None for e in evaluations})
    truth = [sum(genome) for genome in genomes]
    raw = [max(e.metrics["val_accuracy"] for e in evaluations if e.candidate.genome == genome) for genome in genomes]
    assert len(ranker.y) == len(genomes)  # a network is one row, however often it was trained
    lifted = agreement(ranker.y, truth)
    assert lifted > agreement(raw, truth)
    assert lifted > 0.9


def evaluation(genome, fidelity, value):
    candidate = Candidate(genome, fidelity)
    return Evaluation.failure(candidate, "broken") if value is None else Evaluation(candidate, {"val_accuracy": value})


def test_low_fidelities_are_lifted_by_the_median_gain_of_those_with_both():
    told = [
        *(evaluation(i, 0.1, value) for i, value in enumerate([0.1, 0.2, 0.3, 0.4, None])),
        *(evaluation(i, 0.5, value) for i, value in {1: 0.35, 2: 0.5, 3: 0.55, 5: 0.7}.items()),
        evaluation(3, 1.0, 0.75),
        evaluation(5, 1.0, None),
    ]
    found = at_full(told, VAL_ACCURACY)
    assert found == pytest.approx({0: 0.45, 1: 0.55, 2: 0.7, 3: 0.75, 4: np.nan, 5: np.nan}, nan_ok=True)
    assert list(found) == [0, 1, 2, 3, 4, 5]


@given(st.lists(st.floats(0, 1), max_size=8), st.floats(0.01, 1))
def test_one_fidelity_is_left_as_it_is(values, fidelity):
    told = [evaluation(i, fidelity, value) for i, value in enumerate(values)]
    assert list(at_full(told, VAL_ACCURACY).values()) == values


def test_what_is_minimized_is_lifted_too():
    loss = Objective("val_accuracy", maximize=False)
    told = [evaluation(0, 0.5, 2.0), evaluation(1, 0.5, 3.0), evaluation(0, 1.0, 1.0)]
    assert at_full(told, loss) == {0: -1.0, 1: -2.0}
