"""Evolution: DEAP keeps score and selects, the encoding varies.

DEAP is used without its `creator` and without its random operators: both are global, and two searches in one
process must not disturb each other. Selection, domination and crowding draw no randomness and are used as they are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic

import numpy as np
from deap import base, tools

from evonas.core.errors import EvonasError
from evonas.core.goals import VAL_ACCURACY, Objective
from evonas.core.options import at_least
from evonas.core.types import Candidate, Encoding, Evaluation, G
from evonas.search.duplicates import Seen

MUTATE_ON = 4  # times a child that is known already is mutated again


class Score(base.Fitness):
    """A DEAP fitness whose weights belong to the instance; all values are signed so that higher is better."""

    def __init__(self, values: Sequence[float]):
        self.weights = (1.0,) * len(values)
        super().__init__(tuple(values))


@dataclass(eq=False)
class Individual(Generic[G]):
    """A genome with its score, as DEAP's selection wants it."""

    genome: G
    fitness: Score


def scored(evaluation: Evaluation[G], objectives: Sequence[Objective]) -> Individual[G] | None:
    """The evaluation as an individual; None where it failed or an objective is missing: such are never bred."""
    if not evaluation.ok:
        return None
    values = [objective.value(evaluation.metrics) for objective in objectives]
    return Individual(evaluation.candidate.genome, Score(values)) if np.all(np.isfinite(values)) else None


class _Evolving(Generic[G]):
    """What both evolutions share: start at random, then breed; never ask a network twice."""

    def __init__(self, encoding: Encoding[G], objectives: Sequence[Objective], population: int):
        if not objectives:
            raise EvonasError("a search needs at least one objective, for example 'val_accuracy'")
        self.encoding = encoding
        self.objectives = tuple(objectives)
        self.population = at_least(1, population=population)
        self.seen: Seen[G] = Seen(encoding)

    def propose(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        """`n` new candidates, not taken note of: `ask`, for somebody who will choose among them."""

        def sample() -> Candidate[G]:
            return Candidate(self.encoding.sample(rng))

        def child() -> Candidate[G]:
            """A bred child; one that is known already is mutated on, out of the part of the space that is used up."""
            bred = self.breed(rng)
            for _ in range(MUTATE_ON):
                if bred.genome not in self.seen:
                    break
                bred = Candidate(self.encoding.mutate(bred.genome, rng), parents=bred.parents)
            return bred

        if len(self.seen) < self.population or not self.has_parents():
            return self.seen.draw(n, sample)
        return self.seen.draw(n, child, sample)

    def expect(self, candidates: Sequence[Candidate[G]]) -> None:
        """Take note of candidates that are on their way."""
        self.seen.add(candidates)

    def ask(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        candidates = self.propose(n, rng)
        self.expect(candidates)
        return candidates

    def tell(self, evaluations: Sequence[Evaluation[G]]) -> None:
        for evaluation in evaluations:
            self.seen.add([evaluation.candidate])
            individual = scored(evaluation, self.objectives)
            if individual is not None:
                self.welcome(individual)

    def has_parents(self) -> bool:
        raise NotImplementedError

    def breed(self, rng: np.random.Generator) -> Candidate[G]:
        raise NotImplementedError

    def welcome(self, individual: Individual[G]) -> None:
        raise NotImplementedError


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
        encoding: Encoding[G],
        objectives: Sequence[Objective] = (VAL_ACCURACY,),
        population: int = 12,
        offspring: int = 4,
        tournament: int = 3,
        crossover: float = 0.3,
    ):
        super().__init__(encoding, objectives, population)
        self.offspring = at_least(1, offspring=offspring)
        self.tournament = at_least(1, tournament=tournament)
        if not 0 <= crossover <= 1:
            raise EvonasError(f"crossover={crossover} is no probability; give one from 0 to 1")
        self.crossover = crossover
        self._parents: list[Individual[G]] = []
        self._children: list[Individual[G]] = []

    def has_parents(self) -> bool:
        return bool(self._parents)

    def breed(self, rng: np.random.Generator) -> Candidate[G]:
        first = self._winner(rng).genome
        if rng.random() < self.crossover:
            second = self._winner(rng).genome
            child = self.encoding.crossover(first, second, rng)
            if child in (first, second):
                child = self.encoding.mutate(child, rng)
            return Candidate(child, parents=(first, second))
        return Candidate(self.encoding.mutate(first, rng), parents=(first,))

    def welcome(self, individual: Individual[G]) -> None:
        self._children.append(individual)
        if len(self._parents) < self.population or len(self._children) >= self.offspring:
            select = tools.selBest if len(self.objectives) == 1 else tools.selNSGA2
            self._parents = select(self._parents + self._children, self.population)
            self._children = []

    def _winner(self, rng: np.random.Generator) -> Individual[G]:
        """Of a few random parents the best; of two with several objectives the dominating or less crowded one."""
        if len(self.objectives) == 1:
            rivals = rng.integers(len(self._parents), size=self.tournament)
            return max((self._parents[i] for i in rivals), key=lambda one: one.fitness)
        one, other = (self._parents[i] for i in rng.integers(len(self._parents), size=2))
        if one.fitness.dominates(other.fitness):
            return one
        if other.fitness.dominates(one.fitness) or other.fitness.crowding_dist > one.fitness.crowding_dist:
            return other
        return one


def nsga2(encoding: Encoding[G], objectives: Sequence[Objective] = (VAL_ACCURACY,), **options) -> Evolution[G]:
    """Evolution with several objectives; where only one is given, small networks are the second."""
    if len(objectives) == 1:
        objectives = (*objectives, Objective("params", maximize=False))
    return Evolution(encoding, objectives, **options)


class AgingEvolution(_Evolving[G]):
    """Regularized evolution (Real et al. 2019, AAAI, algorithm 1): tournament, mutate the winner, drop the oldest.

    One objective: the first. `population` is the paper's P, `tournament` its S.
    """

    def __init__(
        self,
        encoding: Encoding[G],
        objectives: Sequence[Objective] = (VAL_ACCURACY,),
        population: int = 20,
        tournament: int = 5,
    ):
        super().__init__(encoding, objectives[:1], population)
        self.tournament = at_least(1, tournament=tournament)
        self._living: deque[Individual[G]] = deque(maxlen=self.population)

    def has_parents(self) -> bool:
        return bool(self._living)

    def breed(self, rng: np.random.Generator) -> Candidate[G]:
        rivals = rng.choice(len(self._living), size=min(self.tournament, len(self._living)), replace=False)
        parent = max((self._living[i] for i in rivals), key=lambda one: one.fitness).genome
        return Candidate(self.encoding.mutate(parent, rng), parents=(parent,))

    def welcome(self, individual: Individual[G]) -> None:
        self._living.append(individual)
