"""Methods by name, and what they are made from."""

import warnings

import pytest

from evonas.core.errors import EvonasError
from evonas.core.goals import Objective
from evonas.core.types import Task
from evonas.execution.processes import Serial
from evonas.search.evolution import Evolution
from evonas.search.loop import Budget, run
from evonas.search.methods import make_method, make_ranker, make_searcher, split_method
from evonas.search.screening import Screened
from tests.toys import TASK, Digits, on, total

SMALL = Objective("params", maximize=False)
HERE = "tests.search.test_methods"


class OldSearcher:
    """As plug-ins were before there was a context."""

    def __init__(self, encoding, objectives=(), step=1):
        self.encoding, self.objectives, self.step = encoding, objectives, step

    def ask(self, n, rng):
        return Evolution(on(self.encoding)).ask(n, rng)

    def tell(self, evaluations):
        pass


class OldRanker:
    @classmethod
    def recall(cls, store, encoding, task, objective, **options):
        found = cls()
        found.recalled = (store, encoding, task, objective, options)
        return found

    def fit(self, X, y, groups):
        return self

    def adapt(self, X, y):
        return self

    def predict(self, X):
        return X[:, 0]


class NewSearcher(Evolution):
    def __init__(self, context, greeting="hello"):
        super().__init__(context)
        self.context, self.greeting = context, greeting


def test_a_searcher_is_made_from_the_context():
    context = on(Digits())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        searcher = make_searcher(f"{HERE}:NewSearcher(greeting='good day')", context)
    assert searcher.context is context
    assert searcher.greeting == "good day"


def test_a_searcher_of_the_old_signature_still_works_and_says_so():
    with pytest.warns(DeprecationWarning, match=r"OldSearcher.*takes \(encoding, objectives\); let it take"):
        searcher = make_method(f"{HERE}:OldSearcher(step=3)+boosting", on(Digits(), SMALL))
    assert isinstance(searcher, Screened)
    assert searcher.searcher.encoding == Digits()
    assert searcher.searcher.objectives == (SMALL,)
    assert searcher.searcher.step == 3
    assert len(run(searcher, Serial(total), TASK, seed=0, budget=Budget(5)).trials) == 5


def test_a_ranker_that_recalls_in_the_old_way_still_works_and_says_so():
    from dataclasses import replace

    store = object()
    context = replace(on(Digits(), SMALL, task=Task("t", (), 0)), store=store, encoding_name="digits")
    with pytest.warns(DeprecationWarning, match="OldRanker.*recalls from"):
        ranker = make_ranker(f"{HERE}:OldRanker(deep=2)", context)
    assert ranker.recalled == (store, "digits", context.task, SMALL, {"deep": 2})


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("aging", ("aging", None)),
        ("evolution+meta", ("evolution", "meta")),
        ("evolution(population=3)+meta(model='a+b')", ("evolution(population=3)", "meta(model='a+b')")),
        ("halving(searcher='aging+meta')", ("halving(searcher='aging+meta')", None)),
        (
            "halving(searcher='aging(population=3)+meta')+boosting",
            ("halving(searcher='aging(population=3)+meta')", "boosting"),
        ),
    ],
)
def test_a_method_is_a_searcher_and_a_ranker(spec, parts):
    assert split_method(spec) == parts


def test_a_method_without_its_ranker_is_named():
    with pytest.raises(EvonasError, match=r"'evolution\+' names no ranker after \+; there are 'boosting', 'meta'"):
        make_method("evolution+", on(Digits()))


@pytest.mark.parametrize("method", ["aging", "local", "halving"])
def test_who_goes_by_one_objective_says_so(method):
    with pytest.raises(EvonasError, match="searches for one objective, got val_accuracy, -params; .*nsga2"):
        make_method(method, on(Digits(), Objective("val_accuracy"), SMALL))


@pytest.mark.parametrize("method", ["evolution", "nsga2", "random", "evolution+meta"])
def test_who_goes_by_several_takes_them(method):
    searcher = make_method(method, on(Digits(), Objective("val_accuracy"), SMALL))
    assert [one.name for one in searcher.goal.objectives] == ["val_accuracy", "params"]


def test_a_searcher_made_from_something_else_is_named():
    with pytest.raises(EvonasError, match=r"Evolution is made from a SearchContext, got a Digits; write SearchContext"):
        Evolution(Digits())
