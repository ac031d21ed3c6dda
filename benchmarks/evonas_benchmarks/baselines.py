"""What every claim is compared with: random search, local search, and the earlier tasks' best without any learning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic

import numpy as np

from evonas.errors import EvonasError
from evonas.evolution import at_least
from evonas.seen import Seen
from evonas.types import VAL_ACCURACY, Candidate, Encoding, Evaluation, G, Objective

if TYPE_CHECKING:
    from evonas_benchmarks.problems import Earlier


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


class EarlierMean(RandomSearch[G]):
    """No learning: what was best on average on the earlier tasks, then the neighbours of these.

    Scores are normal scores of the ranks within each earlier task; an architecture's mean over the tasks that know
    it is drawn towards the average by one task's worth. The benchmark teaches it with `learn`.

    Args:
        first: how many of the best architectures are asked for before their neighbours.
    """

    def __init__(self, encoding: Encoding[G], objectives: Sequence[Objective] = (VAL_ACCURACY,), first: int = 10):
        super().__init__(encoding, objectives)
        self.first = at_least(1, first=first)
        self._best: list[G] = []

    def learn(self, earlier: Sequence[Earlier]) -> None:
        """From the rows of the earlier tasks, each with `genomes` and `y`, higher is better."""
        from scipy.stats import norm, rankdata

        scores: dict[G, list[float]] = {}
        for task in earlier:
            for genome, score in zip(task.genomes, norm.ppf((rankdata(task.y) - 0.5) / len(task.y)), strict=True):
                scores.setdefault(genome, []).append(float(score))
        ranked = sorted(scores, key=lambda genome: -sum(scores[genome]) / (len(scores[genome]) + 1))
        self._best = ranked[: self.first]

    def propose(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        known = [Candidate(genome) for genome in self._best if genome not in self.seen][:n]
        if len(known) == n or not self._best:
            return known or super().propose(n, rng)

        def neighbour() -> Candidate[G]:
            parent = self._best[rng.integers(len(self._best))]
            return Candidate(self.encoding.mutate(parent, rng), parents=(parent,))

        def further() -> Candidate[G]:
            near = neighbour()
            return Candidate(self.encoding.mutate(near.genome, rng), parents=near.parents)

        return known + self.seen.draw(n - len(known), neighbour, further, lambda: Candidate(self.encoding.sample(rng)))
