"""A searcher that begins with genomes which are known beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.optional import canonical_form, description
from evonas.core.types import Candidate, Evaluation, G, Searcher


class WarmStart(Generic[G]):
    """The genomes of `context.first` in their order, then what the searcher suggests; it observes them all.

    The first of them is the fixed baseline, which a search has to beat.
    """

    def __init__(self, context: SearchContext[G], searcher: Searcher[G]):
        self.searcher = searcher
        self._canonical = canonical_form(context.encoding)
        self._first = list(dict.fromkeys(self._canonical(genome) for genome in context.first))

    def ask(self, n: int, rng: np.random.Generator) -> Sequence[Candidate[G]]:
        found = [Candidate(genome, origin="warm start") for genome in self._first[:n]]
        del self._first[:n]
        return [*found, *self.searcher.ask(n - len(found), rng)] if len(found) < n else found

    def tell(self, evaluations: Sequence[Evaluation[G]]) -> None:
        observed = {self._canonical(evaluation.candidate.genome) for evaluation in evaluations}
        self._first = [genome for genome in self._first if genome not in observed]
        self.searcher.tell(evaluations)

    def describe(self) -> str:
        """What the searcher's ranker knows and trusts, where it is screened; else nothing."""
        return description(self.searcher)
