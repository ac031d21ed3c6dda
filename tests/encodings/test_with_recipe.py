"""Any encoding with a recipe in its genomes."""

from typing import Any

import numpy as np
import pytest

from evonas.core.errors import EvonasError
from evonas.core.optional import HasRecipe, HasSpace
from evonas.core.plugins import make
from evonas.core.specs import split_spec
from evonas.core.types import Task
from evonas.encodings.cell import CellEncoding
from evonas.encodings.check import check_encoding
from evonas.encodings.net import NetEncoding
from evonas.encodings.recipe_genes import RECIPE, USUAL
from evonas.encodings.toolbox import ToolboxEncoding
from evonas.encodings.with_recipe import with_recipe


def test_it_is_named_by_a_spec_within_a_spec():
    encoding: Any = make("evonas.encodings", "with_recipe(encoding='cell(width=4)')")
    assert encoding.encoding.width == 4
    check_encoding(encoding, Task("t", (1, 8, 8), 3), np.random.default_rng(0))
    assert isinstance(encoding, HasRecipe)
    inner = "a file (1).py:Mine(width=3)"
    assert split_spec(f"with_recipe(encoding='{inner}')") == ("with_recipe", {"encoding": inner})


def test_a_genome_is_an_architecture_and_a_recipe():
    encoding, rng = with_recipe(CellEncoding(4)), np.random.default_rng(0)
    genome = encoding.sample(rng)
    named = dict(zip(RECIPE, genome[1], strict=True))
    recipe = encoding.recipe(genome)
    assert recipe.lr == USUAL[recipe.optimizer][0] * named["lr"]
    assert encoding.graph(genome) == CellEncoding(4).graph(genome[0])
    assert set(CellEncoding(4).features(genome[0])) < set(encoding.features(genome))
    assert encoding.features(genome)["recipe.batch"] == recipe.batch_size
    children = [encoding.mutate(genome, rng) for _ in range(200)]
    assert all(child != genome for child in children)
    assert 0.4 < np.mean([child[0] != genome[0] for child in children]) < 0.6


@pytest.mark.parametrize("spec", ["cell", "macro"])
def test_its_space_is_both(spec):
    encoding, rng = with_recipe(spec), np.random.default_rng(3)
    assert isinstance(encoding, HasSpace)
    space = encoding.space()
    for _ in range(20):
        genome = encoding.canonical(encoding.sample(rng))
        assert encoding.canonical(space.genome(space.choice(genome))) == genome
    assert [name for name in space.names if name.startswith("recipe.")] == [f"recipe.{name}" for name in RECIPE]


def test_an_encoding_without_genes_has_no_space(monkeypatch):
    inner = ToolboxEncoding.__new__(ToolboxEncoding)
    assert not isinstance(inner, HasSpace)
    assert not isinstance(with_recipe(inner), HasSpace)


def test_one_recipe_is_enough():
    for encoding in ("net", NetEncoding(), with_recipe("cell")):
        with pytest.raises(EvonasError, match="has recipes in its genomes already; use it as it is"):
            with_recipe(encoding)
