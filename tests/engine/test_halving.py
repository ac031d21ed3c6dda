from collections import Counter

import pytest

from evonas.errors import EvonasError
from evonas.evolution import Evolution
from evonas.executors import Serial
from evonas.halving import SuccessiveHalving, halving
from evonas.loop import Budget, run
from evonas.types import Evaluation, Objective
from tests.engine.toys import TASK, Digits, Slow, total


def noisy(candidate, task, seed):
    """Few epochs tell less: the value grows with fidelity."""
    metrics = {"val_accuracy": sum(candidate.genome) / 18 * candidate.fidelity**0.1}
    return Evaluation(candidate, metrics, candidate.fidelity)


def search(trials=90, evaluator=noisy, told=()):
    searcher = SuccessiveHalving(Evolution(Digits()))
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
    plain = run(Evolution(Digits()), Serial(total), TASK, seed=0, budget=Budget(30)).trials
    halved = run(SuccessiveHalving(Evolution(Digits()), rungs=1), Serial(total), TASK, seed=0, budget=Budget(30)).trials
    assert [t.evaluation for t in halved] == [t.evaluation for t in plain]


def test_by_name():
    assert halving(Digits(), searcher="aging", eta=2, rungs=4).fidelities == [0.125, 0.25, 0.5, 1]
    with pytest.raises(EvonasError, match="one objective, got val_accuracy, -params"):
        halving(Digits(), (Objective("val_accuracy"), Objective("params", maximize=False)))
