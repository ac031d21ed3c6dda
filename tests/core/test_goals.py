"""What is better, what is best, and what no other beats: against brute force."""

import math
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evonas.core import goals
from evonas.core.errors import EvonasError
from evonas.core.goals import Constraint, Goal, Metric, Objective, metric, register_metric
from evonas.core.types import Candidate, Evaluation, Trial

NAMES = ("val_accuracy", "params", "val_loss")
# few values, so that many are equal; NaN, infinities and what is missing among them
VALUE = st.sampled_from([0.0, 0.25, 0.5, 1.0, 2.0, math.nan, math.inf, -math.inf, None, "text", "missing"])


@st.composite
def evaluations(draw):
    candidate = Candidate(draw(st.integers(0, 9)), draw(st.sampled_from([1 / 3, 1.0])))
    if draw(st.integers(0, 4)) == 0:
        return Evaluation.failure(candidate, "no memory")
    return Evaluation(candidate, {name: v for name in NAMES if (v := draw(VALUE)) != "missing"})


@st.composite
def the_goals(draw):
    chosen = draw(st.permutations(NAMES))[: draw(st.integers(1, 3))]
    objectives = tuple(Objective(name, draw(st.booleans())) for name in chosen)
    limits = draw(st.lists(st.sampled_from(["params<=0.5", "val_accuracy>=0.25", "val_loss<=0"]), max_size=2))
    return Goal(objectives, tuple(map(Constraint.parse, limits)))


def numbered(found):
    return [Trial("run", i, i, evaluation) for i, evaluation in enumerate(found)]


TRIALS = st.lists(evaluations(), max_size=12).map(numbered)


@given(the_goals(), evaluations(), evaluations(), evaluations())
def test_better_is_a_strict_weak_order(goal, a, b, c):
    assert not goal.better(a, a)
    assert not (goal.better(a, b) and goal.better(b, a))
    if goal.better(a, b):  # whoever is as good as neither would make the order depend on what came between
        assert goal.better(a, c) or goal.better(c, b)


@given(the_goals(), TRIALS)
def test_best_is_what_no_other_is_better_than(goal, trials):
    best = goal.best(trials)
    good = [t for t in trials if math.isfinite(goal.value(t.evaluation))]
    if not good:
        assert best is None
        return
    unbeaten = [t for t in good if not any(goal.better(o.evaluation, t.evaluation) for o in trials)]
    assert best is unbeaten[0]


@given(the_goals(), TRIALS)
def test_records_rise_to_the_best(goal, trials):
    records = goal.records(trials)
    assert records == sorted(records)
    assert all(goal.better(trials[b].evaluation, trials[a].evaluation) for a, b in pairwise(records))
    assert ([trials[i] for i in records[-1:]] or [None])[0] is goal.best(trials)


@given(st.lists(st.none() | st.floats(0, 1)), st.booleans())
def test_records_are_the_running_best(values, maximize):
    goal = Goal((Objective("gain", maximize),))
    failed = Evaluation.failure(Candidate("g"), "no memory")
    trials = numbered([failed if v is None else Evaluation(Candidate("g"), {"gain": v}) for v in values])
    found, better = goal.records(trials), max if maximize else min
    for i in range(len(trials)):
        so_far = [v for v in values[: i + 1] if v is not None]
        last = [values[k] for k in found if k <= i][-1:]
        assert last == ([better(so_far)] if so_far else [])


@given(the_goals(), TRIALS)
def test_the_best_keeps_the_constraints_where_one_does(goal, trials):
    best = goal.best(trials)
    able = [t for t in trials if math.isfinite(goal.value(t.evaluation)) and goal.feasible(t.evaluation.metrics)]
    if able:
        assert best is not None
        assert goal.feasible(best.evaluation.metrics)
        assert best.evaluation.candidate.fidelity == max(t.evaluation.candidate.fidelity for t in able)


@given(the_goals(), TRIALS)
def test_the_front_is_what_no_other_dominates(goal, trials):
    able = [t for t in trials if math.isfinite(goal.value(t.evaluation)) and goal.feasible(t.evaluation.metrics)]
    full = max((t.evaluation.candidate.fidelity for t in able), default=1.0)
    values = {
        t.number: v
        for t in able
        if t.evaluation.candidate.fidelity == full and (v := goal.values(t.evaluation)) is not None
    }

    def dominated(v):
        return any(o != v and all(x >= y for x, y in zip(o, v, strict=True)) for o in values.values())

    expected = {v for v in values.values() if not dominated(v)}
    front = goal.front(trials)
    assert [values[t.number] for t in front] == sorted(expected, reverse=True)
    best = {v: goal.best([t for t in able if values.get(t.number) == v]) for v in expected}
    assert {t.number for t in front} == {t.number for t in best.values() if t is not None}


@given(the_goals(), TRIALS)
def test_the_best_is_on_the_front_unless_a_figure_of_it_is_missing(goal, trials):
    best, front = goal.best(trials), goal.front(trials)
    if best is not None and goal.values(best.evaluation) is not None and goal.feasible(best.evaluation.metrics):
        assert front[0] is best


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), max_size=8), st.integers(1, 3))
def test_the_hypervolume_is_the_number_of_dominated_unit_cubes(points, n):
    """Values are whole numbers, so the volume up to the reference can be counted."""
    names = ("gain", "params", "other")[:n]
    goal = Goal(tuple(Objective(name, maximize=name != "params") for name in names))
    found = [
        Evaluation(
            Candidate(i), {name: float(4 - v if name == "params" else v) for name, v in zip(names, p, strict=False)}
        )
        for i, p in enumerate(points)
    ]
    cubes = {cube for p in points for cube in product(*(range(v) for v in p[:n]))}
    reference = [4.0 if name == "params" else 0.0 for name in names]
    assert goal.hypervolume(numbered(found), reference) == pytest.approx(len(cubes))


def test_a_known_hypervolume():
    goal = Goal.parse("val_accuracy,params")
    found = [
        Evaluation(Candidate(i), {"val_accuracy": a, "params": p}) for i, (a, p) in enumerate([(0.9, 3), (0.5, 1)])
    ]
    assert goal.hypervolume(numbered(found), (0.0, 4.0)) == pytest.approx(0.9 * 1 + 0.5 * 2)
    with pytest.raises(EvonasError, match="1 values for 2 objectives"):
        goal.hypervolume(numbered(found), (0.0,))


def test_a_lower_fidelity_is_never_better_and_equal_accuracies_go_to_the_lower_loss():
    def made(fidelity, accuracy, loss):
        return Evaluation(Candidate("g", fidelity), {"val_accuracy": accuracy, "val_loss": loss})

    goal = Goal()
    assert goal.better(made(1.0, 0.5, 1.0), made(1 / 3, 0.9, 0.1))
    assert goal.better(made(1.0, 0.5, 0.9), made(1.0, 0.5, 1.0))
    assert not goal.better(Evaluation(Candidate("g"), {"val_accuracy": math.nan}), made(1 / 3, 0.1, 3.0))


def test_a_limit_comes_before_the_objective():
    goal = Goal.parse("val_accuracy", ["params<=100_000"])
    good, large = (Evaluation(Candidate(p), {"val_accuracy": a, "params": p}) for p, a in ((90_000, 0.8), (2e5, 0.9)))
    huge = Evaluation(Candidate(1), {"val_accuracy": 0.95, "params": 1e6})
    assert goal.best(numbered([huge, large, good])) == numbered([huge, large, good])[2]
    assert goal.best(numbered([huge, large])) == numbered([huge, large])[1]  # breaks it by less
    assert goal.front(numbered([huge, large])) == []
    assert goal.metrics == ("val_accuracy", "params")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("-val_accuracy", "would search for the worst validation accuracy; write val_accuracy"),
        ("test_accuracy", "the test set is touched once"),
        ("f1", "say whether more of yours is better: f1:max or f1:min"),
        ("f1:up", "write f1:min or f1:max"),
        ("-f1:max", "write f1:min or f1:max"),
        ("val_accuracy,val_accuracy", "named twice"),
        (" , ", "name none"),
        ("a b:max", "is no name of a metric"),
    ],
)
def test_objectives_that_are_not_valid(text, says):
    with pytest.raises(EvonasError) as error:
        Goal.parse(text)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


@given(the_goals())
def test_a_goal_reads_back_from_its_text(goal):
    text = [f"{one.name}:{'max' if one.maximize else 'min'}" for one in goal.objectives]
    assert Goal.parse(",".join(text), map(str, goal.constraints)) == goal


@pytest.fixture
def registered():
    """Metrics registered in the test are forgotten after it."""
    before = dict(goals._registered)
    yield
    goals._registered.clear()
    goals._registered.update(before)


def test_a_metric_of_a_users_own(registered):
    f1 = register_metric(Metric("f1", True, "F1", "percent"))
    assert metric("f1") is f1
    assert Goal.parse("f1,params").objectives == (Objective("f1"), Objective("params", False))
    assert metric("f1@0.33").text(0.5) == "50.00 %"
    assert register_metric(f1) is f1
    with pytest.raises(EvonasError, match="known already"):
        register_metric(Metric("f1", False))
