"""Contracts: what a search relies on, as tests that plug-in authors inherit. Needs the extra `test`.

    from evonas.testing import EncodingContract

    class TestMine(EncodingContract):
        encoding = Mine()

The built-in parts pass the same classes.
"""

from __future__ import annotations

import json
import pickle
import random
from typing import Any, ClassVar, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evonas.core.genomes import freeze
from evonas.core.optional import Acquiring, Canonical, Describing, Uncertain, description
from evonas.core.types import Candidate, Encoding, Evaluation, Origin, Ranker, Searcher, Task

seeds = st.integers(0, 2**32 - 1)
inherited = [HealthCheck.differing_executors]  # the same test runs in every class that inherits it
some = settings(max_examples=20, deadline=None, suppress_health_check=inherited)
few = settings(max_examples=5, deadline=None, suppress_health_check=inherited)

PARENTS = {"sampled": (0, 0), "warm start": (0, 0), "mutated": (1, 1), "crossed": (2, 2), "promoted": (1, 1)}


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


class EncodingContract:
    """Set `encoding`; `task` where the networks need another one than 8×8 grey images of three classes; `gaps`."""

    encoding: ClassVar[Any]
    task: ClassVar[Task] = Task("contract", (1, 8, 8), 3)
    gaps: ClassVar[bool] = False  # whether a feature that does not apply may be NaN

    def genomes(self, seed: int) -> list[Any]:
        """A sampled genome, a mutant, and a child of both."""
        encoding: Encoding[Any] = self.encoding
        rng = generator(seed)
        first = encoding.sample(rng)
        second = encoding.mutate(encoding.sample(rng), rng)
        return [first, second, encoding.crossover(first, second, rng)]

    @given(seed=seeds)
    @some
    def test_equal_generators_give_equal_genomes(self, seed: int) -> None:
        assert self.genomes(seed) == self.genomes(seed), "draw from the generator that is passed, and from nothing else"

    @given(seed=seeds)
    @some
    def test_global_randomness_is_left_alone(self, seed: int) -> None:
        before, np_before = random.getstate(), pickle.dumps(np.random.get_state())  # noqa: NPY002
        self.genomes(seed)
        assert random.getstate() == before, "draws from the global `random`; use the generator that is passed"
        same = pickle.dumps(np.random.get_state()) == np_before  # noqa: NPY002
        assert same, "draws from numpy's global generator; use the one that is passed"

    @given(seed=seeds)
    @some
    def test_genomes_are_immutable_values(self, seed: int) -> None:
        for genome in self.genomes(seed):
            hash(genome)
            assert freeze(json.loads(json.dumps(genome, allow_nan=False))) == genome, "use JSON values and tuples only"
            assert pickle.loads(pickle.dumps(genome)) == genome

    @given(seed=seeds)
    @some
    def test_operators_leave_their_arguments_alone(self, seed: int) -> None:
        first, second, _ = self.genomes(seed)
        before = (repr(first), repr(second))
        self.encoding.mutate(first, generator(seed))
        self.encoding.crossover(first, second, generator(seed))
        assert (repr(first), repr(second)) == before

    @given(seed=seeds)
    @some
    def test_children_can_be_varied_and_described(self, seed: int) -> None:
        rng = generator(seed)
        genome = self.encoding.sample(rng)
        for _ in range(10):
            genome = self.encoding.crossover(self.encoding.mutate(genome, rng), self.encoding.sample(rng), rng)
            self.encoding.features(genome)

    def test_mutation_finds_something_new(self) -> None:
        rng = generator(0)
        assert any(self.encoding.mutate(g, rng) != g for g in [self.encoding.sample(rng) for _ in range(20)])

    @given(seed=seeds)
    @some
    def test_features_are_numbers_of_stable_names(self, seed: int) -> None:
        described = [dict(self.encoding.features(genome)) for genome in self.genomes(seed)]
        for features in described:
            assert set(features) == set(described[0]), "every genome needs the same feature names"
            assert all(isinstance(name, str) for name in features)
            odd = [name for name, value in features.items() if not np.isfinite(float(value))]
            odd = [name for name in odd if not (self.gaps and np.isnan(float(features[name])))]
            assert not odd, f"no finite numbers: {odd}; set gaps = True where NaN means that a feature does not apply"

    @given(seed=seeds)
    @some
    def test_canonical_is_idempotent(self, seed: int) -> None:
        encoding: Any = self.encoding
        for genome in self.genomes(seed) if isinstance(encoding, Canonical) else ():
            canonical = encoding.canonical(genome)
            assert encoding.canonical(canonical) == canonical
            assert freeze(json.loads(json.dumps(canonical))) == canonical
            np.testing.assert_equal(dict(self.encoding.features(canonical)), dict(self.encoding.features(genome)))

    def test_the_encoding_travels_to_a_worker(self) -> None:
        there = pickle.loads(pickle.dumps(self.encoding))
        assert there.sample(generator(1)) == self.encoding.sample(generator(1))

    @given(seed=seeds)
    @few
    def test_networks_give_logits_and_take_gradients(self, seed: int) -> None:
        import torch

        for genome in self.genomes(seed):
            with torch.random.fork_rng(devices=[]):
                network = self.encoding.build(genome, self.task)
                logits = network(torch.randn(3, *self.task.input_shape))
            assert tuple(logits.shape) == (3, self.task.n_classes), "build gives (n, n_classes) logits"
            assert torch.isfinite(logits).all()
            logits.square().sum().backward()
            without = [name for name, p in network.named_parameters() if p.requires_grad and p.grad is None]
            assert not without, f"parameters without a gradient cost memory and learn nothing: {without}"


class SearcherContract:
    """Give `make_searcher(encoding)`; it is tried on a small space whose genomes and their mirrors are the same."""

    finite: ClassVar[bool] = True  # whether it finds every architecture of a small space in the end

    def make_searcher(self, encoding: Encoding[Any]) -> Searcher[Any]:
        raise NotImplementedError("return a new searcher over the encoding")

    def played(
        self, searcher: Searcher[Any], trials: int, seed: int = 0, n: int = 1, fail: int = 0
    ) -> list[Evaluation]:
        """Ask and tell; every `fail`-th evaluation fails."""
        told: list[Evaluation] = []
        for k in range(trials):
            for candidate in searcher.ask(n, np.random.default_rng([seed, k])):
                bad = fail and len(told) % fail == fail - 1
                told.append(Evaluation.failure(candidate, "no luck") if bad else _mirror_value(candidate))
                searcher.tell([told[-1]])
        return told

    @pytest.mark.parametrize(("n", "rounds"), [(1, 30), (3, 20)])
    def test_asks_no_network_twice(self, n: int, rounds: int) -> None:
        space = Mirrored()
        asked = [e.candidate for e in self.played(self.make_searcher(space), rounds, n=n)]
        assert len(asked) == rounds * n
        assert len({(space.canonical(c.genome), c.fidelity) for c in asked}) == len(asked)

    def test_what_is_pending_is_not_asked_again(self) -> None:
        space, searcher = Mirrored(), self.make_searcher(Mirrored())
        pending = [c for k in range(20) for c in searcher.ask(2, generator(k))]
        assert len({(space.canonical(c.genome), c.fidelity) for c in pending}) == len(pending)

    def test_the_same_history_gives_the_same_search(self) -> None:
        first, second = (self.played(self.make_searcher(Mirrored()), 40, fail=7) for _ in range(2))
        assert first == second, "a searcher holds no random state: resuming replays its history"

    def test_failures_and_strangers_results_are_welcome(self) -> None:
        searcher = self.make_searcher(Mirrored())
        searcher.tell([Evaluation.failure(Candidate((0, 0, 0, 1)), "out of memory")])
        searcher.tell([_mirror_value(Candidate((3, 2, 1, 0)))])
        asked = [e.candidate.genome for e in self.played(searcher, 30, fail=2)]
        space = Mirrored()
        known = {space.canonical((0, 0, 0, 1)), space.canonical((3, 2, 1, 0))}
        assert not known & {space.canonical(genome) for genome in asked}

    def test_says_where_a_candidate_came_from(self) -> None:
        """Its parents were observed before, and its origin is one of the known ones and fits their number."""
        searcher, observed = self.make_searcher(Mirrored()), set()
        for k in range(40):
            for candidate in searcher.ask(1 + k % 2, generator(k)):
                assert candidate.origin in get_args(Origin), (
                    f"origin {candidate.origin!r} is none of {get_args(Origin)}"
                )
                unknown = [parent for parent in candidate.parents if parent not in observed]
                assert not unknown, f"{candidate} names parents that were never observed: {unknown}"
                least, most = PARENTS.get(candidate.origin, (0, 2))
                assert least <= len(candidate.parents) <= most, f"{candidate.origin} from {candidate.parents}"
                searcher.tell([_mirror_value(candidate)])
                observed.add(candidate.genome)

    def test_exhausts_a_small_space(self) -> None:
        space = Mirrored(length=2, base=2)  # three networks
        searcher = self.make_searcher(space)
        asked = {space.canonical(e.candidate.genome) for e in self.played(searcher, 30)}
        assert len(asked) <= 3
        if self.finite:
            assert len(asked) == 3
        assert list(searcher.ask(5, generator(99))) == []

    def test_travels(self) -> None:
        searcher = self.make_searcher(Mirrored())
        self.played(searcher, 25)
        there = pickle.loads(pickle.dumps(searcher))
        assert list(there.ask(1, generator(5))) == list(searcher.ask(1, generator(5)))


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
        "case", ["constant", "failed", "one row", "nan features", "all failed", "no rows", "twice"]
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


class Mirrored:
    """A small space for searchers: numbers below `base`, each genome the same as its mirror image."""

    def __init__(self, length: int = 4, base: int = 4):
        self.length, self.base = length, base

    def sample(self, rng: np.random.Generator) -> tuple[int, ...]:
        return tuple(int(i) for i in rng.integers(self.base, size=self.length))

    def mutate(self, genome: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
        i = int(rng.integers(self.length))
        return (*genome[:i], (genome[i] + 1 + int(rng.integers(self.base - 1))) % self.base, *genome[i + 1 :])

    def crossover(self, a: tuple[int, ...], b: tuple[int, ...], rng: np.random.Generator) -> tuple[int, ...]:
        return tuple(x if first else y for x, y, first in zip(a, b, rng.random(self.length) < 0.5, strict=True))

    def features(self, genome: tuple[int, ...]) -> dict[str, float]:
        return {f"gene{i}": float(value) for i, value in enumerate(self.canonical(genome))}

    def canonical(self, genome: tuple[int, ...]) -> tuple[int, ...]:
        return min(genome, genome[::-1])

    def build(self, genome: tuple[int, ...], task: Task) -> Any:
        raise NotImplementedError("a space for searchers; nothing is trained")


def _mirror_value(candidate: Candidate) -> Evaluation:
    """The sum of the genes, fewer first genes being the smaller network."""
    value = sum(candidate.genome) / 12 * candidate.fidelity**0.1
    return Evaluation(candidate, {"val_accuracy": value, "params": float(min(candidate.genome))})
