"""What encodings know of costs without building anything, and portfolios that are made to fit."""

from typing import Any

import numpy as np
import pytest

from evonas.core.goals import Goal
from evonas.core.optional import HasPortfolio, Shrinkable, canonical_form
from evonas.core.types import Task
from evonas.encodings.make import make_encoding
from evonas.encodings.within import Within
from evonas.search.limits import Costs, Proposals
from evonas.training import profile

SHAPES = ((1, 8, 8), (3, 5, 17), (2, 1, 1))
SPECS = ("net", "cell", "cell(width=4,cells=2,pruned=False)", "macro(stages=2,stem=8)", "with_recipe(encoding='cell')")
DIGITS = Task("digits", (1, 8, 8), 10)


def made(spec) -> Any:
    return make_encoding(spec)


def within(spec, *limits, task=DIGITS):
    encoding, goal = make_encoding(spec), Goal.parse("val_accuracy", limits)

    def count(genome, names):
        return profile.costs_at_once(encoding, genome, task, names)

    costs = Costs(goal, profile.KNOWN, count, encoding)
    return Within(encoding, Proposals(costs)), costs


@pytest.mark.parametrize("spec", SPECS)
def test_costs_are_those_of_the_built_network(spec):
    encoding, rng = made(spec), np.random.default_rng(1)
    for shape in SHAPES:
        task = Task("any", shape, 7)
        for _ in range(3):
            genome = encoding.sample(rng)
            found = encoding.costs(genome, task)
            assert set(found) >= {"params", "flops"}
            assert found == profile.costs(encoding, genome, task, tuple(found))


@pytest.mark.parametrize("spec", SPECS)
def test_smaller_genomes_are_of_the_encoding_and_the_smallest_has_none(spec):
    encoding, rng = made(spec), np.random.default_rng(2)
    for _ in range(5):
        genome, steps = encoding.sample(rng), 0
        while smaller := encoding.smaller(genome):
            for one in smaller:
                assert one != genome
                assert set(encoding.features(one)) == set(encoding.features(genome))
                assert canonical_form(encoding)(one) == one
            genome, steps = smaller[-1], steps + 1
            assert steps < 100


@pytest.mark.parametrize(
    ("spec", "limit", "least"),
    [
        ("net", "params<=20000", 9),
        ("net", "params<=2500", 5),
        ("net", "flops<=200000", 8),
        ("net", "model_kb<=40", 8),
        ("cell", "params<=140000", 3),
        ("cell", "flops<=1300000", 1),
        ("macro", "params<=8000", 3),
        ("macro", "flops<=250000", 2),
        ("with_recipe(encoding='cell')", "params<=140000", 3),
    ],
)
def test_a_portfolio_is_made_to_fit(spec, limit, least):
    space, costs = within(spec, limit)
    plain = made(spec).portfolio(DIGITS)
    fitted = space.portfolio(DIGITS)
    assert isinstance(space, HasPortfolio)
    assert least <= len(fitted) == len(set(fitted)) <= len(plain)
    assert all(costs.violation(genome) == 0 for genome in fitted)
    kept = [genome for genome in plain if costs.violation(genome) == 0]
    assert [genome for genome in fitted if genome in kept] == kept


def test_the_baseline_of_net_has_fewer_channels_and_is_otherwise_the_same():
    space, _ = within("net", "params<=50000")
    net, larger = made("net"), Task("larger", (1, 28, 28), 10)
    assert space.portfolio(larger)[0] == net.genome(width=24)
    fitted, of_boards = (net.named(one.portfolio(DIGITS)[0]) for one in (space, net))
    assert fitted["width"] < of_boards["width"]
    assert {**fitted, "width": of_boards["width"]} == of_boards


def test_what_cannot_be_made_to_fit_is_left_out():
    assert within("net", "params<=100")[0].portfolio(DIGITS) == []
    assert within("net", "params>=100000")[0].portfolio(DIGITS) != []
    assert within("cell", "params<=100")[0].portfolio(DIGITS) == []


def test_an_encoding_within_limits_passes_for_the_one_it_limits():
    space, costs = within("series", "model_kb<=40", task=(task := Task("any", (1, 32), 3)))
    assert not isinstance(space, HasPortfolio)
    assert not isinstance(space, Shrinkable)
    rng = np.random.default_rng(0)
    genome = space.sample(rng)
    assert profile.costs(make_encoding("series"), genome, task)["model_kb"] <= 40
    assert space.fitted(genome) == genome
    assert space.space() is not None
    large = (3, 32, 9, 1, 3, "batch", "mean", 0.0)
    assert costs.violation(large) > 0
    assert space.fitted(large) is None
