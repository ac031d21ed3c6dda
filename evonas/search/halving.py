"""Cheap first: every candidate gets few epochs, the best of them more, the best of those all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Generic

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.optional import description
from evonas.core.options import at_least
from evonas.core.types import Candidate, Evaluation, G, Searcher
from evonas.search.methods import make_method


class SuccessiveHalving(Generic[G]):
    """Asynchronous successive halving over any searcher (ASHA: Li et al. 2020, MLSys).

    Rungs have the fidelities `eta ** -(rungs - 1)`, …, `1/eta`, `1`. A candidate of a rung goes up when it is among
    the best `1/eta` of all that finished there, by `Goal.merit`; while none does, the searcher proposes another one for
    the lowest rung. The searcher is told everything: what went up has the better figures, so it is also bred from.

    Args:
        searcher: whose candidates are tried, at full fidelity by themselves; by name, with options of its own, as
            `halving(searcher='aging(population=10)')`.
        eta: one in so many goes up.
        rungs: how many fidelities, the full one included.
    """

    def __init__(
        self, context: SearchContext[G], searcher: str | Searcher[G] = "evolution", eta: int = 3, rungs: int = 3
    ):
        context.only_objective("successive halving")
        self.goal = context.goal
        self.searcher: Searcher[Any] = make_method(searcher, context) if isinstance(searcher, str) else searcher
        self.eta = at_least(2, eta=eta)
        self.fidelities = [self.eta**-i for i in reversed(range(at_least(1, rungs=rungs)))]
        self._finished: list[dict[G, tuple[float, float]]] = [{} for _ in self.fidelities]
        self._asked: list[set[G]] = [set() for _ in self.fidelities]

    def ask(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        found: list[Candidate[G]] = []
        while len(found) < n:
            candidate = self._promoted() or self._new(rng)
            if candidate is None:
                break
            found.append(candidate)
        return found

    def tell(self, evaluations: Sequence[Evaluation[G]]) -> None:
        for evaluation in evaluations:
            rung = self._rung(evaluation.candidate.fidelity)
            genome = evaluation.candidate.genome
            self._asked[rung].add(genome)
            self._finished[rung][genome] = self.goal.merit(evaluation)
        self.searcher.tell(evaluations)

    def describe(self) -> str:
        """What the searcher's ranker knows and trusts, where it is screened; else nothing."""
        return description(self.searcher)

    def _promoted(self) -> Candidate[G] | None:
        """The best candidate that has earned the next rung, looking from the top."""
        for rung in reversed(range(len(self.fidelities) - 1)):
            finished = self._finished[rung]
            ranked = sorted(finished, key=lambda genome: finished[genome], reverse=True)
            for genome in ranked[: len(ranked) // self.eta]:
                if genome not in self._asked[rung + 1] and np.isfinite(finished[genome][1]):
                    self._asked[rung + 1].add(genome)
                    return Candidate(genome, self.fidelities[rung + 1], (genome,), "promoted")
        return None

    def _new(self, rng: np.random.Generator) -> Candidate[G] | None:
        for candidate in self.searcher.ask(1, rng):
            self._asked[0].add(candidate.genome)
            return replace(candidate, fidelity=self.fidelities[0])
        return None

    def _rung(self, fidelity: float) -> int:
        """The rung nearest to a fidelity, for what another search found."""
        return int(np.argmin([abs(fidelity - own) for own in self.fidelities]))


halving = SuccessiveHalving  # its name among the methods
