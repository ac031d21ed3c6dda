"""Wins are claimed where they are, and not where they are not."""

from typing import Any

import numpy as np
import pytest
from scipy.stats import wilcoxon

from evonas_benchmarks.analysis.statistics import against, fewest_seeds, holm, interval, paired, winner


def test_the_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        low, high = interval(rng.normal(size=30), resamples=500)
        covered += low <= 0 <= high
    assert 0.88 <= covered / 200 <= 0.99


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_paired_leaves_out_what_is_missing_and_agrees_with_scipy():
    a = np.array([1.0, 2.0, np.nan, 4.0, 5.5, 6.1, 7.2, 9.0])
    b = a - np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, -0.05])
    found = paired(a, b)
    known = ~np.isnan(a)
    assert (found.n, found.ahead, found.behind) == (7, 6, 1)
    expected: Any = wilcoxon((a - b)[known])
    assert found.p == pytest.approx(expected.pvalue)
    assert paired(a, a).p == 1


def test_noise_wins_rarely_and_a_real_lead_wins():
    rng = np.random.default_rng(1)
    wins = 0
    for _ in range(200):
        wins += winner({name: rng.normal(size=10) for name in "abc"}) is not None
    assert wins <= 12
    values = {"a": rng.normal(size=20), "b": rng.normal(size=20)}
    assert winner({**values, "c": 3 + rng.normal(size=20)}) == "c"
    assert against({**values, "c": 3 + rng.normal(size=20)}, "a")["c"].verdict == 1


@pytest.mark.parametrize("comparisons", [1, 2, 4])
def test_so_many_seeds_can_show_a_win_and_one_fewer_cannot(comparisons):
    needed = fewest_seeds(comparisons)
    lead = 1 + np.arange(needed) / 100
    assert comparisons * paired(lead, np.zeros(needed)).p < 0.05
    assert comparisons * paired(lead[1:], np.zeros(needed - 1)).p >= 0.05
