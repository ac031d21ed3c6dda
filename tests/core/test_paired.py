"""The paired comparison of two classifiers."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evonas.core.paired import Paired


@given(st.integers(0, 60), st.integers(0, 60))
def test_p_is_the_upper_tail_of_fair_coins(mended, spoilt):
    n = mended + spoilt
    tail = sum(comb(n, k) for k in range(mended, n + 1)) / 2**n
    assert Paired(200, mended, spoilt).p == pytest.approx(tail)


@pytest.mark.parametrize(
    ("mended", "spoilt", "helps"),
    [(0, 0, False), (4, 0, False), (5, 0, True), (9, 2, True), (8, 2, False), (2, 9, False), (5100, 4900, True)],
)
def test_fewer_errors_beyond_chance(mended, spoilt, helps):
    assert Paired(20_000, mended, spoilt).helps is helps
