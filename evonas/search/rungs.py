"""Searching for a deadline: a portfolio first, the best of it and its children by rungs, one to be trained in full."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from statistics import median
from typing import Any

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.optional import Augmentable
from evonas.core.paired import margin
from evonas.core.types import Candidate, Evaluation, G, Origin, Searcher
from evonas.search.halving import SuccessiveHalving

PROBES = 3  # of the best first trainings say together how images may be varied


class Rungs(SuccessiveHalving[G]):
    """Asynchronous successive halving (ASHA: Li et al. 2020, MLSys) whose rungs all lie below the full training.

    The genomes of `first` are tried before the searcher proposes any. What rises from the lowest rung is trained with
    its images varied in the ways that keep their class (`Augmentable`): short trainings cannot show what that is worth
    in a long one, but they show whether a mirrored or shifted image is still what it was. The first genome, the fixed
    baseline, rises with the best: what does not beat it beyond chance does not take its place. `recommend` is what
    should be trained in full.

    Args:
        context: one objective.
        searcher: whose candidates are tried.
        fidelities: of the rungs, rising.
        first: genomes to begin with.
        eta: one in so many rises.
    """

    def __init__(
        self,
        context: SearchContext[G],
        searcher: Searcher[G],
        fidelities: Sequence[float],
        first: Sequence[G] = (),
        eta: int = 3,
    ):
        super().__init__(context, searcher, eta, rungs=len(fidelities))
        self.fidelities = list(fidelities)
        self.encoding = context.encoding
        self.first = list(first)
        self._kept: dict[G, dict[str, float]] = {}
        self._losses: dict[tuple[int, G], float] = {}
        self._validated: dict[int, int] = {}
        self._risen: dict[G, G] = {}

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
            self._losses[rung, genome] = evaluation.metrics.get("val_loss", np.inf)
            if "validated" in evaluation.metrics and self.goal.first.metric.kind == "percent":
                self._validated[rung] = int(evaluation.metrics["validated"])
            if kept and rung == 0:
                self._kept[genome] = kept

    def recommend(self, without: Collection[G] = ()) -> G | None:
        """The best of the highest rung that anything but those of `without` has finished, of what keeps all
        constraints where anything does; None where nothing has finished.

        The fixed baseline stays unless it is beaten beyond chance in trainings of the same length: of many that are
        tried the luckiest looks better, and what learns fast looks better in short trainings than it is in long ones.
        """
        left = [one for one in self._best_first() if self._in_full(*one) not in without]
        if not left:
            return None
        baseline = next((one for one in left if one[0] in self._baselines()), left[0])
        return self._in_full(*(left[0] if self._beaten(baseline[0], left[0][0]) else baseline))

    def _best_first(self) -> list[tuple[G, int]]:
        """All that has finished and its rung: what keeps the constraints before all else, then of the highest rung."""
        found = [(genome, rung) for rung in reversed(range(len(self.fidelities))) for genome in self._ranked(rung)]
        return sorted(found, key=lambda one: self._finished[one[1]][one[0]][0] < 0)

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
        return value - other > margin(value, other, self._validated[rung])

    def _merits(self, genome: G) -> dict[int, tuple[float, float]]:
        """Rung -> the merit that a genome had there, under its own name or the one it rose from or to."""
        names = {genome, self._risen.get(genome), *(low for low, high in self._risen.items() if high == genome)}
        return {
            rung: merit
            for rung, finished in enumerate(self._finished)
            for name, merit in finished.items()
            if name in names and np.isfinite(merit[1])
        }

    def _in_full(self, genome: G, rung: int) -> G:
        """What a genome of a rung becomes, or has become, when it is trained for longer."""
        return genome if rung else self._risen.get(genome, self._varied(genome))

    def _ranked(self, rung: int) -> list[G]:
        """What finished there, the best first; of equals, which are many where few images validate, that with the lower
        validation loss."""
        finished = {genome: merit for genome, merit in self._finished[rung].items() if np.isfinite(merit[1])}

        def key(genome: G) -> tuple[float, ...]:
            kept, value = finished[genome]
            return -kept, -value, self._losses.get((rung, genome), np.inf)

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
            baseline = [genome for genome in self._baselines() if rising and genome in ranked]
            for genome in [*rising, *baseline]:
                if rung == 0 and genome not in self._risen:
                    self._risen[genome] = self._varied(genome)
                varied = self._risen[genome] if rung == 0 else genome
                if varied not in self._asked[rung + 1]:
                    self._asked[rung + 1].add(varied)
                    origin: Origin = "promoted" if varied == genome else "mutated"
                    return Candidate(varied, self.fidelities[rung + 1], (genome,), origin)
        return None

    def _baselines(self) -> list[G]:
        """The first genome, and what it became."""
        return [*self.first[:1], *(self._risen[genome] for genome in self.first[:1] if genome in self._risen)]

    def _varied(self, genome: G) -> G:
        """With images varied as the best of the first trainings allow: the median of some."""
        if not isinstance(self.encoding, Augmentable) or not self._kept:
            return genome
        finished: Any = self._finished[0]
        best = sorted(self._kept, key=lambda one: finished.get(one, (-np.inf, -np.inf)), reverse=True)[:PROBES]
        names = self._kept[best[0]]
        return self.encoding.augmented(genome, {name: median(self._kept[g][name] for g in best) for name in names})
