"""What a search relies on in a ranker, a surrogate."""

from __future__ import annotations

import pickle
import random
from typing import Any

import numpy as np
import pytest

from evonas.core.optional import Acquiring, Describing, DrawsScores, Uncertain, description
from evonas.core.types import Ranker
from evonas.testing.common import generator


class RankerContract:
    """Give `make_ranker()`, a new one each time; it is tried on six integer features of which two matter."""

    def make_ranker(self) -> Ranker:
        raise NotImplementedError("return a new ranker")

    def rows(self, n: int = 60, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        X = generator(seed).integers(3, size=(n, 6)).astype(float)
        return X, X[:, 0] - 0.5 * X[:, 1] + 0.01 * generator(seed + 1).normal(size=n)

    def fitted(self) -> Ranker:
        X, y = self.rows(120, seed=5)
        return self.make_ranker().fit(X, y, np.repeat(["one", "other"], 60))

    def empty(self) -> Ranker:
        return self.make_ranker().fit(np.zeros((0, 6)), np.zeros(0), np.zeros(0, dtype=str))

    def all_kinds(self) -> list[Ranker]:
        """One that knows two earlier tasks, one that was told that there are none, and one that was told nothing."""
        return [self.fitted(), self.empty(), self.make_ranker()]

    def test_scores_are_finite_numbers(self) -> None:
        X, y = self.rows()
        for ranker in self.all_kinds():
            assert np.shape(ranker.predict(X)) == (60,)
            assert np.isfinite(ranker.predict(X)).all()
            assert np.isfinite(ranker.adapt(X[:20], y[:20]).predict(X)).all()

    @pytest.mark.parametrize("n", [0, 1])
    def test_few_rows_have_as_many_scores(self, n: int) -> None:
        X, y = self.rows()
        for ranker in self.all_kinds():
            assert np.shape(ranker.predict(X[:n])) == (n,)
            assert np.shape(ranker.adapt(X, y).predict(X[:n])) == (n,)

    def test_learning_returns_the_ranker_itself(self) -> None:
        X, y = self.rows()
        ranker = self.make_ranker()
        assert ranker.fit(X, y, np.repeat("one", 60)) is ranker
        assert ranker.adapt(X, y) is ranker

    def test_learns_from_the_task_at_hand(self) -> None:
        from scipy.stats import spearmanr

        X, y = self.rows()
        for ranker in self.all_kinds():
            scores = ranker.adapt(X[:40], y[:40]).predict(X[40:])
            assert float(np.asarray(spearmanr(scores, y[40:]))[0]) > 0.5, "higher is better, in y and in the scores"

    def test_a_score_is_the_genomes_own(self) -> None:
        X, y = self.rows()
        for ranker in self.all_kinds():
            scores = np.asarray(ranker.adapt(X[:30], y[:30]).predict(X))
            backwards = np.asarray(ranker.predict(X[::-1]))[::-1]
            np.testing.assert_allclose(backwards, scores, atol=1e-9)
            alone = [float(np.asarray(ranker.predict(X[i : i + 1]))[0]) for i in (0, 7, 41)]
            np.testing.assert_allclose(alone, scores[[0, 7, 41]], atol=1e-9)

    def test_equal_input_gives_equal_scores(self) -> None:
        X, y = self.rows()
        before, np_before = random.getstate(), pickle.dumps(np.random.get_state())  # noqa: NPY002
        first = self.fitted().adapt(X[:30], y[:30])
        scores = np.asarray(first.predict(X))
        np.testing.assert_array_equal(first.predict(X), scores, "predict changes the ranker")
        np.testing.assert_array_equal(self.fitted().adapt(X[:30], y[:30]).predict(X), scores)
        assert random.getstate() == before, "draws from the global `random`"
        same = pickle.dumps(np.random.get_state()) == np_before  # noqa: NPY002
        assert same, "draws from numpy's global generator"

    def test_adapt_starts_anew_each_time(self) -> None:
        X, y = self.rows()
        ranker = self.fitted().adapt(X[:25], -y[:25])
        ranker.adapt(X[:40], y[:40])
        np.testing.assert_allclose(ranker.predict(X), self.fitted().adapt(X[:40], y[:40]).predict(X), atol=1e-9)
        ranker.adapt(X[:0], y[:0])
        np.testing.assert_allclose(ranker.predict(X), self.fitted().predict(X), atol=1e-9)

    def test_fit_starts_anew_each_time(self) -> None:
        X, y = self.rows(120, seed=5)
        ranker = self.make_ranker().fit(X, -y, np.repeat("misled", 120)).adapt(X[:20], y[:20])
        ranker.fit(X, y, np.repeat(["one", "other"], 60))
        np.testing.assert_allclose(ranker.predict(X), self.fitted().predict(X), atol=1e-9)

    def test_arguments_are_left_alone(self) -> None:
        X, y = self.rows()
        y[3] = np.nan
        X[4, 2] = np.nan
        groups = np.repeat(["one", "other"], 30)
        before = X.copy(), y.copy(), groups.copy()
        self.make_ranker().fit(X, y, groups).adapt(X, y).predict(X)
        for one, other in zip(before, (X, y, groups), strict=True):
            np.testing.assert_array_equal(one, other)

    @pytest.mark.parametrize(
        "case", ["constant", "failed", "one row", "nan features", "all failed", "no rows", "each row twice"]
    )
    def test_hard_cases(self, case: str) -> None:
        X, y = self.rows()
        rows = {"one row": 1, "no rows": 0}.get(case, 30)
        targets, features = y[:rows].copy(), X[:rows].copy()
        if case == "constant":
            targets[:] = 0.5
        if case == "failed":
            targets[::3] = np.nan
        if case == "all failed":
            targets[:] = np.nan
        if case == "nan features":
            features[::2, 1] = np.nan
            features[:, 2] = np.nan
        if case == "each row twice":
            features[15:] = features[:15]
        for ranker in self.all_kinds():
            assert np.isfinite(ranker.adapt(features, targets).predict(X)).all()
        again = self.make_ranker().fit(features, targets, np.repeat("one", rows))
        assert np.isfinite(again.predict(X)).all()
        assert np.isfinite(again.adapt(X[:9], y[:9]).predict(X)).all()

    def test_failures_are_no_good_results(self) -> None:
        X, _ = self.rows()
        y = np.where(X[:, 0] == 0, np.nan, 0.5 + 0.1 * X[:, 1])
        for ranker in self.all_kinds():
            scores = np.asarray(ranker.adapt(X, y).predict(X))
            assert scores[np.isnan(y)].mean() < scores[~np.isnan(y)].mean(), (
                "a NaN target is a failure, the worst there is"
            )

    def test_earlier_tasks_of_all_sizes_at_once(self) -> None:
        X, y = self.rows(120, seed=5)
        groups = np.repeat(["large", "few", "constant", "failed", "one"], [80, 19, 10, 10, 1])
        y[groups == "constant"], y[groups == "failed"], y[3] = 0.5, np.nan, np.nan
        X[groups == "few", 4] = np.nan
        ranker = self.make_ranker().fit(X, y, groups)
        assert np.isfinite(ranker.predict(X)).all()
        assert np.isfinite(ranker.adapt(X[:9], y[:9]).predict(X)).all()

    def test_what_is_worth_training_next(self) -> None:
        X, y = self.rows()
        for ranker in self.all_kinds():
            if not isinstance(ranker, Acquiring):
                continue
            for observed in (0, 3, 30):
                ranker.adapt(X[:observed], y[:observed])
                for pending in (None, X[:0], X[40:42]):
                    worth = ranker.acquire(X, pending)
                    assert np.shape(worth) == (60,)
                    assert np.isfinite(worth).all()

    def test_how_sure_it_is(self) -> None:
        X, y = self.rows()
        for ranker in self.all_kinds():
            if not isinstance(ranker, Uncertain):
                continue
            for observed in (0, 3, 30):
                ranker.adapt(X[:observed], y[:observed])
                scores, deviations = ranker.predict_with_deviation(X)
                np.testing.assert_array_equal(scores, ranker.predict(X))
                assert np.shape(deviations) == (60,)
                assert np.isfinite(deviations).all()
                assert (np.asarray(deviations) >= 0).all()

    def test_what_it_draws_is_what_it_believes(self) -> None:
        X, y = self.rows()
        some = np.concatenate([X[:6], X[:1]])
        for ranker in self.all_kinds():
            if not isinstance(ranker, DrawsScores):
                continue
            for observed in (0, 3, 30):
                ranker.adapt(X[:observed], y[:observed])
                for pending in (None, X[:0], X[40:42]):
                    assert np.shape(ranker.draw_scores(X, generator(0), pending)) == (60,)
                draws = np.array([ranker.draw_scores(some, generator(seed)) for seed in range(100)])
                assert np.isfinite(draws).all()
                np.testing.assert_array_equal(draws[5], ranker.draw_scores(some, generator(5)))
                if observed:
                    assert np.abs(draws[:, 0] - draws[:, -1]).max() < 0.1, "of one genome there is one score in a draw"
                if observed and isinstance(ranker, Uncertain):
                    scores, deviations = ranker.predict_with_deviation(some)
                    assert (np.abs(draws.mean(0) - scores) < 0.5 * deviations + 0.05).all()
                    np.testing.assert_allclose(draws.std(0), deviations, rtol=0.4, atol=0.05)

    def test_says_in_one_line_what_it_knows(self) -> None:
        X, y = self.rows()
        for ranker in self.all_kinds():
            if not isinstance(ranker, Describing):
                continue
            for observed in (0, 20):
                line = description(ranker.adapt(X[:observed], y[:observed]))
                assert isinstance(line, str)
                assert line
                assert "\n" not in line

    def test_another_one_by_its_parameters(self) -> None:
        from sklearn.base import BaseEstimator, clone

        if not isinstance(self.make_ranker(), BaseEstimator):
            return

        X, y = self.rows()
        ranker = self.fitted().adapt(X[:20], y[:20])
        fresh: Any = clone(ranker)  # type: ignore[type-var]
        assert fresh.get_params() == ranker.get_params()  # type: ignore[attr-defined]
        np.testing.assert_array_equal(fresh.predict(X), self.make_ranker().predict(X), "a clone has learned nothing")

    def test_travels(self) -> None:
        X, y = self.rows()
        for ranker in self.all_kinds():
            ranker.adapt(X[:20], y[:20])
            there = pickle.loads(pickle.dumps(ranker))
            np.testing.assert_array_equal(there.predict(X), ranker.predict(X))
            np.testing.assert_array_equal(
                there.adapt(X[:30], y[:30]).predict(X), ranker.adapt(X[:30], y[:30]).predict(X)
            )
