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
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evonas.archive import freeze
from evonas.types import Candidate, Encoding, Evaluation, Ranker, Searcher, Task

seeds = st.integers(0, 2**32 - 1)
inherited = [HealthCheck.differing_executors]  # the same test runs in every class that inherits it
some = settings(max_examples=20, deadline=None, suppress_health_check=inherited)
few = settings(max_examples=5, deadline=None, suppress_health_check=inherited)


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


class EncodingContract:
    """Set `encoding`; `task` where the networks need another one than 8×8 grey images of three classes."""

    encoding: ClassVar[Any]
    task: ClassVar[Task] = Task("contract", (1, 8, 8), 3)

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
            assert all(not np.isinf(float(value)) for value in features.values()), "NaN is allowed, infinity is not"

    @given(seed=seeds)
    @some
    def test_canonical_is_idempotent(self, seed: int) -> None:
        if not hasattr(self.encoding, "canonical"):
            return
        for genome in self.genomes(seed):
            canonical = self.encoding.canonical(genome)
            assert self.encoding.canonical(canonical) == canonical
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

    @pytest.mark.parametrize("n", [1, 3])
    def test_asks_no_network_twice(self, n: int) -> None:
        space = Mirrored()
        asked = [e.candidate for e in self.played(self.make_searcher(space), 30, n=n)]
        assert len(asked) == 30 * n
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

    def test_a_small_space_runs_dry(self) -> None:
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
    """Give `make_ranker()`, a new one each time."""

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

    def test_scores_are_finite_numbers(self) -> None:
        X, y = self.rows()
        for ranker in (self.fitted(), self.empty()):
            assert ranker.predict(X).shape == (60,)
            assert np.isfinite(ranker.predict(X)).all()
            assert np.isfinite(ranker.adapt(X[:20], y[:20]).predict(X)).all()

    def test_learns_from_the_task_at_hand(self) -> None:
        from scipy.stats import spearmanr

        X, y = self.rows()
        for ranker in (self.fitted(), self.empty()):
            scores = ranker.adapt(X[:40], y[:40]).predict(X[40:])
            assert float(np.asarray(spearmanr(scores, y[40:]))[0]) > 0.5

    def test_equal_input_gives_equal_scores(self) -> None:
        X, y = self.rows()
        first, second = (self.fitted().adapt(X[:30], y[:30]).predict(X) for _ in range(2))
        np.testing.assert_array_equal(first, second)

    def test_adapt_starts_anew_each_time(self) -> None:
        X, y = self.rows()
        ranker = self.fitted().adapt(X[:25], -y[:25])
        ranker.adapt(X[:40], y[:40])
        np.testing.assert_allclose(ranker.predict(X), self.fitted().adapt(X[:40], y[:40]).predict(X), atol=1e-9)

    def test_arguments_are_left_alone(self) -> None:
        X, y = self.rows()
        before = X.copy(), y.copy()
        self.fitted().adapt(X, y).predict(X)
        np.testing.assert_array_equal(before[0], X)
        np.testing.assert_array_equal(before[1], y)

    @pytest.mark.parametrize("case", ["constant", "failed", "one row", "nan features", "all failed", "no rows"])
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
        for ranker in (self.fitted(), self.empty()):
            assert np.isfinite(ranker.adapt(features, targets).predict(X)).all()
        again = self.make_ranker().fit(features, targets, np.repeat("one", rows))
        assert np.isfinite(again.predict(X)).all()

    def test_travels(self) -> None:
        X, y = self.rows()
        ranker = self.fitted().adapt(X[:20], y[:20])
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(ranker)).predict(X), ranker.predict(X))


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
