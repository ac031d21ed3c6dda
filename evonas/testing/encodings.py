"""What a search relies on in an encoding."""

from __future__ import annotations

import json
import pickle
import random
from typing import Any, ClassVar

import numpy as np
from hypothesis import given

from evonas.core.genomes import freeze
from evonas.core.optional import Canonical, HasPortfolio, canonical_form
from evonas.core.types import Encoding, Task
from evonas.testing.common import few, generator, seeds, some


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

    def test_what_is_tried_first_are_different_networks(self) -> None:
        encoding: Encoding[Any] = self.encoding
        genomes = list(encoding.portfolio(self.task)) if isinstance(encoding, HasPortfolio) else []
        forms = list(map(canonical_form(encoding), genomes))
        assert len(set(forms)) == len(forms), "portfolio names one network twice"
        assert freeze(json.loads(json.dumps(genomes, allow_nan=False))) == tuple(genomes), "use JSON values and tuples"
        names = set(encoding.features(encoding.sample(generator(0))))
        for genome in genomes:
            assert set(encoding.features(genome)) == names
            encoding.mutate(genome, generator(0))
            assert encoding.build(genome, self.task) is not None

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
