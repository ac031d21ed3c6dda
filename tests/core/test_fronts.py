"""The members of a front, its knee, and the share that it dominates."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evonas.core.fronts import hypervolume, hypervolumes, knee, members, said_nothing
from evonas.core.goals import Goal, Objective
from evonas.core.types import Candidate, Evaluation, Trial

NAMES = ("gain", "params", "other")
TWO = Goal.parse("val_accuracy,params")
POINTS = st.lists(st.tuples(*[st.integers(-3, 3)] * 3), min_size=1, max_size=9)


def run(*metrics, fidelity=1.0):
    return [Trial("run", i, i, Evaluation(Candidate(i, fidelity), found)) for i, found in enumerate(metrics)]


def two(*pairs):
    return run(*({"val_accuracy": accuracy, "params": params} for accuracy, params in pairs))


def of(points, n):
    goal = Goal(tuple(Objective(name, maximize=name != "params") for name in NAMES[:n]))
    return goal, run(*({name: float(v) for name, v in zip(NAMES, p, strict=True)} for p in points))


def test_places_count_from_the_best_and_the_knee_is_farthest_from_the_line():
    trials = two((0.5, 10), (0.9, 100), (0.85, 30), (0.8, 90))
    found = members(TWO, trials)
    assert [(one.place, one.trial.number) for one in found] == [(1, 1), (2, 2), (3, 0)]
    assert [one.best for one in found] == [True, False, False]
    assert [one.knee for one in found] == [False, True, False]
    assert all(one.feasible for one in found)


@pytest.mark.parametrize(
    ("pairs", "position"),
    [
        ([(0.9, 10)], 0),
        ([(0.9, 10), (0.8, 5)], 0),  # both are on the line: the best
        ([(0.9, 20), (0.8, 10), (0.7, 0)], 0),  # so are all three
        ([(0.9, 20), (0.75, 12), (0.7, 0)], 0),  # nothing lies beyond it
        ([(0.9, 20), (0.89, 2), (0.7, 0)], 1),
    ],
)
def test_the_knee_of_few_and_of_equals(pairs, position):
    assert knee(TWO, two(*pairs)) == position


def test_the_knee_of_nothing_and_without_a_figure():
    assert knee(TWO, []) is None
    assert knee(TWO, run({"val_accuracy": 0.9})) == 0


@given(POINTS, st.integers(2, 3))
def test_the_knee_does_not_depend_on_units(points, n):
    goal, trials = of(points, n)
    factors: dict[str, float] = dict(zip(NAMES, (0.5, 1024.0, 8.0), strict=True))
    scaled = run(*({k: v * factors[k] for k, v in t.evaluation.metrics.items()} for t in trials))
    places = [[one.trial.number for one in members(goal, found) if one.knee] for found in (trials, scaled)]
    assert places[0] == places[1]
    assert len(places[0]) == 1
    one, other = (hypervolume(goal, found) for found in (trials, scaled))
    assert one is not None
    assert other is not None
    if all(len({t.evaluation.metrics[name] for t in trials}) > 1 for name in NAMES[:n]):
        assert one.value == pytest.approx(other.value)


@given(POINTS, st.integers(2, 3))
def test_the_share_is_that_of_the_cells_between_reference_and_ideal(points, n):
    goal, trials = of(points, n)
    signs = [-1 if name == "params" else 1 for name in NAMES[:n]]
    signed = [[sign * v for sign, v in zip(signs, p, strict=False)] for p in points]
    axes = []
    for column in zip(*signed, strict=True):
        span = max(column) - min(column)
        axes.append([min(column) - (0.1 * span if span else 1.0), *sorted(set(column))])
    total, under = 0.0, 0.0
    for cell in product(*(list(pairwise(axis)) for axis in axes)):
        volume = 1.0
        for low, high in cell:
            volume *= high - low
        total += volume
        under += volume * any(all(v >= high for v, (_, high) in zip(p, cell, strict=True)) for p in signed)
    found = hypervolume(goal, trials)
    assert found is not None
    assert found.value == pytest.approx(under / total)
    assert found.reference == pytest.approx([sign * axis[0] for sign, axis in zip(signs, axes, strict=True)])
    assert found.ideal == pytest.approx([sign * axis[-1] for sign, axis in zip(signs, axes, strict=True)])
    rising = hypervolumes(goal, trials)
    assert rising == sorted(rising)
    assert rising[-1] == found.value


def test_failed_ones_lower_fidelities_and_broken_limits_add_nothing():
    goal = Goal.parse("val_accuracy,params", ["params<=50"])
    part = run({"val_accuracy": 0.99, "params": 1}, fidelity=0.3)
    failed = [Trial("run", 7, 7, Evaluation.failure(Candidate(7), "no memory"))]
    whole = two((0.5, 10), (0.9, 100), (0.7, 40))
    assert hypervolumes(goal, [*part, *failed]) == [pytest.approx(1.0), pytest.approx(1.0)]  # there is nothing longer
    shares = hypervolumes(goal, [*part, *failed, *whole])
    assert shares[:2] == [0.0, 0.0]
    assert shares[2] == shares[3] < shares[4]
    assert [one.trial for one in members(goal, [*part, *failed, *whole])] == [whole[2], whole[0]]


def test_where_nothing_keeps_the_limits_the_nearest_stands_alone():
    goal = Goal.parse("val_accuracy,params", ["params<=5"])
    (one,) = members(goal, two((0.5, 10), (0.9, 100)))
    assert (one.trial.number, one.feasible, one.best, one.knee) == (0, False, True, True)
    assert hypervolume(goal, two((0.5, 10))) is None
    assert hypervolumes(goal, two((0.5, 10))) == [0.0]
    assert members(goal, []) == []


def test_an_objective_that_decided_nothing_is_named():
    goal = Goal.parse("val_accuracy,params,energy:min")
    trials = run({"val_accuracy": 0.5, "params": 1000}, {"val_accuracy": 0.6, "params": 1000, "energy": float("nan")})
    assert said_nothing(goal, trials) == [
        "objective 'params' was 1.00 k in all 2 trials and decided nothing: leave it out",
        "objective 'energy' had no figure in any of 2 trials: leave it out",
    ]
    assert said_nothing(TWO, two((0.5, 1), (0.6, 2))) == []
    assert said_nothing(TWO, two((0.5, 1))) == []
    assert said_nothing(Goal(), two((0.5, 1), (0.5, 1))) == []
