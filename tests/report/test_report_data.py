"""What the report shows of the trials."""

import json

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from evonas.core.goals import Goal, Objective
from evonas.core.types import Candidate, Evaluation, Trial
from evonas.report import data

FIGURES = st.lists(st.tuples(st.none() | st.floats(0, 1), st.none() | st.integers(1, 5)), max_size=12)


def trial(number: int, fidelity: float = 1.0, error: str | None = None, **metrics) -> Trial:
    candidate = Candidate(("g", number), fidelity)
    evaluation = Evaluation.failure(candidate, error) if error is not None else Evaluation(candidate, metrics, 1.5)
    return Trial("run", number, number, evaluation, 2.0 * (number + 1))


@given(FIGURES, st.booleans())
def test_the_front_of_value_and_cost_is_what_nothing_dominates(figures, maximize):
    sign = 1 if maximize else -1
    points = {i: (sign * v, -c) for i, (v, c) in enumerate(figures) if v is not None and c is not None}
    trials = [
        trial(i, **{k: x for k, x in (("val_accuracy", v), ("params", c)) if x is not None})
        for i, (v, c) in enumerate(figures)
    ]

    def beaten(i):
        return any(p != points[i] and p[0] >= points[i][0] and p[1] >= points[i][1] for p in points.values())

    columns = data.columns(trials, Goal((Objective("val_accuracy", maximize),)), None)
    if not points:
        assert not columns["fronts"].get("params")
        return
    front = columns["fronts"]["params"]
    costs = [figures[i][1] for i in front]
    assert {points[i] for i in front} == {points[i] for i in points if not beaten(i)}
    assert costs == sorted(set(costs))


def test_a_lower_fidelity_is_no_record_and_not_on_the_front():
    trials = [trial(0, 0.5, val_accuracy=0.99, params=1), trial(1, val_accuracy=0.9, params=2)]
    columns = data.columns(trials, Goal(), trials[1])
    assert columns["records"] == [1]
    assert columns["fronts"]["params"] == [1]
    assert columns["best"] == 1


def test_all_objectives_are_there_and_drawn_against_the_first():
    goal = Goal.parse("val_accuracy,f1:max,params")
    trials = [
        trial(0, val_accuracy=0.9, f1=0.5, params=10),
        trial(1, val_accuracy=0.8, f1=0.6, params=20),
        trial(2, val_accuracy=0.7, f1=0.4, params=30),
        trial(3, error="x"),
    ]
    columns = data.columns(trials, goal, trials[0])
    assert columns["objectives"] == [
        {"name": "val_accuracy", "maximize": True},
        {"name": "f1", "maximize": True},
        {"name": "params", "maximize": False},
    ]
    assert [cost["name"] for cost in columns["costs"]] == ["seconds"]
    assert columns["several"]["members"] == [0, 1]
    assert columns["several"]["knee"] == 0
    assert columns["several"]["pairs"] == [("val_accuracy", "f1"), ("val_accuracy", "params"), ("f1", "params")]
    assert columns["several"]["hypervolume"] == sorted(columns["several"]["hypervolume"])
    assert columns["several"]["feasible"] == [1, 1, 1, 0]
    assert columns["metrics"]["seconds"] == [1.5, 1.5, 1.5, None]
    tiles = [tile["name"] for tile in data.headline({}, trials, goal, trials[0])]
    assert tiles == ["test accuracy", "validation accuracy", "f1", "parameters", "FLOPs", "trials", "search time"]


def test_the_front_is_of_its_own_fidelity_and_names_the_limits():
    goal = Goal.parse("val_accuracy,params", ["params<=25"])
    trials = [trial(0, 1.0, val_accuracy=0.9, params=90), trial(1, 0.5, val_accuracy=0.8, params=20)]
    found = data.several(trials, goal)
    assert found is not None
    assert (found["members"], found["fidelity"], found["feasible"]) == ([1], 0.5, [0, 1])
    assert found["limits"] == [{"name": "params", "bound": 25.0, "at_most": True}]
    assert data.several(trials, Goal()) is None
    assert data.several([], goal) is None
    assert data.pairs(["a", "b", "c", "d"]) == [("a", "b"), ("a", "c"), ("a", "d")]


def test_the_run_says_which_trial_it_chose():
    trials = [trial(4, val_accuracy=0.9), trial(5, val_accuracy=0.9), trial(6, error="x")]
    assert data.chosen(trials, Goal()) is trials[0]
    assert data.chosen(trials, Goal(), 5) is trials[1]
    assert data.chosen(trials, Goal(), 6) is trials[0]
    assert data.chosen(trials[2:], Goal()) is None


def test_columns_are_json_whatever_the_figures():
    trials = [trial(0, val_accuracy=float("nan"), val_loss=float("inf"), odd="text"), trial(1, error="Oh\nno")]
    columns = data.columns(trials, Goal(), None)
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
    tiles = {t["name"]: t["text"] for t in data.headline({"params": 2000}, trials, Goal(), trials[0])}
    assert tiles["parameters"] == "2.00 k"
    assert tiles["validation accuracy"] == "90.00 %"
    assert tiles["test accuracy"] == "–"
    assert tiles["search time"] == "4.0 s"


def test_of_many_trials_so_many_are_shown_those_that_matter_among_them(monkeypatch):
    rng, goal = np.random.default_rng(0), Goal.parse("val_accuracy,params")
    trials = [trial(k, val_accuracy=float(a), params=float(b)) for k, (a, b) in enumerate(rng.random((300, 2)))]
    best = goal.best(trials)
    whole = data.columns(trials, goal, best)
    monkeypatch.setattr(data, "DRAWN", 60)
    found = data.columns(trials, goal, best)
    shown = [number - 1 for number in found["trial"]]
    assert (found["count"], shown[0], shown[-1]) == (300, 0, 299)
    assert 50 <= len(shown) <= 60
    assert shown == sorted(shown)
    for had, has in ((whole, found), (whole["metrics"], found["metrics"]), (whole["several"], found["several"])):
        for name in {"params", "genome", "elapsed", "failed", "feasible", "hypervolume"} & set(has):
            assert has[name] == [had[name][i] for i in shown]
    assert [shown[i] for i in found["records"]] == whole["records"]
    assert [shown[i] for i in found["several"]["members"]] == whole["several"]["members"]
    assert [shown[found["best"]], shown[found["several"]["knee"]]] == [whole["best"], whole["several"]["knee"]]
