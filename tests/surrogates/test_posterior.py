"""How alike two genomes are."""

import numpy as np
import pytest

from evonas_surrogates.posterior import shared
from evonas_surrogates.transfer import LEAF_TREES


@pytest.mark.parametrize("trees", [1, 7, 8, 57, LEAF_TREES, 2040])
def test_shared_leaves_are_counted_tree_by_tree(trees):
    rng = np.random.default_rng(trees)
    a, b = (rng.integers(0, 8, (n, trees), dtype=np.uint8) for n in (5, 6))
    b[0] = a[0]
    found = shared(a, b)
    np.testing.assert_allclose(found, (a[:, None] == b[None]).mean(2))
    assert found[0, 0] == 1


def test_without_trees_or_rows_nothing_is_shared():
    assert shared(np.zeros((2, 0)), np.zeros((3, 0))).tolist() == [[0.0] * 3] * 2
    assert shared(np.zeros((2, 9)), np.zeros((0, 9))).shape == (2, 0)
    assert shared(np.zeros((0, 9)), np.zeros((3, 9))).shape == (0, 3)
