"""Small models keep to one thread, and leave the rest of the process as it was."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from threadpoolctl import threadpool_info, threadpool_limits

from evonas_surrogates import boosting, forest, threads


def openmp():
    return [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "openmp"]


def test_few_rows_have_one_thread_and_many_what_there_was(monkeypatch):
    seen = []
    original = HistGradientBoostingRegressor.fit

    def watched(self, X, y):
        seen.append(openmp())
        return original(self, X, y)

    monkeypatch.setattr(HistGradientBoostingRegressor, "fit", watched)
    monkeypatch.setattr(threads, "FEW", 100)
    with threadpool_limits(2, "openmp"):
        before = openmp()
        assert 2 in before
        X = np.random.default_rng(0).normal(size=(120, 3))
        for rows in (99, 120):
            forest.boosted(X[:rows], X[:rows, 0], trees=2)
            boosting.BoostingSurrogate(trees=2).adapt(X[:rows], X[:rows, 0])
        assert openmp() == before
    assert [set(one) for one in seen[:2]] == [{1}, {1}]
    assert seen[2:] == [before, before]
