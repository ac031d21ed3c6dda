import random
from typing import Any

import numpy as np
import pytest
from deap import tools
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas.core.errors import EvonasError
from evonas.core.goals import Objective
from evonas.core.types import Candidate, Evaluation
from evonas.execution.processes import Serial
from evonas.search.evolution import AgingEvolution, Evolution, nsga2
from evonas.search.loop import Budget, run
from tests.toys import TASK, Digits, Slow, on, total

SEARCHERS = [Evolution, AgingEvolution, nsga2]


def search(searcher, trials, seed=0, evaluator=total):
    return run(searcher, Serial(evaluator), TASK, seed=seed, budget=Budget(trials)).trials


@pytest.mark.parametrize("make", SEARCHERS)
@given(seed=st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_no_network_is_asked_twice(make, seed):
    encoding = Digits(length=5)
    genomes = [t.evaluation.candidate.genome for t in search(make(on(encoding)), 150, seed)]
    assert len(genomes) == 150
    assert len({encoding.canonical(g) for g in genomes}) == 150
    assert all(encoding.canonical(g) == g for g in genomes)


@pytest.mark.parametrize("make", SEARCHERS)
def test_an_exhausted_space_ends_the_search_with_a_word(make):
    encoding = Digits(length=3, base=2)  # 8 genomes, 6 networks
    outcome = run(make(on(encoding)), Serial(total), TASK, seed=0, budget=Budget(50))
    assert len(outcome.trials) == 6
    assert "exhausted" in outcome.reason


@pytest.mark.parametrize("make", [Evolution, AgingEvolution])
def test_evolution_beats_random_sampling(make):
    encoding = Digits(length=10, base=5)
    evolved, sampled = [], []
    for seed in range(10):
        evolved.append(max(t.evaluation.metrics["val_accuracy"] for t in search(make(on(encoding)), 120, seed)))
        rng = np.random.default_rng(seed)
        sampled.append(max(sum(encoding.sample(rng)) / 18 for _ in range(120)))
    assert np.median(evolved) > max(sampled)


def test_failed_evaluations_are_never_bred():
    trials = search(Evolution(on(Digits()), population=6), 80, evaluator=Slow(fault="raise"))
    failed = {t.evaluation.candidate.genome for t in trials if not t.evaluation.ok}
    parents = {parent for t in trials for parent in t.evaluation.candidate.parents}
    assert failed
    assert parents
    assert not failed & parents


def test_aging_drops_the_oldest_and_not_the_worst():
    searcher = AgingEvolution(on(Digits()), population=2, tournament=2)
    for value, genome in enumerate([(3,) * 6, (2,) * 6, (1,) * 6]):
        searcher.tell([Evaluation(Candidate(genome), {"val_accuracy": 1.0 - value / 10})])
    parents = {searcher.ask(1, np.random.default_rng(i))[0].parents for i in range(20)}
    assert parents == {((2,) * 6,)}


def test_mu_plus_lambda_keeps_the_best():
    searcher = Evolution(on(Digits()), population=2, offspring=2, tournament=1, crossover=0.0)
    told = {(i, 0, 0, 0, 0, 3): i / 10 for i in range(3)} | {(i, 1, 0, 0, 0, 3): i / 10 + 0.3 for i in range(3)}
    for genome, value in told.items():
        searcher.tell([Evaluation(Candidate(genome), {"val_accuracy": value})])
    parents = {searcher.ask(1, np.random.default_rng(i))[0].parents[0] for i in range(40)}
    assert parents == {(2, 1, 0, 0, 0, 3), (1, 1, 0, 0, 0, 3)}


def test_nsga2_spreads_over_the_front():
    trials = search(nsga2(on(Digits(length=6, base=4)), population=8), 200)
    points = {(t.evaluation.metrics["val_accuracy"], -t.evaluation.metrics["params"]) for t in trials}
    front = [p for p in points if not any(q[0] >= p[0] and q[1] >= p[1] and q != p for q in points)]
    # a smaller first gene costs one of the sum: four optimal trade-offs, up to the mirror
    assert len(front) >= 3
    assert tools.selNSGA2  # DEAP's own selection


def numpy_state() -> list[int]:
    """Where NumPy's global generator is."""
    state: Any = np.random.get_state()  # noqa: NPY002
    return state[1].tolist()


def test_two_interleaved_searches_do_not_disturb_each_other_or_the_global_randomness():
    alone = [t.evaluation.candidate for t in search(Evolution(on(Digits())), 60)]
    state, np_state = random.getstate(), numpy_state()
    one, other = Evolution(on(Digits())), nsga2(on(Digits()))
    together = []
    for k in range(60):
        for searcher in (one, other):
            candidates = searcher.ask(1, np.random.default_rng([0, k]))
            if searcher is one:
                together += candidates
            searcher.tell([total(c, TASK, 0) for c in candidates])
    assert together == alone
    assert random.getstate() == state
    assert numpy_state() == np_state


def test_propose_takes_no_note_until_expected():
    searcher = Evolution(on(Digits(length=3, base=2)))
    assert len(searcher.propose(10, np.random.default_rng(0))) == 6
    chosen = searcher.propose(10, np.random.default_rng(0))[:2]
    searcher.expect(chosen)
    rest = searcher.propose(10, np.random.default_rng(1))
    assert len(rest) == 4
    assert not {c.genome for c in rest} & {c.genome for c in chosen}


@pytest.mark.parametrize(
    ("make", "options", "named"),
    [
        (Evolution, {"population": 0}, "population=0"),
        (Evolution, {"offspring": 1.5}, "offspring=1.5"),
        (Evolution, {"crossover": 2}, "crossover=2"),
        (AgingEvolution, {"tournament": -1}, "tournament=-1"),
    ],
)
def test_options_that_make_no_sense_are_named(make, options, named):
    with pytest.raises(EvonasError, match=named):
        make(on(Digits()), **options)


def test_a_missing_objective_is_no_parent():
    searcher = Evolution(on(Digits(), Objective("latency", maximize=False)), population=1)
    searcher.tell([Evaluation(Candidate((0,) * 6), {"val_accuracy": 1.0})])
    assert searcher.ask(1, np.random.default_rng(0))[0].parents == ()
