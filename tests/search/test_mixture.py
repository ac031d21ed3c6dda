"""A mixture: its sources take turns by what came of theirs, and the report can tell the shares from an archive."""

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evonas.core import trust
from evonas.core.errors import EvonasError
from evonas.core.goals import Goal, Objective
from evonas.core.types import Evaluation
from evonas.encodings.categorical import CategoricalEncoding
from evonas.execution.processes import Serial
from evonas.search.loop import Budget, generator, replay, run
from evonas.search.methods import make_method
from evonas.search.mixture import FIRST, MixtureSearch, learned_shares
from evonas.search.screening import Screened
from evonas_surrogates.boosting import BoostingSurrogate
from evonas_surrogates.policy import PolicySearch
from evonas_surrogates.process import ProcessSurrogate
from tests.toys import TASK, Digits, on, total

GENES = CategoricalEncoding({f"gene{i}": (0, 1, 2, 3) for i in range(8)})
HERE = "tests.search.test_mixture"
QUICK = f"mixture+{HERE}:First(refine=1)"


class First:
    """A ranker that believes in the first gene, and has nothing to learn."""

    def fit(self, X, y, groups):
        return self

    def adapt(self, X, y):
        return self

    def predict(self, X):
        return X[:, 0] + X[:, -1] / 10


@pytest.fixture(autouse=True)
def trusted():
    trust.given(f"{HERE}:First")


def ended(method, trials, evaluate=total, seed=0, encoding=GENES):
    searcher = make_method(method, on(encoding))
    return searcher, run(searcher, Serial(evaluate), TASK, seed=seed, budget=Budget(trials)).trials


def origins(trials):
    return Counter(trial.evaluation.candidate.origin for trial in trials)


def kind(origin, far):
    """An evaluator to which only the networks of one origin are any good."""

    def worth(candidate, task, seed):
        good = candidate.origin == origin
        return Evaluation(candidate, {"val_accuracy": (0.5 if good else 0.0) + far * sum(candidate.genome) / 100})

    return worth


@pytest.mark.parametrize(("origin", "others"), [("policy", "evolution,random"), ("sampled", "evolution")])
def test_who_succeeds_has_the_turns(origin, others):
    own = {"policy": "policy", "sampled": "random"}[origin]
    _, trials = ended(f"mixture(sources='{own},{others}')+{HERE}:First(pool=4)", 50, kind(origin, 0.1))
    assert origins(trials[:FIRST])[origin] < FIRST
    assert origins(trials[-20:])[origin] > 10


def test_the_ranker_chooses_among_all_at_first_and_then_among_those_of_one_source():
    searcher, rng = MixtureSearch(on(GENES)), np.random.default_rng(0)
    there = {"sampled", "mutated", "crossed", "policy", "maximized"}
    assert set(searcher.origins(there, rng)) == there
    for trial in ended("random", FIRST)[1]:
        searcher.tell([trial.evaluation])
    turns = Counter(tuple(searcher.origins(there, rng)) for _ in range(300))
    assert set(turns) == {("sampled",), ("mutated", "crossed"), ("policy",), ("maximized",)}
    assert set(searcher.origins({"sampled"}, rng)) == {"sampled"}
    without = MixtureSearch(on(GENES), "evolution,random")
    assert set(without.origins(there, rng)) == there - {"maximized"}


def test_by_itself_each_candidate_is_of_the_source_whose_turn_it_is():
    searcher = MixtureSearch(on(GENES))
    for trial in ended("random", 12)[1]:
        searcher.tell([trial.evaluation])
    searcher.shares._now = {"evolution": 0.0, "policy": 1.0, "maximizer": 0.0, "random": 0.0}
    assert {candidate.origin for candidate in searcher.ask(10, generator(0, 0))} == {"policy"}
    pool = Counter(candidate.origin for candidate in searcher.propose(30, generator(0, 1)))
    assert pool["policy"] == pool["sampled"] == pool["mutated"] + pool["crossed"] == 10


def test_it_goes_with_a_process_alone_and_with_any_other_ranker():
    alone, boosted = make_method("mixture", on(GENES)), make_method("mixture+boosting", on(GENES))
    assert isinstance(alone, Screened)
    assert isinstance(boosted, Screened)
    assert isinstance(alone.rankers[0], ProcessSurrogate)
    assert isinstance(boosted.rankers[0], BoostingSurrogate)
    inner: Any = alone.searcher
    policy = inner.sources["policy"]
    assert isinstance(policy, PolicySearch)
    assert policy._evaluator is alone.rankers[0]  # which may teach it


def test_all_sources_have_a_part_and_without_rounds_the_maximizer_has_none():
    assert set(origins(ended(QUICK, 60)[1])) == {"sampled", "mutated", "crossed", "policy", "maximized"}
    assert "maximized" not in origins(ended(f"mixture+{HERE}:First(refine=0)", 30)[1])
    without = ended(f"mixture(sources='evolution,random')+{HERE}:First", 30)[1]
    assert not {"maximized", "policy"} & set(origins(without))


@pytest.mark.parametrize("refine", [0, 1])
def test_it_is_told_which_origins_there_are(refine):
    """The maximizer's only where it has rounds: another turn would be lost."""

    class Noting(MixtureSearch):
        def origins(self, there, rng):
            offered.update(there)
            return super().origins(there, rng)

    offered: set[str] = set()
    searcher = Screened(on(GENES), Noting(on(GENES), "evolution,maximizer,random"), First(), refine=refine)
    run(searcher, Serial(total), TASK, seed=0, budget=Budget(15))
    assert offered == {"sampled", "mutated", "crossed", *(["maximized"] if refine else [])}


def test_from_scratch_it_comes_to_good_ones():
    def late(method):
        return np.mean([trial.evaluation.metrics["val_accuracy"] for trial in ended(method, 30)[1][-8:]])

    assert late("mixture") > late("random") + 0.1


def test_a_resumed_search_goes_on_as_it_would_have():
    _, whole = ended(QUICK, 30)
    again = make_method(QUICK, on(GENES))
    number, pending = replay(again, whole[:22], 0)
    assert (number, pending) == (22, [])
    for trial in whole[22:]:
        assert again.ask(1, generator(0, trial.number)) == [trial.evaluation.candidate]
        again.tell([trial.evaluation])


def test_the_shares_are_read_from_the_trials():
    searcher, trials = ended(QUICK, 30)
    assert isinstance(searcher, Screened)
    inner: Any = searcher.searcher
    now = inner.shares.now()
    assert learned_shares(QUICK, trials, Goal()) == now
    assert set(learned_shares("mixture(sources='evolution,random')+meta", trials, Goal())) == {"evolution", "random"}
    assert learned_shares("evolution+meta", trials, Goal()) == {}
    assert searcher.describe().startswith("First; sources: evolution .")


@pytest.mark.parametrize(
    ("method", "says"),
    [
        (
            "mixture(sources='evolution,local')",
            "no source 'local'; there are 'evolution', 'maximizer', 'policy', 'random'",
        ),
        ("mixture(sources='evolution,random,evolution(population=5)')", "names 'evolution' twice; name it once"),
        ("mixture(sources=maximizer)", "'maximizer' begins at other sources' candidates; name one more"),
        ("mixture(sources='')", "no source ''"),
        ("mixture(sources=3)", "sources=3 is no text; write mixture"),
        ("mixture(sources='evolution(population=0),random')", "population=0 is too small.*mixture.sources='random'"),
    ],
)
def test_what_cannot_be_a_source_is_one_line(method, says):
    with pytest.raises(EvonasError, match=says):
        make_method(method, on(GENES))


def test_where_a_source_cannot_search_the_way_out_is_said():
    with pytest.raises(EvonasError, match=r"no space\(\).*mixture\(sources='evolution,maximizer,random'\)") as error:
        make_method("mixture", on(Digits()))
    assert "\n" not in str(error.value)
    with pytest.raises(EvonasError, match="a mixture searches for one objective"):
        make_method("mixture", on(GENES, Objective("val_accuracy"), Objective("params", maximize=False)))
    some = replace(on(Digits()), seed=1)
    assert make_method("mixture(sources='evolution(population=30),maximizer,random')", some)
