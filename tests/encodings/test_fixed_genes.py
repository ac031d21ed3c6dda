"""Genes without an effect have one value in all that an encoding gives."""

import pickle

import numpy as np
import pytest

from evonas.core.fixed import NOTHING, Fixed
from evonas.core.optional import HasPortfolio, HasRecipe, HasSpace, Shrinkable
from evonas.core.types import Task
from evonas.encodings.cell import CellEncoding
from evonas.encodings.fixed_genes import FixedGenes, guarded
from evonas.encodings.guarded import GuardedEncoding
from evonas.encodings.net import NetEncoding
from evonas.encodings.signature import signature
from evonas.encodings.with_recipe import with_recipe

ALL = Fixed(loss=len, optimizer=len, augment=len)
GENES = {
    **{"smoothing": 0.0, "mixup": 0.0, "optimizer": "muon", "lr": 1.0, "decay": 1.0, "rotation": 0, "cutout": 0.0},
    **{"mirror_x": False, "mirror_y": False, "shift_x": 0.0, "shift_y": 0.0},
}
TASK = Task("toy", (1, 8, 8), 3)


def named(encoding, genome):
    space = encoding.space()
    return {name.removeprefix("recipe."): value for name, value in zip(space.names, space.split(genome), strict=True)}


@pytest.mark.parametrize("plain", [NetEncoding(), with_recipe("cell")], ids=["net", "with_recipe"])
def test_every_genome_has_them(plain):
    encoding, rng = guarded(plain, ALL), np.random.default_rng(0)
    assert type(encoding) is FixedGenes
    a, b = encoding.sample(rng), encoding.sample(rng)
    found = [a, b, encoding.mutate(a, rng), encoding.crossover(a, b, rng), *encoding.portfolio(TASK)]
    found += [
        encoding.canonical(plain.sample(rng)),
        encoding.augmented(a, {"keeps_mirror_x": 1.0, "keeps_shift_x": 1.0}),
    ]
    found += encoding.smaller(a)
    found.append(encoding.space().genome([len(gene.choices) - 1 for gene in encoding.space().genes]))
    for genome in found:
        assert GENES.items() <= named(encoding, genome).items()
    assert len({named(encoding, encoding.sample(rng))["batch"] for _ in range(20)}) > 1


def test_a_variant_differs_in_more_than_that():
    encoding, rng = guarded(NetEncoding(), ALL), np.random.default_rng(0)
    genome = encoding.sample(rng)
    assert all(encoding.mutate(genome, rng) != genome for _ in range(50))


def test_it_passes_for_the_encoding():
    encoding = guarded(NetEncoding(), ALL)
    assert isinstance(encoding, NetEncoding)
    assert all(isinstance(encoding, one) for one in (HasPortfolio, HasRecipe, HasSpace, Shrinkable))
    assert signature(encoding) == signature(guarded(NetEncoding(), NOTHING))
    again = pickle.loads(pickle.dumps(encoding))
    assert again.sample(np.random.default_rng(1)) == encoding.sample(np.random.default_rng(1))


def test_others_stay_as_they_are():
    for encoding, fixed in ((NetEncoding(), Fixed(balance=True)), (CellEncoding(), ALL)):
        assert type(guarded(encoding, fixed)) is GuardedEncoding
