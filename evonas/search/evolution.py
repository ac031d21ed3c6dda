"""Evolution: DEAP compares and selects, the encoding varies.

DEAP is used without its `creator` and without its random operators: both are global, and two searches in one
process must not disturb each other. Selection, domination and crowding draw no randomness and are used as they are.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic

import numpy as np
from deap import base, tools

from evonas.core.context import SearchContext
from evonas.core.goals import Goal, Objective
from evonas.core.options import at_least, probability, with_options_of
from evonas.core.types import Candidate, Evaluation, G
from evonas.search.proposing import ProposingSearcher

MUTATE_ON = 4  # times a child that is known already is mutated again


class Score(base.Fitness):
    """A DEAP fitness whose weights belong to the instance; all values are signed so that higher is better.

    Of two the one that violates the constraints less is the better, and dominates (Deb 2000, Comput. Methods Appl.
    Mech. Eng. 186); where they do so equally, as without constraints, the values decide.
    """

    def __init__(self, values: Sequence[float], violation: float = 0.0):
        self.weights = (1.0,) * len(values)
        self.violation = violation
        super().__init__(tuple(values))

    def dominates(self, other: Any, obj: slice = slice(None)) -> bool:
        if self.violation != other.violation:
            return self.violation < other.violation
        return super().dominates(other, obj)

    def _key(self) -> tuple[float, tuple[float, ...]]:
        return -self.violation, self.wvalues

    def __lt__(self, other: Any) -> bool:
        return self._key() < other._key()

    def __le__(self, other: Any) -> bool:
        return self._key() <= other._key()

    def __eq__(self, other: Any) -> bool:
        return isinstance(other, Score) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())


@dataclass(eq=False)
class Individual(Generic[G]):
    """A genome with its score, as DEAP's selection wants it."""

    genome: G
    fitness: Score


def scored(evaluation: Evaluation[G], goal: Goal) -> Individual[G] | None:
    """The evaluation as an individual; None where it failed or an objective is missing: such are never bred."""
    values = goal.values(evaluation)
    return (
        None
        if values is None
        else Individual(evaluation.candidate.genome, Score(values, goal.violation(evaluation.metrics)))
    )


class _Evolving(ProposingSearcher[G]):
    """What both evolutions share: start at random, then breed."""

    def __init__(self, context: SearchContext[G], population: int):
        super().__init__(context)
        self.population = at_least(1, population=population)
        self.begin = min(self.population, len(context.first) or self.population)

    def propose(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        def sample() -> Candidate[G]:
            return self.sampled(rng)

        def child() -> Candidate[G]:
            """A bred child; one that is known already is mutated on, out of the part of the space that is used up."""
            bred = self.breed(rng)
            for _ in range(MUTATE_ON):
                if bred.genome not in self.known:
                    break
                bred = replace(bred, genome=self.encoding.mutate(bred.genome, rng))
            return bred

        if len(self.known) < self.begin or not self.has_parents():
            return self.known.draw(n, sample)
        return self.known.draw(n, child, sample)

    def tell(self, evaluations: Sequence[Evaluation[G]]) -> None:
        super().tell(evaluations)
        for evaluation in evaluations:
            individual = scored(evaluation, self.goal)
            if individual is not None:
                self.welcome(individual)

    @abstractmethod
    def has_parents(self) -> bool:
        """Whether there is anything to breed from."""

    @abstractmethod
    def breed(self, rng: np.random.Generator) -> Candidate[G]:
        """A child, known or not."""

    @abstractmethod
    def welcome(self, individual: Individual[G]) -> None:
        """A successful evaluation joins the population."""


class Evolution(_Evolving[G]):
    """(μ+λ) evolution: tournaments choose parents, children compete with them, the best μ of both live on.

    With several objectives selection is NSGA-II's (Deb et al. 2002, IEEE TEC 6(2)): fronts, then crowding distance.
    Children are bred one at a time from the current parents, so no worker waits for a generation to be complete.

    Args:
        population: μ, how many parents live.
        offspring: λ, after how many children the next parents are selected.
        tournament: how many parents compete to breed; with several objectives always two.
        crossover: the probability that a child has two parents; it is always mutated, unless crossover already
            made it differ from both.
    """

    def __init__(
        self,
        context: SearchContext[G],
        population: int = 12,
        offspring: int = 4,
        tournament: int = 3,
        crossover: float = 0.3,
    ):
        super().__init__(context, population)
        self.offspring = at_least(1, offspring=offspring)
        self.tournament = at_least(1, tournament=tournament)
        self.crossover = probability(crossover=crossover)
        self._parents: list[Individual[G]] = []
        self._children: list[Individual[G]] = []

    def has_parents(self) -> bool:
        return bool(self._parents)

    def breed(self, rng: np.random.Generator) -> Candidate[G]:
        first = self.winner(rng).genome
        if rng.random() < self.crossover:
            second = self.winner(rng).genome
            child = self.encoding.crossover(first, second, rng)
            if child in (first, second):
                return self.mutant(child, rng)
            return Candidate(child, parents=(first, second), origin="crossed")
        return self.mutant(first, rng)

    def welcome(self, individual: Individual[G]) -> None:
        self._children.append(individual)
        if len(self._parents) < self.population or len(self._children) >= self.offspring:
            self._parents = self.select(self._parents + self._children)
            self._children = []

    def select(self, individuals: list[Individual[G]]) -> list[Individual[G]]:
        """The next parents."""
        select = tools.selBest if len(self.goal.objectives) == 1 else tools.selNSGA2
        return select(individuals, self.population)

    def winner(self, rng: np.random.Generator) -> Individual[G]:
        """Of a few random parents the best; of two with several objectives the dominating or less crowded one."""
        if len(self.goal.objectives) == 1:
            rivals = rng.integers(len(self._parents), size=self.tournament)
            return max((self._parents[i] for i in rivals), key=lambda one: one.fitness)
        one, other = (self._parents[i] for i in rng.integers(len(self._parents), size=2))
        if one.fitness.dominates(other.fitness):
            return one
        if other.fitness.dominates(one.fitness) or other.fitness.crowding_dist > one.fitness.crowding_dist:
            return other
        return one


@with_options_of(Evolution)
def nsga2(context: SearchContext[G], **options: Any) -> Evolution[G]:
    """Evolution with several objectives; where only one is given, small networks are the second."""
    if len(context.goal.objectives) == 1:
        context = replace(context, goal=context.goal.with_objective(Objective("params", maximize=False)))
    return Evolution(context, **options)


class AgingEvolution(_Evolving[G]):
    """Regularized evolution (Real et al. 2019, AAAI, algorithm 1): tournament, mutate the winner, drop the oldest.

    One objective. `population` is the paper's P, `tournament` its S.
    """

    def __init__(
        self,
        context: SearchContext[G],
        population: int = 20,
        tournament: int = 5,
    ):
        super().__init__(context, population)
        context.only_objective("aging evolution")
        self.tournament = at_least(1, tournament=tournament)
        self._living: deque[Individual[G]] = deque(maxlen=self.population)

    def has_parents(self) -> bool:
        return bool(self._living)

    def breed(self, rng: np.random.Generator) -> Candidate[G]:
        rivals = rng.choice(len(self._living), size=min(self.tournament, len(self._living)), replace=False)
        parent = max((self._living[i] for i in rivals), key=lambda one: one.fitness).genome
        return self.mutant(parent, rng)

    def welcome(self, individual: Individual[G]) -> None:
        self._living.append(individual)
