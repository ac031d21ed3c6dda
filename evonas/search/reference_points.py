"""NSGA-III: parents are kept along reference directions, where crowding no longer tells a spread front."""

from __future__ import annotations

from typing import Any

import numpy as np
from deap import tools

from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.options import at_least
from evonas.core.randomness import seeded_globals
from evonas.core.types import G
from evonas.search.evolution import Evolution, Individual


class ReferencePointEvolution(Evolution[G]):
    """(μ+λ) evolution with NSGA-III's selection (Deb & Jain 2014, IEEE TEC 18(4)), made for three objectives and more.

    Whole fronts are kept; of the last one those that lie nearest to the least crowded of some reference directions,
    evenly spread over the objectives, each scaled by its range.

    Args:
        population, offspring, crossover: as `Evolution` has them.
        divisions: of each objective between the reference directions: with 4 there are 15 of three objectives.

    Raises EvonasError where there is one objective only.
    """

    def __init__(
        self,
        context: SearchContext[G],
        population: int = 12,
        offspring: int = 4,
        crossover: float = 0.3,
        divisions: int = 4,
    ):
        super().__init__(context, population, offspring, 2, crossover)
        self.divisions = at_least(1, divisions=divisions)
        if len(self.goal.objectives) < 2:
            raise EvonasError(
                f"nsga3 spreads over several objectives, got {self.goal.first}; give for example "
                "--objectives val_accuracy,latency_ms,params, or use evolution"
            )
        self._points = tools.uniform_reference_points(len(self.goal.objectives), self.divisions)
        self._selected = 0

    def select(self, individuals: list[Individual[G]]) -> list[Individual[G]]:
        """DEAP draws ties from numpy's global generator: it gets a state that follows from how often it was asked."""
        if len(individuals) <= self.population:
            return individuals
        self._selected += 1
        with seeded_globals(np.random.default_rng(self._selected)), np.errstate(divide="ignore", invalid="ignore"):
            kept: Any = tools.selNSGA3(individuals, self.population, self._points, nd="standard")
        return kept

    def winner(self, rng: np.random.Generator) -> Individual[G]:
        """Of two random parents the one that dominates, else the first."""
        one, other = (self._parents[i] for i in rng.integers(len(self._parents), size=2))
        return other if other.fitness.dominates(one.fitness) else one
