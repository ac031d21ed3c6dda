"""Rungs for a deadline: the portfolio first, what rises is varied, the baseline rises, a resumed one is the same."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from evonas.core.context import SearchContext
from evonas.core.types import Candidate, Evaluation
from evonas.execution.processes import Serial
from evonas.search.evolution import Evolution
from evonas.search.loop import Budget, run
from evonas.search.rungs import Rungs, shifted
from tests.toys import TASK, Digits, on

FIDELITIES = (0.02, 0.06, 0.18)
FIRST = ((1, 1), (2, 0), (0, 2), (5, 5), (0, 0), (3, 1))


@dataclass(frozen=True)
class Pairs(Digits):
    length: int = 2
    base: int = 10

    def canonical(self, genome):
        return genome


@dataclass(frozen=True)
class Varying(Pairs):
    """Its genomes' last digit says whether images are mirrored."""

    def augmented(self, genome, kept):
        return (genome[0], 9 if kept["keeps_mirror_x"] > 0.5 else genome[1])


def score(candidate, task, seed):
    value = candidate.genome[0] / 10 + candidate.fidelity
    return Evaluation(candidate, {"val_accuracy": value, "keeps_mirror_x": candidate.genome[0] / 5}, candidate.fidelity)


def search(trials=40, encoding=None, told=(), first=FIRST, evaluator=score, fits=None, patience=False):
    context: SearchContext = replace(on(encoding or Pairs()), first=first)
    searcher = Rungs(context, Evolution(context), FIDELITIES, first, patience=patience)
    outcome = run(searcher, Serial(evaluator), TASK, seed=0, budget=Budget(trials), trials=told, fits=fits)
    return searcher, outcome.trials


def candidates(trials):
    return [trial.evaluation.candidate for trial in trials]


def test_the_portfolio_comes_first_in_its_order():
    _, trials = search(30)
    begun = candidates(trials)[: len(FIRST)]
    assert [one.genome for one in begun] == list(FIRST)
    assert {one.origin for one in begun} == {"warm start"}
    assert {one.fidelity for one in begun} == {FIDELITIES[0]}


def test_evolution_breeds_from_the_portfolio_at_once():
    _, trials = search(30)
    new = [c for c in candidates(trials) if c.fidelity == FIDELITIES[0]][len(FIRST) :]
    assert new
    assert {one.origin for one in new} <= {"mutated", "crossed"}


def test_the_best_rise_and_the_baseline_with_them():
    _, trials = search(60)
    for low, high in pairwise(FIDELITIES):
        below = {c.genome for c in candidates(trials) if c.fidelity == low}
        risen = [c.genome for c in candidates(trials) if c.fidelity == high]
        assert 0 < len(risen) < len(below)
        assert FIRST[0] in risen
        assert max(below, key=lambda genome: genome[0]) in risen


def test_what_is_recommended_is_varied_as_the_best_trainings_allow():
    """What rises is not: it has to be compared, and to be heard once more."""
    searcher, trials = search(12, Varying())
    risen = [c for c in candidates(trials) if c.fidelity == FIDELITIES[1]]
    assert risen
    for one in risen:
        assert (one.parents, one.origin) == ((one.genome,), "promoted")
    recommended = searcher.recommend()
    assert recommended is not None
    assert recommended[1] == 9


class Shifting(Pairs):
    """Its genomes' last digit is 9 where images are shifted, 7 where mirrored, 8 where both."""

    def augmented(self, genome, kept):
        moved = min(kept.get("keeps_shift_x", 0), kept.get("keeps_shift_y", 0)) > 0.6
        mirrored = kept.get("keeps_mirror_x", 0) > 0.9
        return (genome[0], {(False, False): 1, (False, True): 7, (True, False): 9, (True, True): 8}[moved, mirrored])


@pytest.mark.parametrize(("shifts", "mirrors"), [(0.1, 0.0), (0.1, 1.0), (-0.1, 0.0)])
def test_the_baseline_with_shifted_images_is_compared_as_an_equal(shifts, mirrors):
    """Networks say that shifted images are others; trained with them they may be better all the same."""
    encoding = Shifting()
    first = (FIRST[0], shifted(encoding, FIRST[0]), *FIRST[1:])
    assert first[1] == (1, 9)

    def measured(candidate, task, seed):
        value = 0.5 + shifts * (candidate.genome == first[1]) - 0.1 * (candidate.genome not in first[:2])
        kept = {"keeps_shift_x": 0.2, "keeps_shift_y": 0.2, "keeps_mirror_x": mirrors}
        return Evaluation(candidate, {"val_accuracy": value, "validated": 50, **kept}, candidate.fidelity)

    searcher, trials = search(20, encoding, first=first, evaluator=measured)
    assert set(first[:2]) <= {c.genome for c in candidates(trials) if c.fidelity == FIDELITIES[1]}
    assert searcher.recommend() == ((1, 8 if mirrors else 9) if shifts > 0 else (1, 1))


@pytest.mark.parametrize(
    ("fast", "images", "patience", "stays"),
    [
        (0.7, 1000, False, False),
        (0.7, 1000, True, True),  # it makes three fifths of the baseline's errors
        (0.8, 1000, True, False),  # two fifths
        (0.7, 140, True, False),  # it is no faster to speak of
    ],
)
def test_before_a_long_training_what_is_faster_has_to_halve_the_errors(fast, images, patience, stays):
    def measured(candidate, task, seed):
        baseline = candidate.genome == FIRST[0]
        found = {"val_accuracy": 0.5 if baseline else 0.3, "images": 100.0, "validated": 10_000}
        if candidate.genome == FIRST[1]:
            found |= {"val_accuracy": fast, "images": images}
        return Evaluation(candidate, found, candidate.fidelity)

    searcher, _ = search(len(FIRST) + 3, evaluator=measured, patience=patience)
    assert searcher.recommend() == (FIRST[0] if stays else FIRST[1])


@pytest.mark.parametrize(("long", "varied"), [(0.9, True), (0.1, False)])
def test_those_that_learned_most_are_heard_most(long, varied):
    """Six short trainings that learned next to nothing against a long one."""

    def measured(candidate, task, seed):
        risen = candidate.fidelity > FIDELITIES[0]
        kept = {"keeps_mirror_x": long if risen else 1 - long, "keeps_mirror_y": 1.0}
        return Evaluation(candidate, {"val_accuracy": 0.9 if risen else 0.1, **kept}, candidate.fidelity)

    searcher, trials = search(7, Varying(), evaluator=measured)
    assert sum(c.fidelity > FIDELITIES[0] for c in candidates(trials)) == 1
    recommended = searcher.recommend()
    assert recommended is not None
    assert (recommended[1] == 9) == varied


def test_before_anything_rises_the_varied_best_is_recommended():
    searcher, _ = search(2, Varying(), first=((4, 1), (5, 2)))
    assert searcher.recommend() == (5, 9)


def test_the_best_of_the_highest_rung_is_recommended():
    searcher, trials = search(60)
    top = [t.evaluation for t in trials if t.evaluation.candidate.fidelity == FIDELITIES[2]]
    assert searcher.recommend() == max(top, key=lambda e: e.metrics["val_accuracy"]).candidate.genome


def test_what_fails_neither_rises_nor_is_recommended():
    def failing(candidate, task, seed):
        return Evaluation.failure(candidate, "broken")

    searcher, trials = search(20, evaluator=failing)
    assert {c.fidelity for c in candidates(trials)} == {FIDELITIES[0]}
    assert searcher.recommend() is None


@pytest.mark.parametrize("stop", [1, 7, 20, 33])
@pytest.mark.parametrize("encoding", [Pairs, Varying])
def test_resumes_exactly(stop, encoding):
    _, whole = search(40, encoding())
    _, again = search(40, encoding(), told=whole[:stop])
    assert [t.evaluation for t in again] == [t.evaluation for t in whole]


def test_no_genome_is_trained_twice_at_one_fidelity():
    _, trials = search(80, Varying())
    pairs = [(c.genome, c.fidelity) for c in candidates(trials)]
    assert len(set(pairs)) == len(pairs)


def test_the_first_that_does_not_fit_ends_the_search():
    seen: list[Candidate] = []

    def fits(candidate, elapsed):
        seen.append(candidate)
        return candidate.fidelity < FIDELITIES[2]

    _, trials = search(200, fits=fits)
    assert seen[-1].fidelity == FIDELITIES[2]
    assert candidates(trials) == seen[:-1]
    assert np.isfinite([t.elapsed for t in trials]).all()


def test_of_equals_the_one_with_the_lower_loss_is_recommended():
    def equal(candidate, task, seed):
        loss = 1.0 - candidate.genome[1] / 10
        return Evaluation(candidate, {"val_accuracy": 0.9, "val_loss": loss}, candidate.fidelity)

    searcher, trials = search(3, first=((1, 1), (2, 8), (0, 2)), evaluator=equal)
    assert {one.fidelity for one in candidates(trials)} == {FIDELITIES[0]}
    assert searcher.recommend() == (2, 8)


@pytest.mark.parametrize(
    ("examples", "better", "stays"),
    [(60, 0.1, True), (60, 0.2, False), (2000, 0.02, True), (2000, 0.04, False), (None, 0.001, False)],
)
def test_the_baseline_stays_unless_it_is_beaten_beyond_chance(examples, better, stays):
    """A difference of .1 in 60 validation images is nothing, one of .04 in 2,000 is something."""

    def measured(candidate, task, seed):
        value = 0.7 + better * (candidate.genome == (2, 0)) - 0.1 * (candidate.genome not in FIRST[:2])
        counted = {} if examples is None else {"validated": examples}
        return Evaluation(candidate, {"val_accuracy": value, **counted}, candidate.fidelity)

    for trials in (2, 30):  # before anything has risen, and after
        searcher, _ = search(trials, evaluator=measured)
        winner: Any = searcher.recommend()
        assert (winner, searcher.recommend([winner])) == ((FIRST[0], (2, 0)) if stays else ((2, 0), FIRST[0]))


def test_what_rose_alone_is_compared_where_the_baseline_was_tried_too():
    def measured(candidate, task, seed):
        value = 0.5 + 0.01 * candidate.genome[0] + candidate.fidelity
        return Evaluation(candidate, {"val_accuracy": value, "validated": 100}, candidate.fidelity)

    searcher, trials = search(7, evaluator=measured)
    assert [c.genome for c in candidates(trials) if c.fidelity > FIDELITIES[0]] == [(5, 5)]
    assert searcher.recommend() == FIRST[0]


def test_further_genomes_are_recommended_in_order_each_once():
    searcher, trials = search(60)
    found: list[Any] = []
    while (genome := searcher.recommend(found)) is not None:
        found.append(genome)
    highest: dict[tuple[int, ...], float] = {}
    for one in candidates(trials):
        highest[one.genome] = max(highest.get(one.genome, 0.0), one.fidelity)
    assert len(set(found)) == len(found) == len(highest)
    assert found == sorted(found, key=lambda genome: (highest[genome], genome[0]), reverse=True)


def test_what_has_risen_is_not_recommended_again_as_what_it_was():
    searcher, trials = search(14, Varying())
    risen = {c.genome for c in candidates(trials) if c.fidelity > FIDELITIES[0]}
    found: list[Any] = []
    while (genome := searcher.recommend(found)) is not None:
        found.append(genome)
    assert risen
    assert {genome[1] for genome in found} == {9}
    assert len(set(found)) == len(found)
