"""What the built-in searchers share: each proposes only what is new to its run."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Evaluation, G
from evonas.search.duplicates import DuplicateFilter


class ProposingSearcher(ABC, Generic[G]):
    """A searcher is its `propose`: `ask` remembers what that gives, so that no network is asked for twice.

    Raises EvonasError where it is made from anything but a SearchContext.
    """

    def __init__(self, context: SearchContext[G]):
        if not isinstance(context, SearchContext):
            raise EvonasError(
                f"{type(self).__name__} is made from a SearchContext, got a {type(context).__name__}; "
                "write SearchContext(encoding)"
            )
        self.encoding = context.encoding
        self.goal = context.goal
        self.known: DuplicateFilter[G] = DuplicateFilter(context.encoding)

    @abstractmethod
    def propose(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        """Up to `n` new candidates, none of them remembered: somebody else may choose among them."""

    def expect(self, candidates: Sequence[Candidate[G]]) -> None:
        """Remember candidates that will be trained."""
        self.known.add(candidates)

    def ask(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        candidates = self.propose(n, rng)
        self.expect(candidates)
        return candidates

    def tell(self, evaluations: Sequence[Evaluation[G]]) -> None:
        self.known.add([evaluation.candidate for evaluation in evaluations])

    def sampled(self, rng: np.random.Generator) -> Candidate[G]:
        """A random candidate."""
        return Candidate(self.encoding.sample(rng), origin="sampled")

    def mutant(self, parent: G, rng: np.random.Generator) -> Candidate[G]:
        """A mutant of an evaluated genome."""
        return Candidate(self.encoding.mutate(parent, rng), parents=(parent,), origin="mutated")
