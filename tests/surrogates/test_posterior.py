"""How alike two genomes are, and which results a posterior is made from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas_surrogates import posterior
from evonas_surrogates.posterior import MOST, Inputs, Posterior, SharedLeaves, prior_draw, representatives
from evonas_surrogates.transfer import LEAF_TREES


@pytest.mark.parametrize("leaves", [2, 8, 256])
@pytest.mark.parametrize("trees", [1, 7, 64, 65, LEAF_TREES, 2040])
def test_shared_leaves_are_counted_tree_by_tree(trees, leaves):
    rng = np.random.default_rng(trees)
    a, b = (rng.integers(0, leaves, (n, trees), dtype=np.uint8) for n in (5, 6))
    b[0] = a[0]
    found = SharedLeaves(b)(a)
    np.testing.assert_allclose(found, (a[:, None] == b[None]).mean(2))
    assert found[0, 0] == 1


def test_without_trees_or_rows_nothing_is_shared():
    for n, m, trees in ((2, 3, 0), (2, 0, 9), (0, 3, 9)):
        found = SharedLeaves(np.zeros((m, trees), np.uint8))(np.ones((n, trees), np.uint8))
        assert found.tolist() == [[0.0] * m] * n


@given(st.lists(st.integers(0, 40), max_size=600), st.integers(1, 30))
@settings(max_examples=30)
def test_of_many_results_the_best_are_kept_and_others_of_all_times(values, more):
    z = np.array(values, dtype=float)
    places = representatives(z)
    assert len(places) == min(len(z), MOST)
    assert (np.diff(places) > 0).all()
    if len(z) > MOST:
        left_out = np.delete(z, places)
        assert (z[places] >= left_out.max()).sum() >= MOST // 2
        later = representatives(np.concatenate([z, np.full(more, z.min())]))
        assert len(set(places) - set(later)) <= more + 1  # so that little has to be counted anew


def results(n: int) -> tuple[Inputs, np.ndarray]:
    rng = np.random.default_rng(n)
    features = rng.normal(size=(n, 4))
    leaves = (features[:, [0, 1, 2, 3] * 5] * 2 + 8).clip(0, 15).astype(np.uint8)
    return Inputs(features[:, :1], leaves, features), np.round(features[:, 0] - features[:, 1] ** 2, 1)


@pytest.mark.parametrize("n", [MOST - 1, MOST, MOST + 1, 3 * MOST])
def test_it_is_the_same_with_the_one_before_and_without(n):
    rows, z = results(n + 2)
    before = Posterior(rows[:n], z[:n], 0.5)
    one, other = Posterior(rows, z, 0.5, before=before), Posterior(rows, z, 0.5)
    for found, wanted in zip(one.predict(rows), other.predict(rows), strict=True):
        np.testing.assert_array_equal(found, wanted)


def test_of_many_results_it_says_nearly_what_all_of_them_say(monkeypatch):
    rows, z = results(1000)
    few = Posterior(rows[:900], z[:900], 0.5)
    monkeypatch.setattr(posterior, "MOST", 1000)
    all_of_them = Posterior(rows[:900], z[:900], 0.5)
    new = rows[900:]
    assert np.corrcoef(few.predict(new)[0], all_of_them.predict(new)[0])[0, 1] > 0.85
    assert few.best == all_of_them.best
    assert len(few.rows) == MOST


@given(st.integers(1, 30), st.integers(0, 60), st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_any_rows_are_drawn_for_and_copies_get_the_same(n, copies, seed):
    rows, z = results(30)
    rng = np.random.default_rng(seed)
    some = rows[rng.integers(n, size=n + copies)]
    for draw in (Posterior(rows[:20], z[:20], 0.5).draw(some, rng), prior_draw(some, 0.5, rng)):
        assert np.isfinite(draw).all()
        place = np.unique(some.features, axis=0, return_inverse=True)[1].ravel()
        assert max(np.ptp(draw[place == one]) for one in set(place)) < 0.1


@pytest.mark.parametrize("sources", [1, 0])
def test_draws_have_the_covariance_that_exact_inference_gives(sources):
    rows, z = results(12)
    rows = Inputs(rows.sources[:, :sources], rows.leaves, rows.features)
    posterior = Posterior(rows[:8], z[:8], 0.5)
    mean, deviation = posterior.predict(rows[8:])
    draws = np.array([posterior.draw(rows[8:], np.random.default_rng(seed)) for seed in range(1500)])
    np.testing.assert_allclose(draws.mean(0), mean, atol=0.08)
    np.testing.assert_allclose(draws.std(0), deviation, rtol=0.06)
    alone = posterior.draw(rows[9:10], np.random.default_rng(0))  # of one it is the marginal
    assert alone[0] == pytest.approx(mean[1] + deviation[1] * np.random.default_rng(0).normal(), abs=1e-3)
    before = np.array([prior_draw(rows[8:], 0.5, np.random.default_rng(seed)) for seed in range(300)])
    assert (before.std(0) > deviation).all()
