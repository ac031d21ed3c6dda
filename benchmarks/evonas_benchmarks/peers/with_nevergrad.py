"""nevergrad's NGOpt, which chooses an optimizer by itself (Meunier et al. 2022, IEEE TEC)."""

from __future__ import annotations

from typing import Any

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.options import at_least
from evonas_benchmarks.peers.peer import Cost, Peer, Suggestion, required

nevergrad = required("nevergrad")


class Nevergrad(Peer):
    """NGOpt by default, or another optimizer of nevergrad's registry; a failed or absent network is the worst so far.

    Genes are transition choices. As plain choices, which nevergrad samples from a softmax, NGOpt would take the
    problem for a noisy continuous one.

    Args:
        optimizer: a name in `nevergrad.optimizers.registry`.
        budget: the trials NGOpt plans for.
    """

    def __init__(
        self,
        context: SearchContext[Any],
        optimizer: str = "NGOpt",
        budget: int = 150,
    ):
        super().__init__(context)
        if optimizer not in nevergrad.optimizers.registry:
            raise EvonasError(f"nevergrad has no optimizer {optimizer!r}; there are 'NGOpt', 'DiscreteOnePlusOne', …")
        self.optimizer = optimizer
        self.budget = at_least(1, budget=budget)

    def start(self, seed: int) -> None:
        genes = [
            nevergrad.p.TransitionChoice(range(size), ordered=ordered)
            for size, ordered in zip(self.space.sizes, self.ordered, strict=True)
        ]
        self.parametrization = nevergrad.p.Tuple(*genes)
        self.parametrization.random_state = np.random.RandomState(seed)
        self.inner = nevergrad.optimizers.registry[self.optimizer](self.parametrization, budget=self.budget)

    def suggest(self) -> Suggestion:
        candidate = self.inner.ask()
        return Suggestion(tuple(int(value) for value in candidate.value), candidate)

    def report(self, suggestion: Suggestion, cost: Cost | None, own: bool) -> None:
        cost = self.worst if cost is None else cost
        if cost is None:  # nothing has succeeded yet
            return
        candidate = suggestion.handle if own else self.parametrization.spawn_child(new_value=suggestion.choice)
        self.inner.tell(candidate, cost)
