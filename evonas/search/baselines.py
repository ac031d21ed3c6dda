"""What every claim is compared with: random search and local search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.goals import VAL_ACCURACY, Objective
from evonas.core.options import at_least
from evonas.core.types import Candidate, Encoding, Evaluation, G
from evonas.search.duplicates import Seen


class RandomSearch(Generic[G]):
    """Samples; never asks the same network twice. Learns nothing."""

    def __init__(self, encoding: Encoding[G], objectives: Sequence[Objective] = (VAL_ACCURACY,)):
        if not objectives:
            raise EvonasError("a search needs at least one objective, for example 'val_accuracy'")
        self.encoding = encoding
        self.objectives = tuple(objectives)
        self.seen: Seen[G] = Seen(encoding)

    def propose(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        """`n` new candidates, not taken note of: `ask`, for somebody who will choose among them."""
        return self.seen.draw(n, lambda: Candidate(self.encoding.sample(rng)))

    def expect(self, candidates: Sequence[Candidate[G]]) -> None:
        """Take note of candidates that are on their way."""
        self.seen.add(candidates)

    def ask(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        candidates = self.propose(n, rng)
        self.expect(candidates)
        return candidates

    def tell(self, evaluations: Sequence[Evaluation[G]]) -> None:
        self.seen.add([evaluation.candidate for evaluation in evaluations])


class LocalSearch(RandomSearch[G]):
    """Climbs to the first neighbour that is better; at a local optimum starts again at random (White et al. 2021, UAI).

    One objective: the first. A neighbour is one mutation away. A genome without parents begins a climb.

    Args:
        patience: fruitless neighbours after which the incumbent counts as a local optimum; so does one whose
            neighbours are all known.
    """

    def __init__(self, encoding: Encoding[G], objectives: Sequence[Objective] = (VAL_ACCURACY,), patience: int = 50):
        super().__init__(encoding, objectives[:1])
        self.patience = at_least(1, patience=patience)
        self._incumbent: G | None = None
        self._value = float("-inf")
        self._fruitless = 0

    def propose(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        incumbent = self._incumbent
        if incumbent is None or self._fruitless >= self.patience:
            return super().propose(n, rng)
        return self.seen.draw(
            n,
            lambda: Candidate(self.encoding.mutate(incumbent, rng), parents=(incumbent,)),
            lambda: Candidate(self.encoding.sample(rng)),
        )

    def tell(self, evaluations: Sequence[Evaluation[G]]) -> None:
        super().tell(evaluations)
        for evaluation in evaluations:
            candidate = evaluation.candidate
            value = self.objectives[0].value(evaluation.metrics) if evaluation.ok else float("-inf")
            begins = not candidate.parents and value > float("-inf")
            climbs = candidate.parents == (self._incumbent,) and value > self._value
            if begins or climbs:
                self._incumbent, self._value, self._fruitless = candidate.genome, value, 0
            elif candidate.parents == (self._incumbent,):
                self._fruitless += 1
