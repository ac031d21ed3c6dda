"""What a search relies on in a searcher."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar, get_args

import numpy as np
import pytest

from evonas.core.types import Candidate, Encoding, Evaluation, Origin, Searcher
from evonas.testing.common import generator
from evonas.testing.mirrored import Mirrored, mirror_value

PARENTS = {"sampled": (0, 0), "warm start": (0, 0), "mutated": (1, 1), "crossed": (2, 2), "promoted": (1, 1)}


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
                told.append(Evaluation.failure(candidate, "no luck") if bad else mirror_value(candidate))
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
        searcher.tell([mirror_value(Candidate((3, 2, 1, 0)))])
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
                searcher.tell([mirror_value(candidate)])
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
