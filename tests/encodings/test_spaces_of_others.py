"""Spaces of ConfigSpace, and functions that suggest, as encodings."""

import math
from importlib.util import find_spec
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

import evonas
from evonas.core.errors import EvonasError
from evonas.core.types import Task
from evonas.encodings.by_run import DefineByRun, Suggestions
from evonas.encodings.check import check_encoding
from evonas.encodings.configspace import ConfigSpaceEncoding
from evonas.encodings.hyperparameters import Choices, Numbers
from evonas.testing import EncodingContract

TASK = Task("contract", (1, 8, 8), 3)
FUNCTIONS = {"relu": nn.ReLU, "tanh": nn.Tanh}


def widths(trial):
    found = [trial.suggest_int(f"width{i}", 4, 32, log=True) for i in range(trial.suggest_int("depth", 1, 3))]
    drop = trial.suggest_float("drop", 0, 0.5, step=0.1) if len(found) > 1 else 0.0
    return found, drop, trial.suggest_categorical("function", ["relu", "tanh"])


def perceptron(suggested, task):
    inner, drop, function = suggested
    sizes = [math.prod(task.input_shape), *inner]
    layers = [
        layer
        for before, after in pairwise(sizes)
        for layer in (nn.Linear(before, after), FUNCTIONS[function](), nn.Dropout(drop))
    ]
    return nn.Sequential(nn.Flatten(), *layers, nn.Linear(sizes[-1], task.n_classes))


def whole_network(trial):
    """As Optuna's examples have it: it knows its inputs and classes, and is the network."""
    return perceptron(widths(trial), TASK)


class TestByRun(EncodingContract):
    encoding = DefineByRun(widths, perceptron)
    gaps = True


class TestNetworkByRun(EncodingContract):
    encoding = DefineByRun(whole_network)
    gaps = True


def space_of_configspace():
    import ConfigSpace as cs

    space = cs.ConfigurationSpace(seed=1)
    depth, width = cs.Integer("depth", (1, 3)), cs.Integer("width", (4, 32), log=True)
    kernel = cs.Categorical("kernel", [3, 5, 7], ordered=True)
    drop, function = (
        cs.Float("drop", (0, 0.5), distribution=cs.Normal(0.2, 0.1)),
        cs.Categorical("function", [*FUNCTIONS]),
    )
    space.add(depth, width, drop, function, kernel, cs.Constant("bias", "yes"))
    space.add(cs.EqualsCondition(kernel, function, "relu"), cs.GreaterThanCondition(drop, depth, 1))
    space.add(
        cs.ForbiddenAndConjunction(cs.ForbiddenEqualsClause(depth, 3), cs.ForbiddenInClause(width, [*range(4, 20)]))
    )
    return space


def of_values(values, task):
    return perceptron(([values["width"]] * values["depth"], values.get("drop", 0.0), values["function"]), task)


SPACE = ConfigSpaceEncoding(space_of_configspace(), of_values) if find_spec("ConfigSpace") else None
needs_configspace = pytest.mark.skipif(SPACE is None, reason="ConfigSpace is not installed")


@needs_configspace
class TestConfigSpace(EncodingContract):
    encoding = SPACE
    gaps = True


@needs_configspace
@settings(max_examples=20, deadline=None)
@example(257396)  # ConfigSpace finds no neighbour of a number, and raises
@given(st.integers(0, 2**32 - 1))
def test_whatever_comes_of_it_is_a_configuration_of_the_space(seed):
    """ConfigSpace itself says so, with all conditions and forbidden clauses; and its generator was not drawn from."""
    from ConfigSpace import Configuration

    assert SPACE is not None
    state: Any = SPACE._space.random.get_state
    before = state()[1].tolist()
    rng = np.random.default_rng(seed)
    genome, other = SPACE.sample(rng), SPACE.sample(rng)
    for _ in range(20):
        genome = SPACE.mutate(SPACE.crossover(genome, other, rng), rng)
        Configuration(SPACE._space, values=dict(genome)).check_valid_configuration()
    assert state()[1].tolist() == before


@needs_configspace
def test_what_is_no_space_and_what_allows_nothing():
    import ConfigSpace as cs

    with pytest.raises(EvonasError, match="is no ConfigurationSpace with hyperparameters"):
        ConfigSpaceEncoding({"depth": (1, 3)})
    space = cs.ConfigurationSpace({"a": ["x", "y"], "b": [True, False]})
    with pytest.raises(EvonasError, match="was made without build"):
        ConfigSpaceEncoding(space).build((("a", "x"), ("b", True)), TASK)
    space.add(cs.ForbiddenEqualsClause(space["b"], False))  # True is its default, so ConfigSpace allows this
    always = ConfigSpaceEncoding(space)
    assert {dict(always.sample(np.random.default_rng(seed)))["b"] for seed in range(20)} == {True}
    big = cs.ConfigurationSpace({"n": (0, 10**9)})
    big.add(cs.ForbiddenInClause(big["n"], [*range(10)]))
    assert ConfigSpaceEncoding(big).mutate((("n", 10),), np.random.default_rng(0))[0][1] > 10


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_optuna_takes_every_genome_for_what_it_would_have_suggested(seed):
    """Its fixed trial replays the genome, and warns of what is out of a range; names and values are the same."""
    optuna = pytest.importorskip("optuna", reason="optuna is not installed")
    encoding, rng = DefineByRun(widths, perceptron), np.random.default_rng(seed)
    genome = encoding.mutate(encoding.crossover(encoding.sample(rng), encoding.sample(rng), rng), rng)
    trial = optuna.trial.FixedTrial(dict(genome))
    assert widths(trial) == widths(Suggestions(dict(genome)))
    assert trial.params == dict(genome)
    for name, distribution in trial.distributions.items():
        assert distribution._contains(distribution.to_internal_repr(dict(genome)[name])), name


def test_a_dependent_name_is_described_though_it_is_rare():
    features = DefineByRun(widths, perceptron).features((("depth", 1), ("width0", 8), ("function", "relu")))
    assert set(features) == {"depth", "width0", "width1", "width2", "drop", "function=relu", "function=tanh"}
    assert features["width0"] == pytest.approx(math.log(8))
    assert math.isnan(features["width2"])


@settings(max_examples=100, deadline=None)
@given(st.data(), st.booleans(), st.integers(0, 2**32 - 1))
def test_numbers_stay_in_their_range_and_on_their_steps(data, log, seed):
    low = data.draw(st.integers(1 if log else -50, 50))
    high = low + data.draw(st.integers(0, 100))
    numbers = Numbers("n", low, high, 1 if log else data.draw(st.integers(1, 9)), log, whole=True)
    rng = np.random.default_rng(seed)
    value = numbers.draw(rng)
    for _ in range(10):
        assert numbers.holds(value)
        assert isinstance(value, int)
        other = numbers.another(value, rng)
        assert (other != value) == numbers.several
        value = other


def test_all_of_a_range_are_drawn_alike():
    rng = np.random.default_rng(0)
    drawn = [Numbers("n", 1, 10, 3, whole=True).draw(rng) for _ in range(4000)]
    assert {value: abs(drawn.count(value) - 1000) < 120 for value in set(drawn)} == dict.fromkeys((1, 4, 7, 10), True)
    logs = np.log([Numbers("n", 1e-5, 1e-1, log=True).draw(rng) for _ in range(4000)])
    assert np.histogram(logs, 4)[0] == pytest.approx([1000] * 4, abs=120)


def test_true_is_not_one():
    choices = Choices("c", (1, True, 1.0, None))
    assert choices.features("c", True) == {"c=1": 0.0, "c=True": 1.0, "c=1.0": 0.0, "c=None": 0.0}
    assert not choices.holds(False)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda t: t.suggest_int("a", 3, 1), "'a' from 3 to 1 has no values"),
        (lambda t: t.suggest_int("a", 0, 4, log=True), "'a' from 0 to 4: log=True needs a low of at least 1"),
        (lambda t: t.suggest_int("a", 0.5, 4), "0.5 is no whole number"),
        (lambda t: t.suggest_float("a", 0, 1, step=0), "step=0 is none"),
        (lambda t: t.suggest_float("a", 1, 2, step=0.5, log=True), "exclude one another"),
        (lambda t: t.suggest_float("a", 0, float("nan")), "has no values"),
        (lambda t: t.suggest_categorical("a", []), "'a' needs choices that differ"),
        (lambda t: t.suggest_categorical("a", [object]), "'a' has the choice <class 'object'>"),
        (lambda t: (t.suggest_int("a", 1, 2), t.suggest_float("a", 5, 6)), "'a' is suggested twice"),
        (lambda t: t.report(0.5, 1), "trial.report is not there where a space is defined by run"),
        (lambda t: None, "the function suggests nothing"),
    ],
)
def test_what_suggests_no_space_is_one_line(function, says):
    with pytest.raises(EvonasError, match=says) as error:
        check_encoding(DefineByRun(function, perceptron), TASK, np.random.default_rng(0))
    assert "\n" not in str(error.value)


def test_a_search_with_each(tmp_path):
    """The configuration is the genome's dict, and a search without networks needs no build."""

    def score(candidate, task, seed):
        values = SimpleNamespace(**dict(candidate.genome))
        return {"score": -abs(values.depth - 2) - abs(values.width0 - 16) / 16}

    found = evonas.search(
        evaluator=score,
        encoding=DefineByRun(widths),
        objectives="score:max",
        trials=30,
        archive=str(tmp_path / "a.db"),
        out=str(tmp_path / "out"),
        surrogate="none",
        callbacks=(),
    )
    assert dict(found["genome"])["depth"] == 2
    assert found["metrics"]["score"] > -0.5


def test_a_network_of_an_object_is_taken_away_and_brought_back(tmp_path):
    """No name leads to it: the program is written nevertheless, and `load` takes the object."""
    rng = np.random.default_rng(0)
    x, y = rng.random((60, 8, 8)), np.arange(60) % 3
    encoding = DefineByRun(widths, perceptron)
    options = {"archive": str(tmp_path / "a.db"), "out": str(tmp_path / "out"), "surrogate": "none", "callbacks": ()}
    found = evonas.search(x, y, encoding=encoding, trials=1, epochs=1, device="cpu", **options)
    assert "model.pt2" in found.files
    assert evonas.load(found.folder, encoding=encoding).predict(x).shape == (60,)
    with pytest.raises(EvonasError, match="'evonas.encodings.by_run:DefineByRun' cannot be made"):
        evonas.load(found.folder)
