"""What the built-in encodings have tried first: unlike one another, canonical, good for every image."""

from itertools import combinations
from typing import Any

import numpy as np
import pytest
import torch

from evonas.app.deadline import portfolio
from evonas.core.optional import HasPortfolio, canonical_form
from evonas.core.recipe import Recipe
from evonas.core.types import Task
from evonas.encodings.cell import CellEncoding
from evonas.encodings.check import check_encoding
from evonas.encodings.guarded import GuardedEncoding
from evonas.encodings.macro import LARGE, MacroEncoding
from evonas.encodings.make import make_encoding
from evonas.encodings.with_recipe import with_recipe
from evonas_benchmarks.suites.wrappers import Permuted
from evonas_benchmarks.tables.restricted import RestrictedEncoding
from tests.toys import Digits

SPECS = ("net", "cell", "macro", "macro(stages=1)", "macro(stages=5)", "with_recipe(encoding='cell')")
SHAPES = ((1, 1, 1), (3, 32, 32), (2, 1, 90), (1, 96, 80))


@pytest.mark.parametrize("spec", SPECS)
def test_a_portfolio_is_of_different_networks_in_their_canonical_forms(spec):
    encoding = make_encoding(spec)
    assert isinstance(encoding, HasPortfolio)
    for shape in SHAPES:
        task = Task("t", shape, 3)
        genomes = list(encoding.portfolio(task))
        assert len(set(genomes)) == len(genomes) >= 3
        assert list(map(canonical_form(encoding), genomes)) == genomes
        for genome in genomes[:3]:
            network = encoding.build(genome, task).eval()
            assert network(torch.zeros(2, *shape)).shape == (2, 3)


@pytest.mark.parametrize("spec", SPECS)
def test_its_genomes_differ_in_several_things(spec):
    encoding = make_encoding(spec)
    rows = [list(encoding.features(genome).values()) for genome in encoding.portfolio(Task("t", (3, 32, 32), 3))]  # type: ignore[attr-defined]
    for one, other in combinations(np.nan_to_num(rows), 2):
        assert np.sum(one != other) >= 3


def test_the_baseline_of_cells_is_resnet_s_basic_block():
    network = CellEncoding(width=8).build(CellEncoding().portfolio(Task("t", (1, 8, 8), 3))[0], Task("t", (1, 8, 8), 3))
    cell = network[1].eval()  # type: ignore[index]
    x = torch.randn(2, 8, 8, 8)
    first, second = (cell.operations[edge] for edge in ("0-1", "1-3"))
    assert torch.allclose(cell(x), x + second(first(x)))
    assert sum(p.numel() for p in cell.parameters()) == 2 * (9 * 8 * 8 + 2 * 8)


@pytest.mark.parametrize(("side", "strides"), [(LARGE, [1, 2, 2]), (LARGE + 1, [2, 2, 2])])
def test_large_pictures_are_halved_at_once(side, strides):
    encoding = MacroEncoding()
    for genome in encoding.portfolio(Task("t", (3, side, 2 * side), 3)):
        assert [stage["stride"] for stage in encoding.by_stage(genome)] == strides
    assert encoding.portfolio(Task("an evaluator's own", (), 0)), "also where there are no pictures"


def test_recipes_are_the_default_one():
    encoding = with_recipe("cell(width=4)")
    task = Task("t", (1, 8, 8), 3)
    found = encoding.portfolio(task)
    assert [genome for genome, _ in found] == CellEncoding(4).portfolio(task)
    assert {encoding.recipe(genome) for genome in found} == {
        Recipe(optimizer="muon", lr=0.12, weight_decay=5e-4, label_smoothing=0.1, batch_size=64, warm_up=0.1)
    }


def test_an_encoding_without_a_portfolio_begins_at_random():
    class Empty(Digits):
        def portfolio(self, task):
            return []

    task = Task("t", (1, 8, 8), 2)
    assert with_recipe(Digits()).portfolio(task) == []
    for encoding in (Digits(), Empty(), with_recipe(Digits())):
        assert portfolio(encoding, task, seed=3)[0] == encoding.sample(np.random.default_rng(3))
        check_encoding(encoding, task, np.random.default_rng(0))


def test_a_table_s_spaces_have_none():
    """Recorded results are of searches that began at random; and a table may not have these architectures."""
    cell = CellEncoding()
    member = cell.portfolio(Task("t", (), 0))[0]
    encodings: list[Any] = [RestrictedEncoding(cell, [member]), Permuted(cell, seed=0)]
    for encoding in encodings:
        assert not isinstance(encoding, HasPortfolio)
        assert not isinstance(GuardedEncoding(encoding), HasPortfolio)
        assert encoding.canonical(member) == member
