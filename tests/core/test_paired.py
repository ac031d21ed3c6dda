"""The paired comparison of two classifiers."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evonas.core.paired import Paired, margin


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


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 10_000))
def test_the_margin_of_two_accuracies_is_the_same_both_ways_and_shrinks(one, other, examples):
    assert margin(one, other, examples) == pytest.approx(margin(other, one, examples))
    assert 0 < margin(one, other, 4 * examples) < margin(one, other, examples)


def test_the_margin_of_two_accuracies_is_that_of_agresti_and_caffo():
    """Their treatment of 7 and 1 of 10: 8/12 and 2/12."""
    assert margin(0.7, 0.1, 10) == pytest.approx(1.96 * (8 / 12 * 4 / 12 / 12 + 2 / 12 * 10 / 12 / 12) ** 0.5)
