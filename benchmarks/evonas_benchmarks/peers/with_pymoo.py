"""pymoo's genetic algorithm for mixed variables (Blank & Deb 2020, IEEE Access)."""

from __future__ import annotations

from typing import Any

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.options import at_least
from evonas_benchmarks.peers.peer import Peer, Suggestion, required

mixed = required("pymoo.core.mixed")
variable = required("pymoo.core.variable")


class PymooGA(Peer):
    """pymoo's `MixedVariableGA`, generation by generation; a failed or absent network is worse than all others.

    One gene in a genome is mutated on average. pymoo's own rate for choices comes to half of all genes, for it
    varies each gene as a problem of its own.

    It cannot observe what it did not suggest, and while a generation waits for its last results it has no proposals.

    Args:
        population: pymoo's default is 50.
    """

    def __init__(self, context: SearchContext[Any], population: int = 50):
        super().__init__(context)
        self.population = at_least(2, population=population)

    def start(self, seed: int) -> None:
        problem = required("pymoo.core.problem").Problem(
            vars={
                name: variable.Integer(bounds=(0, size - 1)) if ordered else variable.Choice(options=list(range(size)))
                for name, size, ordered in zip(self.names, self.space.sizes, self.ordered, strict=True)
            },
            n_obj=1,
        )
        mutation = {
            variable.Choice: required("pymoo.operators.mutation.rm").ChoiceRandomMutation(prob_var=1 / len(self.names)),
            variable.Integer: required("pymoo.operators.mutation.pm").PM(
                prob_var=1 / len(self.names),
                vtype=float,
                repair=required("pymoo.operators.repair.rounding").RoundingRepair(),
            ),
        }
        mating = mixed.MixedVariableMating(
            eliminate_duplicates=mixed.MixedVariableDuplicateElimination(), mutation=mutation
        )
        self.algorithm = mixed.MixedVariableGA(pop_size=min(self.population, self.space.combinations), mating=mating)
        termination = required("pymoo.core.termination").NoTermination()
        self.algorithm.setup(problem, termination=termination, seed=seed, verbose=False)
        self._generation: list[Any] = []
        self._next = 0  # the first individual that has not been proposed
        self._open = 0  # individuals without a result

    def suggest(self) -> Suggestion | None:
        if self._open == 0 and not self._breed():
            return None
        if self._next == len(self._generation):
            return None
        individual = self._generation[self._next]
        self._next += 1
        return Suggestion(tuple(int(individual.X[name]) for name in self.names), individual)

    def report(self, suggestion: Suggestion, cost: float | None, own: bool) -> None:
        if own:
            self._score(suggestion.handle, cost)

    def drop(self, suggestion: Suggestion) -> None:
        """What is known, with its cost; what is on its way counts as worst."""
        genome = self.known.canonical(self.space.genome(suggestion.choice))
        self._score(suggestion.handle, self._costs.get(genome))

    def _score(self, individual: Any, cost: float | None) -> None:
        individual.F = np.array([np.inf if cost is None else cost])
        individual.evaluated = {"F", "G", "H"}
        self._open -= 1

    def _breed(self) -> bool:
        """Hand in the generation that is complete, and get the next; whether there is any."""
        if self._generation:
            self.algorithm.tell(infills=self._individuals)
        self._individuals = self.algorithm.ask()
        self._generation = [] if self._individuals is None else list(self._individuals)
        self._next, self._open = 0, len(self._generation)
        return bool(self._generation)
