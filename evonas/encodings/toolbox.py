"""An existing DEAP toolbox as an encoding; its global randomness is seeded by the search."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.genomes import freeze
from evonas.core.randomness import seeded_globals
from evonas.core.types import Task

if TYPE_CHECKING:
    from torch import nn

Genome = tuple[Any, ...]


class ToolboxEncoding:
    """Genomes are a toolbox's individuals as (nested) tuples.

    `toolbox.individual()`, `toolbox.mutate(individual)` and `toolbox.mate(a, b)` are used as DEAP has them: in place,
    on copies, drawing from the global `random` or numpy's. Each call gets a state seeded by the search's generator, and
    the states from before are put back, so that searches do not disturb each other or anybody else. (A registered
    `random.randint` itself takes its generator along when it is pickled; a function that calls it does not.)

    Args:
        toolbox: with `individual`, `mutate` and `mate` registered.
        build: (genome, task) -> network.
        features: genome -> named numbers; by default the genes of a flat genome of fixed length.

    Raises EvonasError where the toolbox lacks one of the three.
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
            return freeze(_plain(self.toolbox.individual()))

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        with seeded_globals(rng):
            (child,) = self.toolbox.mutate(self._individual(genome))
        return freeze(_plain(child))

    def crossover(self, a: Genome, b: Genome, rng: np.random.Generator) -> Genome:
        """The first of the toolbox's two children."""
        with seeded_globals(rng):
            child, _ = self.toolbox.mate(self._individual(a), self._individual(b))
        return freeze(_plain(child))

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

    def _individual(self, genome: Genome) -> Any:
        """A fresh individual of the toolbox's own class with these genes; lists where there were lists."""
        state, np_state = random.getstate(), np.random.get_state()  # noqa: NPY002
        try:
            template = self.toolbox.individual()
        finally:
            random.setstate(state)
            np.random.set_state(np_state)  # noqa: NPY002
        template[:] = _thawed(genome, template)
        return template


def _plain(individual: Any) -> Any:
    """JSON values and lists: numpy's numbers become Python's."""
    if isinstance(individual, np.ndarray):
        return individual.tolist()
    if isinstance(individual, np.generic):
        return individual.item()
    return [_plain(gene) for gene in individual] if isinstance(individual, (list, tuple)) else individual


def _thawed(genome: Any, template: Any) -> Any:
    """Genes with lists where the template's genes are lists."""
    inner = next((gene for gene in template if isinstance(gene, (list, tuple))), None)
    if inner is None:
        return list(genome)
    kind = type(inner)
    return [kind(_thawed(g, inner)) if isinstance(g, tuple) else g for g in genome]
