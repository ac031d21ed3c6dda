"""What more trainings would probably bring."""

from typing import Any

import numpy as np
import pytest

from evonas.core.goals import VAL_ACCURACY, Constraint, Goal
from evonas.core.ranks import normal_scores
from evonas.core.types import Candidate, Evaluation
from evonas.report.prospects import sections, words
from evonas.search.baselines import RandomSearch
from evonas.search.prospects import LEAST, prospects
from evonas.search.screening import Screened
from tests.toys import Digits, on

TOY = Digits(3, 10)
LOW = [(0, 0, i % 10) for i in range(10)] + [(0, 1, i) for i in range(10)]  # the poorest networks of the toy


class Knowing:
    """A ranker that knows the normal score of each sum among the results, and is as sure as it is told."""

    def __init__(self, deviation=0.0):
        self.deviation = deviation

    def fit(self, X, y, groups):
        return self

    def adapt(self, X, y):
        self.seen = np.sort(y)
        return self

    def predict(self, X):
        value = X.sum(1) / 100
        beyond = np.maximum(value - self.seen[-1], 0.0)
        return np.interp(value, self.seen, np.sort(normal_scores(self.seen))) + 30 * beyond

    def predict_with_deviation(self, X):
        return self.predict(X), np.full(len(X), self.deviation)


class Unsure(Knowing):
    """One that only predicts."""

    predict_with_deviation: Any = None


def told(genomes, ranker, encoding=TOY):
    """A search of the toy that has been told the digits' sums, and its results."""
    context = on(encoding)
    searcher = Screened(context, RandomSearch(context), ranker)
    results = [Evaluation(Candidate(genome), {"val_accuracy": sum(genome) / 100}) for genome in genomes]
    searcher.tell(results)
    return searcher, results


def of(genomes, ranker, trainings=10):
    searcher, results = told(genomes, ranker)
    return prospects(searcher, results, VAL_ACCURACY, np.random.default_rng(0), trainings)


def test_where_better_ones_are_known_more_is_expected():
    found = of(LOW, Knowing())
    assert found is not None
    assert found.trainings == 10
    assert 0.02 < found.expected <= found.at_most + 1e-9
    nothing = of([*LOW, (9, 9, 9)], Knowing())
    assert nothing is not None
    assert nothing.expected == nothing.at_most == 0


def test_who_is_less_sure_leaves_more_open():
    sure, unsure = (of([*LOW, (9, 9, 9)], Knowing(deviation)) for deviation in (0.1, 3.0))
    assert sure is not None
    assert unsure is not None
    assert sure.at_most < unsure.at_most
    assert sure.expected <= unsure.expected


def test_one_training_brings_no_more_than_ten():
    one, ten = (of(LOW, Knowing(1.0), trainings) for trainings in (1, 10))
    assert one is not None
    assert ten is not None
    assert one.expected < ten.expected


def test_of_a_space_that_is_exhausted_nothing_more_is_expected():
    searcher, results = told([(i,) for i in range(12)], Knowing(1.0), Digits(1, 12))
    found = prospects(searcher, results, VAL_ACCURACY, np.random.default_rng(0))
    assert found is not None
    assert found.expected == found.at_most == 0


def test_the_search_is_not_changed_by_the_question():
    asked, left = (told(LOW, Knowing())[0] for _ in range(2))
    results = told(LOW, Knowing())[1]
    prospects(asked, results, VAL_ACCURACY, np.random.default_rng(1))
    ours, theirs = (one.ask(3, np.random.default_rng(2)) for one in (asked, left))
    assert [c.genome for c in ours] == [c.genome for c in theirs]


@pytest.mark.parametrize("genomes", [LOW[: LEAST - 1], [(0, 0, 0)] * 30, []])
def test_of_too_few_results_nothing_is_said(genomes):
    assert of(genomes, Knowing()) is None


def test_nothing_is_said_without_a_ranker_that_knows_how_sure_it_is_or_under_limits():
    rng = np.random.default_rng(0)
    searcher, results = told(LOW, Knowing())
    assert prospects(searcher.searcher, results, VAL_ACCURACY, rng) is None
    assert of(LOW, Unsure()) is None
    searcher.goal = Goal((VAL_ACCURACY,), (Constraint.parse("params<=3"),))
    assert prospects(searcher, results, VAL_ACCURACY, rng) is None


def test_it_is_said_in_points_of_what_is_a_percentage():
    found = {"trainings": 10, "expected": 0.0012, "at_most": 0.004, "probability": 0.9, "seconds": 840.0}
    (line,) = words({**found, "objective": "val_accuracy"})
    assert line == (
        "10 more trainings would probably better validation accuracy by 0.12 points in about 14 min 00 s; "
        "90 % sure that no network here betters it by more than 0.4 points"
    )
    (line,) = words({**found, "objective": "val_loss", "seconds": None})
    assert "better validation loss by 0.0012; 90 % sure" in line
    assert words(None) == [] == sections({})
    assert sections({"prospects": {**found, "objective": "<b>"}})[0][1].count("&lt;b&gt;") == 1
