"""An encoding that stays within a table's architectures: nothing else comes out, and what is near stays near."""

import numpy as np
import pytest

from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.encodings.categorical import CategoricalEncoding
from evonas.encodings.cell import CellEncoding, parse
from evonas.search.baselines import LocalSearch, RandomSearch
from evonas.testing import EncodingContract
from evonas_benchmarks.tables.restricted import RestrictedEncoding

CELLS = CellEncoding(width=4)
SOME = [CELLS.sample(np.random.default_rng(i)) for i in range(300)]


class TestWithin(EncodingContract):
    encoding = RestrictedEncoding(CELLS, SOME)


def test_nothing_but_members_comes_out():
    within, rng = RestrictedEncoding(CELLS, SOME), np.random.default_rng(0)
    genome, seen = within.sample(rng), set()
    for _ in range(400):
        other = within.sample(rng)
        assert within.mutate(genome, rng) != genome
        genome = within.crossover(within.mutate(genome, rng), other, rng)
        seen |= {genome, other}
    assert seen <= set(within.members) == {CELLS.canonical(cell) for cell in SOME}
    assert len(seen) > 200


def test_mutants_are_nearer_than_random_members():
    def distance(a, b):
        return sum(x != y for x, y in zip(parse(a), parse(b), strict=True))

    within, rng = RestrictedEncoding(CELLS, SOME), np.random.default_rng(1)
    pairs = [(g, within.mutate(g, rng), within.sample(rng)) for g in (within.sample(rng) for _ in range(200))]
    near, far = (np.mean([distance(pair[0], pair[i]) for pair in pairs]) for i in (1, 2))
    assert near < far - 1


@pytest.mark.parametrize("searcher", [RandomSearch, LocalSearch])
def test_a_search_finds_every_member_once(searcher):
    within = RestrictedEncoding(CategoricalEncoding({"a": (0, 1, 2), "b": (0, 1, 2)}), [(0, 0), (1, 1), (2, 2), (0, 2)])
    asked = searcher(SearchContext(within)).ask(10, np.random.default_rng(0))
    assert sorted(candidate.genome for candidate in asked) == sorted(within.members)


def test_a_single_member_is_its_own_neighbour():
    within, rng = RestrictedEncoding(CELLS, SOME[:1]), np.random.default_rng(0)
    assert {within.sample(rng), within.mutate(SOME[0], rng), within.crossover(SOME[0], SOME[1], rng)} == {
        CELLS.canonical(SOME[0])
    }


def test_no_members_is_an_error():
    with pytest.raises(EvonasError, match="no architecture to stay within"):
        RestrictedEncoding(CELLS, [])
