"""What points would add to a front."""

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evonas.search.hypervolume import Front


def volume(points: np.ndarray, reference: np.ndarray) -> float:
    return float(moocore.hypervolume(points, ref=reference, maximise=True)) if len(points) else 0.0


@given(
    st.integers(1, 4),
    st.integers(0, 15),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_the_difference_of_two_hypervolumes(m, n, tied, seed):
    rng = np.random.default_rng(seed)
    front, others = (rng.integers(0, 5, (k, m)) if tied else rng.normal(size=(k, m)) for k in (n, 8))
    reference = np.zeros(m)
    expected = [volume(np.vstack([front, one]), reference) - volume(front, reference) for one in others]
    assert Front(front, reference).improvement(others) == pytest.approx(expected, abs=1e-9)


def test_points_may_stand_in_any_shape():
    front = Front(np.array([[2.0, 1.0], [1.0, 2.0]]), np.zeros(2))
    points = np.random.default_rng(0).uniform(0, 3, (5, 7, 2))
    assert front.improvement(points).shape == (5, 7)
    assert front.improvement(points)[3, 2] == front.improvement(points[3, 2])
    assert front.improvement(np.array([2.0, 2.0])) == 1.0


def test_many_points_are_judged_in_pieces():
    rng = np.random.default_rng(0)
    front = Front(rng.dirichlet(np.ones(3), 40), np.zeros(3))
    points = rng.uniform(0, 1, (3000, 3))
    assert front.improvement(points) == pytest.approx(np.array([front.improvement(point) for point in points]))
