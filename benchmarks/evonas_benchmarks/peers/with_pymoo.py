"""pymoo's genetic algorithms for mixed variables (Blank & Deb 2020, IEEE Access)."""

from __future__ import annotations

from typing import Any

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.options import at_least
from evonas_benchmarks.peers.peer import Cost, Peer, Suggestion, required

mixed = required("pymoo.core.mixed")
variable = required("pymoo.core.variable")


class PymooGA(Peer):
    """pymoo's `MixedVariableGA`, generation by generation; a failed or absent network is worse than all others.

    One gene in a genome is mutated on average. pymoo's own rate for choices comes to half of all genes, for it
    varies each gene as a problem of its own.

    It cannot observe what it did not suggest, and while a generation waits for its last results it has no proposals.

    By how much a network breaks the limits is an inequality constraint of pymoo's.

    Args:
        population: pymoo's default is 50.
    """

    limits = True

    def __init__(self, context: SearchContext[Any], population: int = 50):
        super().__init__(context)
        self.population = at_least(2, population=population)

    def start(self, seed: int) -> None:
        problem = required("pymoo.core.problem").Problem(
            vars={
                name: variable.Integer(bounds=(0, size - 1)) if ordered else variable.Choice(options=list(range(size)))
                for name, size, ordered in zip(self.names, self.space.sizes, self.ordered, strict=True)
            },
            n_obj=len(self.goal.objectives),
            n_ieq_constr=min(1, len(self.goal.constraints)),
        )
        mutation = {
            variable.Choice: required("pymoo.operators.mutation.rm").ChoiceRandomMutation(prob_var=1 / len(self.names)),
            variable.Integer: required("pymoo.operators.mutation.pm").PM(
                prob_var=1 / len(self.names),
                vtype=float,
                repair=required("pymoo.operators.repair.rounding").RoundingRepair(),
            ),
        }
        self.algorithm = self.make(min(self.population, self.space.combinations), mutation)
        termination = required("pymoo.core.termination").NoTermination()
        self.algorithm.setup(problem, termination=termination, seed=seed, verbose=False)
        self._generation: list[Any] = []
        self._next = 0  # the first individual that has not been proposed
        self._open = 0  # individuals without a result

    def make(self, population: int, mutation: Any) -> Any:
        """pymoo's algorithm."""
        return mixed.MixedVariableGA(pop_size=population, mating=self.mating(mutation=mutation))

    def mating(self, **options: Any) -> Any:
        """For genes of several kinds, without duplicates."""
        return mixed.MixedVariableMating(eliminate_duplicates=mixed.MixedVariableDuplicateElimination(), **options)

    def suggest(self) -> Suggestion | None:
        if self._open == 0 and not self._breed():
            return None
        if self._next == len(self._generation):
            return None
        individual = self._generation[self._next]
        self._next += 1
        return Suggestion(tuple(int(individual.X[name]) for name in self.names), individual)

    def report(self, suggestion: Suggestion, cost: Cost | None, own: bool) -> None:
        if own:
            self._score(suggestion, cost)

    def drop(self, suggestion: Suggestion) -> None:
        """What is known, with its cost; what is on its way counts as worst."""
        genome = self.known.canonical(self.space.genome(suggestion.choice))
        self._score(suggestion, self._costs.get(genome))

    def _score(self, suggestion: Suggestion, cost: Cost | None) -> None:
        individual = suggestion.handle
        individual.F = np.full(len(self.goal.objectives), np.inf) if cost is None else np.atleast_1d(cost)
        if self.goal.constraints:
            individual.G = np.array([self.violation(suggestion.choice) if cost is not None else np.inf])
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


class PymooNSGA2(PymooGA):
    """pymoo's NSGA-II (Deb et al. 2002, IEEE TEC 6(2)) with its mating for mixed variables, otherwise as `PymooGA`.

    Args:
        population: as that of `PymooGA`; pymoo's default is 100, two thirds of a benchmark run.
    """

    several = True

    def make(self, population: int, mutation: Any) -> Any:
        nsga2 = required("pymoo.algorithms.moo.nsga2")
        selection = nsga2.TournamentSelection(func_comp=nsga2.binary_tournament)
        return nsga2.NSGA2(
            pop_size=population,
            sampling=mixed.MixedVariableSampling(),
            mating=self.mating(selection=selection, mutation=mutation),
            eliminate_duplicates=mixed.MixedVariableDuplicateElimination(),
        )
