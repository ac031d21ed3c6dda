"""Several objectives under rankers: what is learned, what is computed, and what is chosen for the front."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from evonas.core import trust
from evonas.core.errors import EvonasError
from evonas.core.goals import Goal, Objective
from evonas.core.types import Candidate, Evaluation
from evonas.execution.processes import Serial
from evonas.search.loop import Budget, run
from evonas.search.methods import make_method
from evonas.search.several import FEW, SeveralObjectives, learned
from tests.toys import TASK, Digits, on

SUM, SMALL = Objective("val_accuracy"), Objective("params", maximize=False)
KNOWING = "tests.search.test_several:Knowing"
SPREAD = Objective("spread", maximize=False)


def counted(genome, names):
    """Known before training: the digits' sum of squares."""
    return {"params": float(sum(digit**2 for digit in genome))}


def sums(candidate, task, seed):
    genome = candidate.genome
    metrics = {"val_accuracy": sum(genome) / 18, "spread": float(max(genome) - min(genome)), **counted(genome, ())}
    return Evaluation(candidate, metrics, 0.0)


class Knowing:
    """A ranker that knows one digit's worth, as sure as it is told."""

    def __init__(self, deviation=0.0, sign=1.0):
        self.deviation, self.sign = deviation, sign

    def fit(self, X, y, groups):
        return self

    def adapt(self, X, y):
        self.seen = y
        return self

    def predict(self, X):
        return self.sign * X.sum(1) / 10

    def predict_with_deviation(self, X):
        return self.predict(X), np.full(len(X), self.deviation)


def context(*objectives, costs: Any = counted):
    return replace(on(Digits(), *objectives), costs=costs)


def test_what_is_known_before_training_is_not_learned():
    assert learned(context(SUM, SMALL, SPREAD)) == [SUM, SPREAD]
    assert learned(context(SUM, SMALL, costs=None)) == [SUM, SMALL]
    assert learned(context(SMALL)) == [SMALL]
    searcher: Any = make_method("nsga2+boosting", context(SUM, SMALL, SPREAD))
    assert len(searcher.rankers) == 2
    assert searcher.learned == [SUM, SPREAD]
    assert len(make_method("nsga2+boosting", context(SUM, SMALL, costs=None)).rankers) == 2  # type: ignore[attr-defined]


def features(genomes):
    return np.array([[float(digit) for digit in genome] for genome in genomes]).reshape(len(genomes), 4)


def judge(results, ranker, *objectives) -> SeveralObjectives:
    found = SeveralObjectives(context(*objectives), Goal(objectives), [SUM], [ranker])
    if results:
        found.observe([sums(Candidate(genome), TASK, 0) for genome in results])
    return found


@pytest.mark.parametrize("results", [0, 3, 2 * FEW])
def test_a_dominated_genome_comes_after_one_that_adds_to_the_front(results):
    rng = np.random.default_rng(0)
    had = [tuple(map(int, genome)) for genome in rng.integers(0, 9, (results, 4))]
    worse, better = (9, 0, 0, 0), (3, 3, 3, 3)  # a smaller sum for more parameters than that
    scores = judge(had, Knowing(0.1), SUM, SMALL).scores([worse, better, (0, 0, 0, 0)], [], features)
    assert scores[1] > scores[0]
    assert np.isfinite(scores).all()


def test_what_is_on_its_way_is_not_asked_for_again():
    had = [(i % 5, i % 3, i % 4, 0) for i in range(2 * FEW)]
    found = judge(had, Knowing(0.0, 3.0), SUM, SMALL)
    genomes = [(2, 2, 2, 2), (1, 2, 2, 2), (1, 0, 0, 0)]
    alone, after = (np.exp(found.scores(genomes, pending, features)) for pending in ([], [genomes[0]]))
    assert alone[0] > 1e-6 > after[0]


def test_units_do_not_matter():
    had = [(i % 5, i % 3, i % 4, 1 + i % 7) for i in range(2 * FEW)]
    genomes = [tuple(map(int, genome)) for genome in np.random.default_rng(1).integers(0, 9, (40, 4))]
    plain = judge(had, Knowing(0.3), SUM, SMALL).scores(genomes, [], features)
    large = context(SUM, SMALL, costs=lambda genome, names: {"params": 1e6 * counted(genome, ())["params"]})
    scaled = SeveralObjectives(large, Goal((SUM, SMALL)), [SUM], [Knowing(0.3)])
    evaluations = [sums(Candidate(genome), TASK, 0) for genome in had]
    scaled.observe([replace(e, metrics={**e.metrics, "params": 1e6 * e.metrics["params"]}) for e in evaluations])
    assert scaled.scores(genomes, [], features) == pytest.approx(plain, abs=1e-6)


def test_constant_and_missing_objectives_are_no_fault():
    had = [(1, 1, 1, i % 3) for i in range(2 * FEW)]
    evaluations = [sums(Candidate((*genome[:3], i)), TASK, 0) for i, genome in enumerate(had)]
    constant = [replace(e, metrics={**e.metrics, "val_accuracy": 0.5}) for e in evaluations]
    failed = [Evaluation.failure(e.candidate, "no", 0.0) for e in evaluations[:5]] + evaluations[5:]
    for told in (constant, failed, failed[:5]):
        found = SeveralObjectives(context(SUM, SMALL), Goal((SUM, SMALL)), [SUM], [Knowing(0.2)])
        found.observe(told)
        assert np.isfinite(found.scores([(2, 2, 2, 2), (3, 0, 0, 0)], [], features)).all()


def test_who_knows_what_is_good_finds_more_of_the_front_than_chance():
    trust.given(KNOWING)
    goal = Goal((SUM, SMALL))

    def found(spec):
        volumes = []
        for seed in range(3):
            searcher = make_method(spec, context(SUM, SMALL))
            outcome = run(searcher, Serial(sums), TASK, seed=seed, budget=Budget(30))
            volumes.append(goal.hypervolume(outcome.trials, (0.0, 60.0)))
        return volumes

    assert min(found(f"random+{KNOWING}")) > max(found("random"))


def test_reference_points_want_several_objectives():
    with pytest.raises(EvonasError, match="nsga3 spreads over several objectives, got val_accuracy"):
        make_method("nsga3", on(Digits(), SUM))


def test_reference_points_keep_what_keeps_the_limits():
    goal = Goal.parse("val_accuracy,-params", ["params<=10"])
    searcher: Any = make_method("nsga3(population=6)", replace(on(Digits()), goal=goal))
    outcome = run(searcher, Serial(sums), TASK, seed=0, budget=Budget(80))
    assert any(trial.evaluation.metrics["params"] <= 10 for trial in outcome.trials)
    assert all(parent.fitness.violation == 0 for parent in searcher._parents)
