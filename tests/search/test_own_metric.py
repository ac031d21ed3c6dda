"""A metric that nobody registered is searched for like any other, where its direction is said."""

import pytest

from evonas.core.context import SearchContext
from evonas.core.goals import Goal
from evonas.core.types import Candidate, Evaluation
from evonas.execution.processes import Serial
from evonas.search.evolution import Evolution
from evonas.search.loop import Budget, run
from tests.toys import TASK, Digits


def scored(candidate: Candidate, task, seed: int) -> Evaluation:
    return Evaluation(candidate, {"f1": sum(candidate.genome) / 18, "size": float(candidate.genome[0])})


@pytest.mark.parametrize(("text", "better"), [("f1:max", max), ("f1:min", min)])
def test_what_an_evaluator_returns_can_be_searched(text, better):
    goal = Goal.parse(text)
    found = run(Evolution(SearchContext(Digits(), goal)), Serial(scored), TASK, seed=0, budget=Budget(60)).trials
    values = [trial.evaluation.metrics["f1"] for trial in found]
    best = goal.best(found)
    assert best is not None
    assert best.evaluation.metrics["f1"] == better(values)
    late, early = values[30:], values[:12]
    assert better(sum(late) / len(late), sum(early) / len(early)) == sum(late) / len(late)  # it bred from the better


def test_several_have_a_front():
    goal = Goal.parse("f1:max,size:min")
    found = run(Evolution(SearchContext(Digits(), goal)), Serial(scored), TASK, seed=0, budget=Budget(60)).trials
    front = goal.front(found)
    sizes = [trial.evaluation.metrics["size"] for trial in front]
    assert len(front) > 1
    assert sizes == sorted(set(sizes), reverse=True)
