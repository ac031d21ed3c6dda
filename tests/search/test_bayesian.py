"""Bayesian optimization: proposes the whole space, or what is near the best; a ranker chooses."""

from dataclasses import dataclass

import numpy as np
import pytest

from evonas.core.errors import EvonasError
from evonas.core.space import Gene, Space
from evonas.execution.processes import Serial
from evonas.search.bayesian import INCUMBENTS, BayesianSearch
from evonas.search.halving import SuccessiveHalving
from evonas.search.loop import Budget, run
from evonas.search.methods import make_method
from evonas.search.screening import Screened
from evonas_surrogates.meta import MetaSurrogate
from evonas_surrogates.process import ProcessSurrogate
from tests.toys import TASK, Digits, on, total


@dataclass(frozen=True)
class Spaced(Digits):
    """Says what there is to choose."""

    def space(self) -> Space:
        return Space(tuple(Gene(f"gene{i}", tuple(range(self.base))) for i in range(self.length)), tuple, list)


def networks(encoding):
    return {encoding.canonical(genome) for genome in np.ndindex(*[encoding.base] * encoding.length)}


def test_a_small_space_is_proposed_whole_each_network_once():
    encoding, rng = Spaced(length=4, base=3), np.random.default_rng(0)
    searcher = BayesianSearch(on(encoding))
    proposed = [candidate.genome for candidate in searcher.propose(2, rng)]
    assert sorted(proposed) == sorted(networks(encoding))
    assert proposed != sorted(proposed)  # a ranker that knows nothing takes the first
    searcher.tell([total(candidate, TASK, 0) for candidate in searcher.propose(1, rng)[:5]])
    assert len(searcher.propose(2, rng)) == len(proposed) - 5


@pytest.mark.parametrize(("encoding", "whole"), [(Spaced(), 100), (Digits(), 10**9)])
def test_of_a_larger_one_samples_and_neighbours_of_the_best(encoding, whole):
    searcher, rng = BayesianSearch(on(encoding), whole=whole), np.random.default_rng(0)
    told = [total(candidate, TASK, 0) for candidate in searcher.propose(30, rng)]
    assert {evaluation.candidate.origin for evaluation in told} == {"sampled"}
    searcher.tell(told)
    best = sorted(told, key=lambda e: e.metrics["val_accuracy"])[-INCUMBENTS:]
    proposed = searcher.propose(40, rng)
    near = [candidate for candidate in proposed if candidate.origin == "mutated"]
    assert len(near) > 20
    worst_of_the_best = min(e.metrics["val_accuracy"] for e in best)
    values = {e.candidate.genome: e.metrics["val_accuracy"] for e in told}
    assert all(values[candidate.parents[0]] >= worst_of_the_best for candidate in near)
    assert not {candidate.genome for candidate in proposed} & set(values)


def test_alone_it_learns_from_scratch_and_with_another_ranker_from_that():
    alone, remembering = make_method("bayes", on(Spaced())), make_method("bayes+meta(pool=8)", on(Spaced()))
    assert isinstance(alone, Screened)
    assert isinstance(remembering, Screened)
    assert [type(one) for one in alone.rankers] == [ProcessSurrogate]
    assert [type(one) for one in remembering.rankers] == [MetaSurrogate]
    assert isinstance(alone.searcher, BayesianSearch)
    outer = make_method("halving(searcher='bayes', rungs=2)", on(Spaced()))
    assert isinstance(outer, SuccessiveHalving)
    assert isinstance(outer.searcher, Screened)


@pytest.mark.parametrize("method", ["bayes", "bayes(whole=0)"])
def test_it_finds_better_ones_than_random_search(method):
    def best(method, seed):
        searcher = make_method(method, on(Spaced(length=8)))
        trials = run(searcher, Serial(total), TASK, seed=seed, budget=Budget(30)).trials
        return max(trial.evaluation.metrics["val_accuracy"] for trial in trials)

    assert min(best(method, seed) for seed in range(3)) > max(best("random", seed) for seed in range(3))


def test_a_limit_that_is_none_is_named():
    with pytest.raises(EvonasError, match="whole=-1 is too small"):
        make_method("bayes(whole=-1)", on(Spaced()))


def test_what_is_on_its_way_counts_as_it_is_predicted():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    ranker = ProcessSurrogate().adapt(X[:30], X[:30].sum(1))
    alone = ranker.acquire(X)
    best = int(alone[30:].argmax()) + 30
    beside = ranker.acquire(X, X[[best]])
    assert beside[best] < alone[best] - 0.3  # it is worth less to ask for it again
    assert np.corrcoef(np.delete(beside, best), np.delete(alone, best))[0, 1] > 0.9
    np.testing.assert_array_equal(ranker.acquire(X, X[:0]), alone)
    np.testing.assert_array_equal(ranker.acquire(X), alone)
