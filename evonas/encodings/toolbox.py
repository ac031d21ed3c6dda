"""An existing DEAP toolbox as an encoding; its global randomness is seeded for each call and then put back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.randomness import seeded_globals
from evonas.core.types import Task
from evonas.encodings.containers import (
    Containers,
    attributes,
    changed_attribute,
    frozen,
    is_container,
    no_container,
    not_kept,
)

if TYPE_CHECKING:
    from torch import nn

Genome = tuple[Any, ...]


class ToolboxEncoding:
    """Genomes are a toolbox's individuals as (nested) tuples.

    `toolbox.individual()`, `toolbox.mutate(individual)` and `toolbox.mate(a, b)` are used as DEAP has them: in place,
    on copies, drawing from the global `random` or numpy's. Each call gets a state seeded by the search's generator, and
    the states from before are put back, so that searches do not disturb each other or anybody else. (A registered
    `random.randint` itself takes its generator along when it is pickled; a function that calls it does not.)

    An individual is any sequence: a list, a subclass of one, an `array.array`, a NumPy array, a deque, a tuple. The
    operators get the same kind, with the same kinds inside: what these are is learned from a few individuals, and is a
    list where those do not tell. Attributes besides the fitness are those of a fresh individual.

    Args:
        toolbox: with `individual`, `mutate` and `mate` registered.
        build: (genome, task) -> network.
        features: genome -> named numbers; by default the genes of a flat genome of fixed length.

    Raises EvonasError where the toolbox lacks one of the three, an individual is no sequence or has attributes that
    differ from one to the next (a genome does not hold them), or an operator does not return a tuple of individuals.
    """

    def __init__(
        self,
        toolbox: Any,
        build: Callable[[Genome, Task], nn.Module],
        features: Callable[[Genome], Mapping[str, float]] | None = None,
    ):
        for name in ("individual", "mutate", "mate"):
            if not hasattr(toolbox, name):
                raise EvonasError(f"the toolbox has no {name!r}; register it: toolbox.register({name!r}, …)")
        self.toolbox = toolbox
        self._build = build
        self._features = features

    def sample(self, rng: np.random.Generator) -> Genome:
        with seeded_globals(rng):
            individual = self.toolbox.individual()
        if not is_container(individual):
            raise no_container(individual)
        return frozen(individual)

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        return self._child("mutate", self.toolbox.mutate, rng, genome)

    def crossover(self, a: Genome, b: Genome, rng: np.random.Generator) -> Genome:
        """The first of the toolbox's two children."""
        return self._child("mate", self.toolbox.mate, rng, a, b)

    def features(self, genome: Genome) -> Mapping[str, float]:
        if self._features is not None:
            return self._features(genome)
        try:
            return {f"gene{i}": float(value) for i, value in enumerate(genome)}
        except (TypeError, ValueError):
            raise EvonasError(
                f"the genome {genome!r} is no list of numbers; give ToolboxEncoding(features=…)"
            ) from None

    def build(self, genome: Genome, task: Task) -> nn.Module:
        return self._build(genome, task)

    def _child(self, name: str, operator: Callable[..., Any], rng: np.random.Generator, *genomes: Genome) -> Genome:
        individuals = [self._containers.thawed(genome) for genome in genomes]
        before = attributes(individuals[0])
        with seeded_globals(rng):
            children = operator(*individuals)
        if not isinstance(children, tuple) or not children or not is_container(children[0]):
            raise EvonasError(
                f"toolbox.{name} returned {children!r}; DEAP's operators return a tuple of individuals: return x,"
            )
        changed = changed_attribute(before, attributes(children[0]))
        if changed is not None:
            raise not_kept(changed, f"toolbox.{name} changes")
        return frozen(children[0])

    @cached_property
    def _containers(self) -> Containers:
        with seeded_globals(np.random.default_rng(0)):
            return Containers(self.toolbox.individual)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_containers"}
