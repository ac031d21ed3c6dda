"""The encoding of NAS-Bench-Graph's cells: sampled, mutated and crossed as trees of four graph operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.space import Gene, Space
from evonas.core.types import Task
from evonas_benchmarks.tables import graph_features
from evonas_benchmarks.tables.graph_tree import (
    ALL_LINKS,
    NODES,
    OPERATIONS,
    PROTEINS,
    GraphCell,
    canonical,
    first_numbering,
    shapes,
)

__all__ = [
    "ALL_LINKS",
    "NODES",
    "OPERATIONS",
    "PROTEINS",
    "GraphCell",
    "GraphCellEncoding",
    "canonical",
    "first_numbering",
]


class GraphCellEncoding:
    """Trees of four graph operations; `canonical` is the benchmark's own rule for isomorphic networks.

    Args:
        operations: which operations are sampled; features speak of all nine, whatever they are.
    """

    def __init__(self, operations: Sequence[str] = OPERATIONS):
        unknown = [operation for operation in operations if operation not in OPERATIONS]
        if unknown or len(set(operations)) < max(2, len(operations)):
            raise EvonasError(f"operations={tuple(operations)} are not valid; give two or more of {OPERATIONS}")
        self.operations = tuple(operations)

    def sample(self, rng: np.random.Generator) -> GraphCell:
        """One of the nine shapes, then the operations: as the benchmark samples."""
        there = shapes()
        links = there[rng.integers(len(there))]
        return links, tuple(self.operations[i] for i in rng.integers(len(self.operations), size=len(NODES)))

    def mutate(self, genome: GraphCell, rng: np.random.Generator) -> GraphCell:
        """One node gets another operation or, one time in four, reads another node."""
        links, operations = genome
        if rng.random() < 0.25:
            node = 2 + int(rng.integers(3))
            step = 1 + int(rng.integers(node - 1))
            source = (links[node - 1] + step) % node
            return (*links[: node - 1], source, *links[node:]), operations
        place = int(rng.integers(len(NODES)))
        others = [operation for operation in self.operations if operation != operations[place]]
        return links, (*operations[:place], others[rng.integers(len(others))], *operations[place + 1 :])

    def crossover(self, a: GraphCell, b: GraphCell, rng: np.random.Generator) -> GraphCell:
        """The shape of the first, each operation from either."""
        from_a = rng.random(len(NODES)) < 0.5
        return a[0], tuple(x if first else y for x, y, first in zip(a[1], b[1], from_a, strict=True))

    def canonical(self, genome: GraphCell) -> GraphCell:
        """One form for all that the benchmark holds to be the same: 26,206, all skips included not among them."""
        return canonical(genome)

    def features(self, genome: GraphCell) -> Mapping[str, float]:
        """What a surrogate sees of the canonical form: operations by place, depth and neighbours, and their paths."""
        return graph_features.features(canonical(genome))

    def space(self) -> Space[GraphCell]:
        """The shape, one of the nine that the benchmark samples from, and the operation of each of its four nodes."""
        genes = (Gene("shape", shapes()), *(Gene(f"node {node}", self.operations) for node in NODES))
        return Space(genes, _joined, _split)

    def build(self, genome: GraphCell, task: Task):
        raise EvonasError("graph-cell is looked up in a table; evonas trains networks for images")

    def graph(self, genome: GraphCell) -> list[tuple[str, str, str]]:
        """(source, target, operation), for the drawing."""
        links, operations = genome
        names = ("input", *(str(node) for node in NODES))
        edges = [(names[links[node - 1]], names[node], operations[node - 1]) for node in NODES]
        return edges + [(names[node], "output", "concat") for node in NODES if node not in links]


def _joined(values: Sequence[Any]) -> GraphCell:
    return values[0], tuple(values[1:])


def _split(genome: GraphCell) -> list[Any]:
    links, operations = canonical(genome)
    return [links, *operations]
