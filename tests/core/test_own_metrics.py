"""Metrics of a user's own: what a function takes says when it is called; what may be wrong with one."""

import functools
import math
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

from evonas.core.errors import EvonasError
from evonas.core.goals import metric
from evonas.core.own_metrics import OwnMetric, load, split_name


def joules(genome: Any, task: Any) -> float:
    return 2.0 * len(genome)


def bytes_of(network: Any) -> float:
    return 3.0


def spread(trained: Any, *, power: int = 2) -> float:
    return float(power)


@pytest.mark.parametrize(
    ("function", "kind", "before", "untrained"),
    [
        (joules, "genome", True, False),
        (bytes_of, "network", False, True),
        (spread, "trained", False, False),
        (lambda task, genome: 1.0, "genome", True, False),
        (functools.partial(spread, power=3), "trained", False, False),
        (lambda y_true, probabilities: 1.0, "y_true", False, False),
        (functools.partial(f1_score, average="macro"), "y_true", False, False),
        (lambda probabilities, task, y_pred, y_true: 1.0, "y_true", False, False),
    ],
)
def test_what_it_takes_says_when_it_is_known(function, kind, before, untrained):
    own = OwnMetric.of("mine", function)
    assert own.kind == kind
    assert (own.metric.before_training, own.metric.untrained, own.metric.cost) == (before, untrained, kind != "y_true")
    assert own.metric.maximize is None


def test_it_is_called_with_what_it_takes():
    assert OwnMetric.of("mine", joules)(genome=(1, 2), task=None, network=None) == 4.0
    assert OwnMetric.of("mine", lambda genome: np.float32(0.5))(genome=(), task=None) == 0.5
    assert OwnMetric.of("mine", lambda genome: 10**400)(genome=()) == math.inf


def broken(genome: Any) -> float:
    raise ValueError("no such board\nat all")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (broken, r"the metric 'mine' raised ValueError: no such board \(test_own_metrics.py, line \d+\)"),
        (lambda genome: "much", "the metric 'mine' gave a str, not a number"),
        (lambda genome: np.zeros(2), "gave a ndarray, not a number"),
        (lambda genome: None, "gave a NoneType, not a number"),
    ],
)
def test_one_that_gives_no_number(function, says):
    with pytest.raises(EvonasError, match=says) as error:
        OwnMetric.of("mine", function)(genome=())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "function", "says"),
    [
        ("params", joules, "--metric params: evonas has a metric 'params' of its own; write another name: mine=params"),
        ("test_accuracy", joules, "evonas has a metric 'test_accuracy' of its own"),
        ("mine", 3, "--metric mine is a int; give a function"),
        ("mine", metric("params"), "is a name, not a function: search for it with --objectives params:min"),
        ("mine", lambda x, y: 1, r"--metric mine takes \(x, y\); let it take genome"),
        ("mine", lambda genome, trained: 1, r"takes \(genome, trained\)"),
        ("mine", lambda task: 1, r"takes \(task\)"),
        ("mine", lambda genome, watts: 1, r"takes \(genome, watts\)"),
        ("mine", lambda: 1, r"takes \(\)"),
    ],
)
def test_what_is_no_metric(name, function, says):
    with pytest.raises(EvonasError, match=says) as error:
        OwnMetric.of(name, function)
    assert "\n" not in str(error.value)


def test_how_it_is_named():
    assert split_name("my.py:energy") == ("energy", "my.py:energy")
    assert split_name("energy = my.py:joules(volts=3)") == ("energy", "my.py:joules(volts=3)")
    assert split_name("a/b=c/my.py:energy") == ("energy", "a/b=c/my.py:energy")
    assert split_name("board.model:Board.watts") == ("watts", "board.model:Board.watts")


def test_a_name_means_one_thing_in_a_process():
    assert load("mine_once=x", joules).name == "mine_once"
    assert metric("mine_once").before_training
    assert load("mine_once=x", lambda genome: 1.0).name == "mine_once"
    with pytest.raises(EvonasError, match="--metric mine_once: another metric of this name is known; write another"):
        load("mine_once=x", bytes_of)
    with pytest.raises(EvonasError, match=r"the metric 'gone' was an object, which is gone; give it again: metrics="):
        load("gone=tests.core:<lambda>")
