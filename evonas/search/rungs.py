"""Searching for a deadline: a portfolio first, the best of it and its children by rungs, one to be trained in full."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.optional import Augmentable
from evonas.core.paired import margin
from evonas.core.types import Candidate, Encoding, Evaluation, G, Searcher
from evonas.search.halving import SuccessiveHalving

PROBES = 3  # of the best trainings say together how images may be varied
FASTER, HALVED = 1.5, 0.5  # times as many images in the same time; share of the baseline's errors
SHIFTED = {"keeps_mirror_x": 0.0, "keeps_mirror_y": 0.0, "keeps_shift_x": 1.0, "keeps_shift_y": 1.0}


class Rungs(SuccessiveHalving[G]):
    """Asynchronous successive halving (ASHA: Li et al. 2020, MLSys) whose rungs all lie below the full training.

    The genomes of `first` are tried before the searcher proposes any. The first one, the fixed baseline, rises with the
    best: what does not beat it beyond chance does not take its place. `recommend` is what should be trained in full,
    with its images varied in the ways that keep their class (`Augmentable`): short trainings cannot show what that is
    worth in a long one, but the best of them show whether a mirrored or shifted image is still what it was. A network
    that has seen few images often can say little of others: there `first` has the baseline with shifted images too
    (`shifted`), which is compared with it as an equal.

    What sees more images in the same time looks better in short trainings than it is in a long one, where all see them
    often enough. With `patience`, one that saw many more (`FASTER`) takes the baseline's place only where it makes half
    of its errors.

    Args:
        context: one objective.
        searcher: whose candidates are tried.
        fidelities: of the rungs, rising.
        first: genomes to begin with.
        eta: one in so many rises.
        patience: whether the full training is a long one.
    """

    def __init__(
        self,
        context: SearchContext[G],
        searcher: Searcher[G],
        fidelities: Sequence[float],
        first: Sequence[G] = (),
        eta: int = 3,
        patience: bool = False,
    ):
        super().__init__(context, searcher, eta, rungs=len(fidelities))
        self.patience = patience
        self.fidelities = list(fidelities)
        self.encoding = context.encoding
        self.first = list(first)
        self._shifted = [shifted(self.encoding, genome) for genome in self.first[:1]]
        self.baselines = [one for one in dict.fromkeys([*self.first[:1], *self._shifted]) if one in self.first]
        self._kept: list[tuple[float, dict[str, float]]] = []
        self._metrics: dict[tuple[int, G], Mapping[str, Any]] = {}
        self._validated: dict[int, int] = {}

    def ask(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        found: list[Candidate[G]] = []
        while len(found) < n and (candidate := self._first() or self._promoted() or self._new(rng)):
            found.append(candidate)
        return found

    def tell(self, evaluations: Sequence[Evaluation[G]]) -> None:
        super().tell(evaluations)
        for evaluation in evaluations:
            kept = {name: value for name, value in evaluation.metrics.items() if name.startswith("keeps_")}
            rung, genome = self._rung(evaluation.candidate.fidelity), evaluation.candidate.genome
            self._metrics[rung, genome] = evaluation.metrics
            if "validated" in evaluation.metrics and self.goal.first.metric.kind == "percent":
                self._validated[rung] = int(evaluation.metrics["validated"])
            if kept:
                self._kept.append((evaluation.metrics.get("val_accuracy", 0.0), kept))

    def recommend(self, without: Collection[G] = ()) -> G | None:
        """The best of the highest rung that anything but those of `without` has finished, of what keeps all
        constraints where anything does; None where nothing has finished.

        The fixed baseline stays unless it is beaten beyond chance in trainings of the same length: of many that are
        tried the luckiest looks better, and what learns fast looks better in short trainings than it is in long ones.
        """
        kept = self._heard()
        left = [genome for genome in self._best_first() if self._varied(genome, kept) not in without]
        if not left:
            return None
        baseline = next((genome for genome in left if genome in self.baselines), left[0])
        ahead = left[: left.index(baseline)]
        return self._varied(next((genome for genome in ahead if self._beaten(baseline, genome)), baseline), kept)

    def _best_first(self) -> list[G]:
        """All that has finished: what keeps the constraints before all else, then of the highest rung."""
        found = [(genome, rung) for rung in reversed(range(len(self.fidelities))) for genome in self._ranked(rung)]
        found.sort(key=lambda one: self._finished[one[1]][one[0]][0] < 0)
        return list(dict.fromkeys(genome for genome, _ in found))

    def _beaten(self, baseline: G, genome: G) -> bool:
        """Whether a genome is better than the baseline beyond chance, in the longest trainings that both have had.

        Chance is known of accuracies, where the evaluator says how many examples it validated on.
        """
        ours, theirs = self._merits(genome), self._merits(baseline)
        both = ours.keys() & theirs.keys()
        if not both:
            return True
        rung = max(both)
        (kept, value), (bound, other) = ours[rung], theirs[rung]
        if bound < kept or rung not in self._validated:
            return ours[rung] >= theirs[rung]  # of equals the one with the lower loss is ranked higher
        images, of_baseline = (self._metrics[rung, one].get("images", 0.0) for one in (genome, baseline))
        if self.patience and images > FASTER * of_baseline:
            return 1 - value < HALVED * (1 - other)
        return value - other > margin(value, other, self._validated[rung])

    def _merits(self, genome: G) -> dict[int, tuple[float, float]]:
        """Rung -> the merit that a genome had there."""
        merits = ((rung, finished.get(genome)) for rung, finished in enumerate(self._finished))
        return {rung: merit for rung, merit in merits if merit is not None and np.isfinite(merit[1])}

    def _ranked(self, rung: int) -> list[G]:
        """What finished there, the best first; of equals, which are many where few images validate, that with the lower
        validation loss."""
        finished = {genome: merit for genome, merit in self._finished[rung].items() if np.isfinite(merit[1])}

        def key(genome: G) -> tuple[float, ...]:
            kept, value = finished[genome]
            return -kept, -value, self._metrics[rung, genome].get("val_loss", np.inf)

        return sorted(finished, key=key)

    def _first(self) -> Candidate[G] | None:
        for genome in self.first:
            if genome not in self._asked[0]:
                self._asked[0].add(genome)
                return Candidate(genome, self.fidelities[0], origin="warm start")
        return None

    def _promoted(self) -> Candidate[G] | None:
        """The best candidate that has earned the next rung, looking from the top; the first genome whenever any has."""
        for rung in reversed(range(len(self.fidelities) - 1)):
            ranked = self._ranked(rung)
            rising = ranked[: len(ranked) // self.eta]
            baselines = [genome for genome in self.baselines if rising and genome in ranked]
            for genome in [*rising, *baselines]:
                if genome not in self._asked[rung + 1]:
                    self._asked[rung + 1].add(genome)
                    return Candidate(genome, self.fidelities[rung + 1], (genome,), "promoted")
        return None

    def _heard(self) -> dict[str, float]:
        """In which ways images keep their class, by the networks that learned most, each heard by how much it
        learned."""
        best, shares = sorted(self._kept, key=lambda one: one[0], reverse=True), {}
        for name in {name: None for _, kept in best for name in kept}:
            heard = [(accuracy, kept[name]) for accuracy, kept in best if name in kept][:PROBES]
            shares[name] = sum(accuracy * share for accuracy, share in heard) / (sum(a for a, _ in heard) or 1.0)
        return shares

    def _varied(self, genome: G, kept: dict[str, float]) -> G:
        """The genome with its images varied in the ways that are heard of; as it is where nothing is."""
        if not isinstance(self.encoding, Augmentable) or not kept:
            return genome
        if genome in self._shifted:
            kept = {name: max(share, SHIFTED.get(name, 0.0)) for name, share in kept.items()}
        return self.encoding.augmented(genome, kept)


def shifted(encoding: Encoding[G], genome: G) -> G:
    """The genome with its images shifted, where its recipe can say so."""
    return encoding.augmented(genome, SHIFTED) if isinstance(encoding, Augmentable) else genome
