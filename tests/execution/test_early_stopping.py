"""What cannot reach the top is given up, and only that."""

from dataclasses import dataclass

import numpy as np
import pytest

from evonas.core.errors import EvonasError
from evonas.core.goals import Goal, Objective
from evonas.core.types import Candidate, Evaluation
from evonas.execution.early_stopping import LEAST, REVIEWS, EarlyStopping, LearningCurveRule
from evonas.execution.processes import Processes, Serial
from evonas.search.evolution import Evolution
from evonas.search.loop import Budget, run
from tests.toys import TASK, Digits, on

LOSS = Objective("val_loss", maximize=False)


@dataclass
class Learner:
    """Its accuracy at the end is that of its genome; it grows in a line from a third of it."""

    def __call__(self, candidate, task, seed):
        if candidate.genome[0] == 3 and candidate.fidelity > 0.5:
            raise MemoryError("out of memory")
        value = sum(candidate.genome) / 18 * (1 + 2 * candidate.fidelity) / 3
        metrics = {"val_accuracy": value, "val_loss": 1 - value, "seconds": 1.0, "params": 5.0}
        return Evaluation(candidate, metrics, 1.0)


def curve(genome_value, upto=1.0):
    points = (*REVIEWS, 1.0)
    return {f: genome_value * (1 + 2 * f) / 3 for f in points if f <= upto}


def test_nothing_is_stopped_before_enough_has_been_seen():
    rule = LearningCurveRule(0.25)
    for i in range(LEAST - 1):
        rule.learn(curve(0.5 + i / 100))
    assert not rule(curve(0.0, REVIEWS[0]))
    rule.learn(curve(0.9))
    assert rule(curve(0.0, REVIEWS[0]))


def test_the_bound_is_the_line_and_its_largest_shortfall():
    exact, rough = LearningCurveRule(0.25), LearningCurveRule(0.25)
    for i in range(20):
        exact.learn(curve(i / 20))
        rough.learn({**curve(i / 20), 1.0: i / 20 + (0.5 if i == 3 else 0.0)})
    # the fifth best of 20 ends at .75
    assert exact(curve(0.74, REVIEWS[0]))
    assert not exact(curve(0.76, REVIEWS[0]))
    assert not rough(curve(0.74, REVIEWS[0]))  # one of the past came from far behind
    assert rough(curve(0.2, REVIEWS[0]))


def test_stopped_ones_count_among_all():
    """Else the top of those that were let through would rise and rise."""
    few, many = LearningCurveRule(0.25), LearningCurveRule(0.25)
    for i in range(20):
        few.learn(curve(i / 20))
        many.learn(curve(i / 20))
    for _ in range(40):
        many.learn(curve(0.01, REVIEWS[0]))
    assert few(curve(0.5, REVIEWS[0]))
    assert not many(curve(0.5, REVIEWS[0]))


@pytest.mark.parametrize("share", [0, 1, -0.5, float("nan")])
def test_a_share_that_is_none(share):
    with pytest.raises(EvonasError, match="between 0 and 1"):
        LearningCurveRule(share)


def search(executor, trials=60, told=()):
    return run(Evolution(on(Digits())), executor, TASK, seed=0, budget=Budget(trials), trials=told).trials


def test_a_search_gives_up_the_bad_and_keeps_the_good():
    with EarlyStopping(Serial(Learner())) as executor:
        trials = search(executor)
    assert len(trials) == 60
    evaluations = [t.evaluation for t in trials]
    stopped = [e for e in evaluations if e.ok and e.candidate.fidelity < 1]
    whole = [e for e in evaluations if e.ok and e.candidate.fidelity == 1]
    failed = [e for e in evaluations if not e.ok]
    assert len(stopped) > 10
    assert {e.candidate.fidelity for e in stopped} <= set(REVIEWS)
    assert all(e.seconds == e.metrics["seconds"] == 1 + REVIEWS.index(e.candidate.fidelity) for e in stopped)
    assert all(e.seconds == e.metrics["seconds"] == 3 for e in whole)
    assert all("val_accuracy@0.33" in e.metrics and "val_accuracy@0.67" in e.metrics for e in whole)
    assert failed
    assert all(e.candidate.fidelity == 1 and e.seconds >= 1 and "out of memory" in str(e.error) for e in failed)
    final = np.array([sum(e.candidate.genome) for e in [*whole, *stopped]])
    assert max(sum(e.candidate.genome) for e in stopped) < np.quantile(final, 0.9)


@pytest.mark.parametrize("objective", [Objective("val_accuracy"), LOSS], ids=str)
@pytest.mark.parametrize("stop", [3, 20, 41])
def test_resumes_exactly(objective, stop):
    whole = search(EarlyStopping(Serial(Learner()), Goal((objective,))))
    again = search(EarlyStopping(Serial(Learner()), Goal((objective,)), observed=whole[:stop]), told=whole[:stop])
    assert [what(t.evaluation) for t in again] == [what(t.evaluation) for t in whole]


def what(evaluation):
    """All but the time that a failure took."""
    return evaluation.candidate, evaluation.metrics, evaluation.status, evaluation.error


def test_a_candidate_for_few_epochs_is_left_alone():
    executor = EarlyStopping(Serial(Learner()))
    evaluation = executor.submit(Candidate((1, 1), 0.5), TASK, 0).result()
    assert evaluation == Learner()(Candidate((1, 1), 0.5), TASK, 0)


def test_in_worker_processes():
    with EarlyStopping(Processes([Learner()] * 2)) as executor:
        assert executor.slots == 2
        trials = search(executor, 40)
    assert sorted(t.number for t in trials) == list(range(40))
    assert any(t.evaluation.candidate.fidelity < 1 for t in trials)
