"""Methods by name, and what they are made from."""

import warnings
from typing import Any

import pytest

from evonas.core import trust
from evonas.core.errors import EvonasError
from evonas.core.goals import Objective
from evonas.core.types import Task
from evonas.execution.processes import Serial
from evonas.search.evolution import Evolution
from evonas.search.loop import Budget, run
from evonas.search.methods import make_method, make_ranker, make_searcher, parse_method, spelled, with_surrogate
from evonas.search.screening import Screened
from tests.toys import TASK, Digits, on, total

SMALL = Objective("params", maximize=False)
HERE = "tests.search.test_methods"


@pytest.fixture(autouse=True)
def trusted():
    trust.given(*(f"{HERE}:{name}" for name in ("OldSearcher", "OldRanker", "NewSearcher", "anything")))


class OldSearcher:
    """As plug-ins were before there was a context."""

    def __init__(self, encoding, objectives=(), step=1):
        self.encoding, self.objectives, self.step = encoding, objectives, step

    def ask(self, n, rng):
        return Evolution(on(self.encoding)).ask(n, rng)

    def tell(self, evaluations):
        pass


class OldRanker:
    recalled: tuple[Any, ...]

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
        searcher: Any = make_searcher(f"{HERE}:NewSearcher(greeting='good day')", context)
    assert searcher.context is context
    assert searcher.greeting == "good day"


def test_a_searcher_of_the_old_signature_still_works_and_says_so():
    with pytest.warns(DeprecationWarning, match=r"OldSearcher.*takes \(encoding, objectives\); let it take"):
        searcher = make_method(f"{HERE}:OldSearcher(step=3)+boosting", on(Digits(), SMALL))
    assert isinstance(searcher, Screened)
    inner: Any = searcher.searcher
    assert inner.encoding == Digits()
    assert inner.objectives == (SMALL,)
    assert inner.step == 3
    assert len(run(searcher, Serial(total), TASK, seed=0, budget=Budget(5)).trials) == 5


def test_a_ranker_that_recalls_in_the_old_way_still_works_and_says_so():
    from dataclasses import replace

    store = object()
    context = replace(on(Digits(), SMALL, task=Task("t", (), 0)), store=store, encoding_name="digits")
    with pytest.warns(DeprecationWarning, match="OldRanker.*recalls from"):
        ranker: Any = make_ranker(f"{HERE}:OldRanker(deep=2)", context)
    assert ranker.recalled == (store, "digits", context.task, SMALL, {"deep": 2})


@pytest.mark.parametrize(
    ("spec", "parts"),
    [
        ("aging", ("aging", None)),
        ("evolution+meta", ("evolution", "meta")),
        ("evolution(population=3)+meta(model='a+b')", ("evolution(population=3)", "meta(model='a+b')")),
        ("/a+b/mine.py:Mine+meta", ("/a+b/mine.py:Mine", "meta")),
        ("my/a+b (1)/mine.py:Mine(x=1)", ("my/a+b (1)/mine.py:Mine(x=1)", None)),
        ("aging+/a+b/mine.py:Ranker", ("aging", "/a+b/mine.py:Ranker")),
        ("halving(searcher='aging+meta')", ("halving(searcher='aging+meta')", None)),
        (
            "halving(searcher='aging(population=3)+meta')+boosting",
            ("halving(searcher='aging(population=3)+meta')", "boosting"),
        ),
    ],
)
def test_a_method_is_a_searcher_and_a_ranker(spec, parts):
    assert (parse_method(spec).searcher, parse_method(spec).ranker) == parts


def test_a_method_without_its_ranker_is_named():
    with pytest.raises(EvonasError, match=r"'evolution\+' names no ranker after \+; there are 'boosting', 'meta'"):
        make_method("evolution+", on(Digits()))


@pytest.mark.parametrize("method", ["aging", "local", "halving"])
def test_who_goes_by_one_objective_says_so(method):
    with pytest.raises(EvonasError, match="searches for one objective, got val_accuracy, -params; .*nsga2"):
        make_method(method, on(Digits(), Objective("val_accuracy"), SMALL))


@pytest.mark.parametrize("method", ["evolution", "nsga2", "random", "evolution+meta"])
def test_who_goes_by_several_takes_them(method):
    searcher: Any = make_method(method, on(Digits(), Objective("val_accuracy"), SMALL))
    assert [one.name for one in searcher.goal.objectives] == ["val_accuracy", "params"]


def test_a_searcher_made_from_something_else_is_named():
    with pytest.raises(EvonasError, match=r"Evolution is made from a SearchContext, got a Digits; write SearchContext"):
        Evolution(Digits())  # pyright: ignore[reportArgumentType]


def test_the_rankers_brackets_hold_its_own_options_and_the_screenings():
    searcher = make_method("evolution(population=30)+meta(pool=32, refine=0, explore=0.1, trees=50)", on(Digits()))
    assert isinstance(searcher, Screened)
    assert (searcher.pool, searcher.refine, searcher.explore) == (32, 0, 0.1)
    ranker: Any = searcher.rankers[0]
    assert ranker.trees == 50
    inner: Any = searcher.searcher
    assert inner.population == 30


@pytest.mark.parametrize(
    ("method", "says"),
    [
        (
            "evolution+meta(poool=3)",
            "ranker 'meta' has no option 'poool'; there are 'explore', 'forget', 'max_rows', 'model', 'pool', "
            "'portfolio', 'refine', 'seed', 'trees'",
        ),
        ("evolution+meta(pool=0)", "pool=0 is too small"),
        ("evolution+meta(pool=2.5)", "pool=2.5 is too small or no whole number"),
        ("evolution+meta(explore=2)", "explore=2 is no probability"),
        ("evolution+meta(explore='much')", "explore='much' is no probability"),
        ("evolution+meta(refine=-1)", "refine=-1 is too small"),
        ("evolution(crossover='never')", "crossover='never' is no probability"),
        (
            "nsga2(populaton=3)",
            "'nsga2' has no option 'populaton'; there are 'crossover', 'offspring', 'population', 'tournament'",
        ),
        (
            "halving(seacher='aging')",
            "'halving' has no option 'seacher'; there are 'eta', 'rungs', 'searcher'",
        ),
        ("halving(searcher='agin')", "no searcher named 'agin'"),
        (
            "halving(searcher='aging(populaton=3)')",
            "'aging' has no option 'populaton'; there are 'population'",
        ),
        (f"{HERE}:anything(populaton=3)", "anything' has no option 'populaton'; there are 'crossover', 'offspring'"),
    ],
)
def test_an_option_that_is_not_there_or_not_valid_is_named(method, says):
    with pytest.raises(EvonasError) as error:
        make_method(method, on(Digits()))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def anything(context, **options):
    return Evolution(context, **options)


@pytest.mark.parametrize(
    ("method", "full"),
    [
        ("evolution", "evolution"),
        ("evolution+meta", "evolution+meta(pool=16, explore=0.0, refine=6)"),
        ("aging+boosting", "aging+boosting(pool=16, explore=0.05, refine=3)"),
        (
            "aging+meta(refine=0, trees=5)",
            "aging+meta(trees=5, pool=16, explore=0.0, refine=0)",
        ),
    ],
)
def test_a_method_is_spelt_out_and_means_the_same(method, full):
    assert spelled(method) == full
    assert spelled(full) == full
    one, other = make_method(method, on(Digits())), make_method(full, on(Digits()))
    if isinstance(one, Screened):
        assert isinstance(other, Screened)
        assert (one.pool, one.explore, one.refine) == (other.pool, other.explore, other.refine)


def test_a_surrogate_is_added_where_the_method_has_none():
    assert with_surrogate("evolution", "meta(pool=32)") == "evolution+meta(pool=32)"
    assert with_surrogate("evolution+boosting", "meta") == "evolution+boosting"
    assert with_surrogate("halving(searcher='aging+meta')", "none") == "halving(searcher='aging+meta')"
    assert with_surrogate("aging", "none") == "aging"
