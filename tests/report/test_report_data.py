"""What the report shows of the trials."""

import json

from hypothesis import given
from hypothesis import strategies as st

from evonas.core.goals import VAL_ACCURACY, Objective
from evonas.core.types import Candidate, Evaluation, Trial
from evonas.report import data

FIGURES = st.lists(st.tuples(st.none() | st.floats(0, 1), st.none() | st.integers(1, 5)), max_size=12)


def trial(number: int, fidelity: float = 1.0, error: str | None = None, **metrics) -> Trial:
    candidate = Candidate(("g", number), fidelity)
    evaluation = Evaluation.failure(candidate, error) if error is not None else Evaluation(candidate, metrics, 1.5)
    return Trial("run", number, number, evaluation, 2.0 * (number + 1))


@given(FIGURES, st.booleans())
def test_the_front_is_what_nothing_dominates(figures, maximize):
    values, costs = [v for v, _ in figures], [c for _, c in figures]
    sign = 1 if maximize else -1
    points = {i: (sign * v, -c) for i, (v, c) in enumerate(figures) if v is not None and c is not None}

    def beaten(i):
        return any(p != points[i] and p[0] >= points[i][0] and p[1] >= points[i][1] for p in points.values())

    front = data.front(values, costs, maximize)
    assert {points[i] for i in front} == {points[i] for i in points if not beaten(i)}
    assert [costs[i] for i in front] == sorted({costs[i] for i in front})  # type: ignore[type-var]


@given(st.lists(st.none() | st.floats(0, 1)), st.booleans())
def test_records_are_the_running_best(values, maximize):
    objective = Objective("val_accuracy", maximize)
    trials = [trial(i, error="x") if v is None else trial(i, val_accuracy=v) for i, v in enumerate(values)]
    found = data.records(trials, objective)
    better = max if maximize else min
    for i in range(len(trials)):
        so_far = [v for v in values[: i + 1] if v is not None]
        last = [values[k] for k in found if k <= i][-1:]
        assert last == ([better(so_far)] if so_far else [])


def test_a_lower_fidelity_is_no_record_and_not_on_the_front():
    trials = [trial(0, 0.5, val_accuracy=0.99, params=1), trial(1, val_accuracy=0.9, params=2)]
    columns = data.columns(trials, VAL_ACCURACY, trials[1])
    assert columns["records"] == [1]
    assert columns["fronts"]["params"] == [1]
    assert columns["best"] == 1


def test_the_run_says_which_trial_it_chose():
    trials = [trial(4, val_accuracy=0.9), trial(5, val_accuracy=0.9), trial(6, error="x")]
    assert data.best_trial(trials, VAL_ACCURACY) is trials[0]
    assert data.best_trial(trials, VAL_ACCURACY, 5) is trials[1]
    assert data.best_trial(trials, VAL_ACCURACY, 6) is trials[0]
    assert data.best_trial(trials[2:], VAL_ACCURACY) is None


def test_columns_are_json_whatever_the_figures():
    trials = [trial(0, val_accuracy=float("nan"), val_loss=float("inf"), odd="text"), trial(1, error="Oh\nno")]
    columns = data.columns(trials, VAL_ACCURACY, None)
    json.dumps(columns, allow_nan=False)
    assert columns["metrics"]["val_accuracy"] == [None, None]
    assert columns["failed"] == [None, "Oh"]
    assert columns["genome"] == ['["g", 0]', '["g", 1]']


def test_seconds_add_up_where_no_clock_was_recorded():
    trials = [Trial("run", i, i, Evaluation(Candidate(i), {}, 1.5)) for i in range(3)]
    assert data.elapsed(trials) == [1.5, 3.0, 4.5]
    assert data.elapsed([trial(0), trial(1)]) == [2.0, 4.0]


def test_failures_are_grouped_by_reason_the_most_frequent_first():
    trials = [trial(0, error="a\nx"), trial(1, error="b"), trial(2, val_accuracy=0.5), trial(3, error="b")]
    groups = data.failures(trials)
    assert [(g["reason"], g["trials"]) for g in groups] == [("b", [2, 4]), ("a", [1])]
    assert groups[1]["error"] == "a\nx"


def test_the_headline_prefers_the_result():
    trials = [trial(0, val_accuracy=0.9, params=1000), trial(1, error="x")]
    tiles = {t["name"]: t["text"] for t in data.headline({"params": 2000}, trials, VAL_ACCURACY, trials[0])}
    assert tiles["parameters"] == "2.00 k"
    assert tiles["validation accuracy"] == "90.00 %"
    assert tiles["test accuracy"] == "–"
    assert tiles["search time"] == "4.0 s"
