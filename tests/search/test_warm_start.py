"""A warm start: the portfolio in its order, then the searcher, which has observed it."""

from dataclasses import replace

import pytest

from evonas.core.types import Evaluation
from evonas.execution.processes import Serial
from evonas.search.evolution import Evolution
from evonas.search.loop import Budget, run
from evonas.search.warm_start import WarmStart
from tests.toys import TASK, Digits, on

FIRST = ((3, 3, 3, 0, 0, 0), (1, 1, 1, 1, 1, 1), (0, 0, 0, 3, 3, 3))  # the last is the first, mirrored


def score(candidate, task, seed):
    return Evaluation(candidate, {"val_accuracy": sum(candidate.genome) / 18})


def search(trials=20, told=()):
    context = replace(on(Digits()), first=FIRST)
    searcher = WarmStart(context, Evolution(context))
    return run(searcher, Serial(score), TASK, seed=0, budget=Budget(trials), trials=told).trials


def test_what_is_known_comes_first_and_each_network_once():
    made = [trial.evaluation.candidate for trial in search()]
    assert [c.genome for c in made[:2]] == [Digits().canonical(genome) for genome in FIRST[:2]]
    assert [c.origin for c in made].count("warm start") == 2
    canonical = [Digits().canonical(c.genome) for c in made]
    assert len(set(canonical)) == len(canonical)


def test_the_searcher_breeds_from_it():
    made = [trial.evaluation.candidate for trial in search()]
    assert made[3].origin in ("mutated", "crossed")


@pytest.mark.parametrize("stop", [1, 2, 9])
def test_resumes_exactly(stop):
    whole = search()
    assert [t.evaluation for t in search(told=whole[:stop])] == [t.evaluation for t in whole]
