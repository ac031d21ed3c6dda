"""Spaces: what there is to choose, and genomes made of choices."""

import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas.core.errors import EvonasError
from evonas.core.optional import HasSpace, canonical_form
from evonas.core.space import Gene, Space
from evonas.encodings.categorical import CategoricalEncoding
from evonas.encodings.cell import CellEncoding
from evonas.encodings.macro import MacroEncoding
from evonas.encodings.toolbox import ToolboxEncoding
from evonas_benchmarks.suites.wrappers import Permuted
from evonas_benchmarks.tables.graph_cell import GraphCellEncoding

ENCODINGS: dict[str, Any] = {
    "cell": CellEncoding(),
    "macro": MacroEncoding(),
    "graph": GraphCellEncoding(),
    "wrapped": Permuted(GraphCellEncoding(("gcn", "gat", "skip")), seed=1),
    "own": CategoricalEncoding({"a": (1, 2, 3), "fixed": ("x",), "pair": ((0, 1), (1, 0)), "none": (None, False)}),
}


@pytest.mark.parametrize("name", ENCODINGS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=50, deadline=None)
def test_a_genome_is_its_choices_and_back(name, seed):
    encoding, rng = ENCODINGS[name], np.random.default_rng(seed)
    assert isinstance(ENCODINGS[name], HasSpace)
    canonical = canonical_form(encoding)
    genome = encoding.mutate(encoding.sample(rng), rng)
    for space in (encoding.space(), encoding.space().free()):
        choice = space.choice(genome)
        assert canonical(space.genome(choice)) == canonical(genome)
        drawn = tuple(int(rng.integers(size)) for size in space.sizes)
        again = space.choice(space.genome(drawn))
        assert canonical(space.genome(again)) == canonical(space.genome(drawn))


@pytest.mark.parametrize("name", ENCODINGS)
def test_a_space_travels_and_says_how_large_it_is(name):
    space = ENCODINGS[name].space()
    there = pickle.loads(pickle.dumps(space.free()))
    first = (0,) * len(there.genes)
    assert there.genome(first) == space.genome((0,) * len(space.genes))
    assert there.combinations == space.combinations == np.prod([len(gene.choices) for gene in space.genes])
    with pytest.raises(EvonasError, match="no genome of this space|is no "):
        space.choice("nonsense")


def test_a_space_has_the_genes_of_its_encoding():
    assert CellEncoding().space().combinations == 5**6
    assert GraphCellEncoding().space().sizes == [9, 9, 9, 9, 9]
    width = next(gene for gene in MacroEncoding(stages=1).space().genes if gene.name == "width1")
    assert (width.ordered, width.bounds) == (True, (8.0, 32.0))
    kernel = next(gene for gene in MacroEncoding(stages=1).space().genes if gene.name == "kernel1")
    assert (kernel.ordered, kernel.bounds) == (False, None)  # two choices have no middle
    assert not Gene("flags", (False, True, 2)).ordered
    assert not Gene("falling", (3, 2, 1)).ordered


def test_what_has_no_genes_has_no_space():
    assert not isinstance(ToolboxEncoding, HasSpace)
    assert not isinstance(Permuted(object(), seed=0), HasSpace)  # type: ignore[arg-type]


def conditional():
    """Whether there is a second layer, its width, and how wide widths are rounded (a gene with one choice between)."""
    genes = (
        Gene("second", (False, True)),
        Gene("kind", ("plain",), ("second", (True,))),
        Gene("width", (8, 16, 32), ("kind", ("plain",))),
    )
    return Space(genes, tuple, list)


@given(second=st.integers(0, 1), width=st.integers(0, 2))
def test_a_gene_without_effect_has_its_first_choice(second, width):
    space = conditional()
    genome = space.genome((second, 0, width))
    assert genome == ((True, "plain", (8, 16, 32)[width]) if second else (False, "plain", 8))
    assert space.active(dict(zip(space.names, genome, strict=True))) == [True, bool(second), bool(second)]
    free = space.free()
    assert free.names == ["second", "width"]
    assert free.genes[1].condition == ("second", (True,))
    assert free.genome((second, width)) == genome
    assert space.genome(space.choice(genome)) == genome


@pytest.mark.parametrize(
    "genes",
    [
        (Gene("a", (1, 2)), Gene("a", (1, 2))),
        (Gene("a", ()),),
        (Gene("a", (1, 1.0)),),
        (Gene("a", (1, 2), ("b", (1,))), Gene("b", (1, 2))),
        (Gene("b", (1, 2)), Gene("a", (1, 2), ("b", (3,)))),
        (Gene("b", (1, 2)), Gene("a", (1, 2), ("b", ()))),
    ],
)
def test_genes_that_make_no_space(genes):
    with pytest.raises(EvonasError, match="gene 'a'"):
        Space(genes, tuple, list)


def test_nothing_to_choose():
    with pytest.raises(EvonasError, match="the genes a, b have one choice each; there is nothing to search"):
        CategoricalEncoding({"a": (1,), "b": ("x",)}).space().free()
