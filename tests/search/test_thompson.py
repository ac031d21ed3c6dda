"""Thompson sampling: the best by a draw of what the ranker believes."""

import numpy as np
import pytest

from evonas.core.errors import EvonasError
from evonas.core.goals import Objective
from evonas.encodings.categorical import CategoricalEncoding
from evonas.execution.processes import Serial
from evonas.search.loop import Budget, run
from evonas.search.methods import make_method
from evonas.search.screening import Screened
from evonas.search.thompson import MOST, ThompsonSampling
from evonas_surrogates.process import ProcessSurrogate
from tests.toys import TASK, on, total

METHOD = "bayes(acquisition=thompson)"
GENES = CategoricalEncoding({f"gene{i}": (0, 1, 2, 3) for i in range(5)})


class Counting(ProcessSurrogate):
    """Notes how many candidates each draw was for."""

    drawn_for: list[int]

    def draw_scores(self, X, rng, pending=None):
        self.drawn_for.append(len(X))
        return super().draw_scores(X, rng, pending)


def learned(ranker=None, n=12, seed=0):
    X = np.random.default_rng(seed).normal(size=(n, 2))
    return (ranker or ProcessSurrogate()).adapt(X, X.sum(1))


def chosen(ranker, X, seed, pending=None):
    sampling = ThompsonSampling(ranker)
    pending = X[:0] if pending is None else pending
    return sampling.best(X, sampling.scores(X), pending, np.random.default_rng(seed))


def test_each_is_chosen_as_often_as_it_is_the_best_of_what_is_believed():
    ranker, X = learned(), np.array([[1.5, 1.0], [1.4, 1.1], [-3.0, 3.0], [-2.0, -2.0]])
    mean, deviation = ranker.predict_with_deviation(X)
    often = np.bincount([chosen(ranker, X, seed) for seed in range(150)], minlength=4) / 150
    assert often.argmax() == mean.argmax()
    assert deviation[2] == deviation.max()
    assert often.max() > often[2] > 2 * often[3]  # far from all that is known, it may be the best
    assert chosen(ranker, X, 7) == chosen(ranker, X, 7)


def test_of_many_those_of_the_highest_upper_confidence_are_drawn_for():
    ranker = Counting()
    learned(ranker)
    ranker.drawn_for = []
    X = np.random.default_rng(1).normal(size=(MOST + 100, 2))
    sampling = ThompsonSampling(ranker)
    scores = sampling.scores(X)
    shown = set(np.argsort(-scores)[:MOST].tolist())
    assert {sampling.best(X, scores, X[:0], np.random.default_rng(seed)) for seed in range(5)} <= shown
    assert ranker.drawn_for == [MOST] * 5


def test_what_is_on_its_way_is_believed():
    """The one that is most likely the best is chosen less often while it is trained: the chance in it is less."""
    ranker, X = learned(), np.array([[1.5, 1.0], [-3.0, 3.0]])
    alone = np.mean([chosen(ranker, X, seed) for seed in range(150)])
    beside = np.mean([chosen(ranker, X, seed, np.tile(X[[1]], (5, 1))) for seed in range(150)])
    assert beside < alone - 0.05


@pytest.mark.parametrize("method", [METHOD, "bayes(acquisition='thompson', whole=0)"])
def test_it_comes_to_good_ones(method):
    def late(method):
        trials = run(make_method(method, on(GENES)), Serial(total), TASK, seed=0, budget=Budget(24)).trials
        return np.mean([trial.evaluation.metrics["val_accuracy"] for trial in trials[-8:]])

    assert late(method) > late("random") + 0.1


def test_a_method_by_name():
    searcher = make_method(METHOD, on(GENES))
    assert isinstance(searcher, Screened)
    assert isinstance(searcher.thompson, ThompsonSampling)
    other = make_method("bayes", on(GENES))
    assert isinstance(other, Screened)
    assert other.thompson is None


@pytest.mark.parametrize(
    ("method", "says"),
    [
        (f"{METHOD}+boosting", "BoostingSurrogate cannot; those that can: 'meta', 'process'"),
        ("bayes(acquisition=ucb)", "acquisition='ucb' is none; there are 'ei', 'thompson'"),
    ],
)
def test_what_cannot_be_is_one_line(method, says):
    with pytest.raises(EvonasError, match=says):
        make_method(method, on(GENES))


def test_it_is_for_one_objective():
    two = on(GENES, Objective("val_accuracy"), Objective("val_loss", maximize=False))
    with pytest.raises(EvonasError, match="'thompson' is for one objective, got val_accuracy, .*val_loss; take"):
        make_method(METHOD, two)
