"""The NAS-Bench-201 cell (Dong & Yang 2020, ICLR): four nodes, six edges, five operations an edge.

A genome is the benchmark's own string, see `evonas.encodings.cell_genome`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import combinations, product
from typing import TYPE_CHECKING

import numpy as np

from evonas.core.options import at_least
from evonas.core.space import Gene, Space
from evonas.core.types import Task
from evonas.encodings.cell_genome import EDGES, OPERATIONS, PATHS, Operations, cell_string, live, parse
from evonas.encodings.counting import Counting

if TYPE_CHECKING:
    from torch import nn

PORTFOLIO: Sequence[Operations] = (  # in the order of EDGES; canonical forms
    # ResNet's basic block (He et al. 2016, CVPR): two convolutions, and the input added
    ("nor_conv_3x3", "none", "none", "skip_connect", "nor_conv_3x3", "none"),
    # its bottleneck, with a third of the weights
    ("nor_conv_1x1", "none", "nor_conv_3x3", "skip_connect", "none", "nor_conv_1x1"),
    # every node from all before it (Huang et al. 2017, CVPR), and the input added
    ("nor_conv_3x3", "nor_conv_3x3", "nor_conv_3x3", "skip_connect", "nor_conv_3x3", "nor_conv_3x3"),
    # ways of several lengths, one through a pooling (Szegedy et al. 2015, CVPR)
    ("nor_conv_1x1", "avg_pool_3x3", "nor_conv_3x3", "nor_conv_1x1", "nor_conv_3x3", "nor_conv_1x1"),
)


class CellEncoding:
    """Cells of NAS-Bench-201 in the paper's skeleton: stem, three stages of cells, two residual reductions between.

    Args:
        width: channels of the first stage; doubled at each reduction. The paper's is 16.
        cells: cells a stage. The paper's is 5; 1 is sized for small images.
        pruned: leave out edges that cannot change the output, for they cost time and nothing else. `False` builds
            them as the benchmark does, with its parameters and FLOPs to the last one.
    """

    def __init__(self, width: int = 16, cells: int = 1, pruned: bool = True):
        self.width = at_least(1, width=width)
        self.cells = at_least(1, cells=cells)
        self.pruned = pruned

    def sample(self, rng: np.random.Generator) -> str:
        return cell_string([OPERATIONS[i] for i in rng.integers(len(OPERATIONS), size=len(EDGES))])

    def mutate(self, genome: str, rng: np.random.Generator) -> str:
        """One edge gets another operation."""
        operations = list(parse(genome))
        edge = rng.integers(len(EDGES))
        step = 1 + rng.integers(len(OPERATIONS) - 1)
        operations[edge] = OPERATIONS[(OPERATIONS.index(operations[edge]) + step) % len(OPERATIONS)]
        return cell_string(operations)

    def crossover(self, a: str, b: str, rng: np.random.Generator) -> str:
        """Each edge from either parent."""
        from_a = rng.random(len(EDGES)) < 0.5
        return cell_string([x if first else y for x, y, first in zip(parse(a), parse(b), from_a, strict=True)])

    def canonical(self, genome: str) -> str:
        """One cell for all that are isomorphic by the benchmark's own rule: 6,466 of 15,625."""
        canonical = _canonical_cells().get(genome)
        return canonical if canonical is not None else _canonical_cells()[cell_string(parse(genome))]

    def features(self, genome: str) -> Mapping[str, float]:
        """What a surrogate sees: operations by edge and in number, and the paths they make; of the canonical form."""
        return _features(self.canonical(genome))

    def portfolio(self, task: Task) -> list[str]:
        """The fixed baseline, a cell that is ResNet's basic block, then cells unlike it and each other."""
        return [cell_string(operations) for operations in PORTFOLIO]

    def costs(self, genome: str, task: Task) -> Mapping[str, float]:
        """`params` and `flops`: of a cell only the number of its convolutions counts."""
        operations = live(parse(genome)) if self.pruned else parse(genome)
        channels, height, across = task.input_shape
        count, width, size = Counting(height, across), self.width, min(height, across)
        count.convolution(channels, width, 3)
        count.normalisation(width)
        for stage in range(3):
            if stage > 0:
                stride = 2 if size >= 2 else 1
                count.convolution(width, 2 * width, 3, stride)
                count.beside(2 * width, 2 * width, 3)
                count.beside(width, 2 * width)
                count.normalisation(2 * 2 * width)
                width, size = 2 * width, -(-size // stride)
            for name in self.cells * [name for name in operations if name.startswith("nor")]:
                count.beside(width, width, int(name[-1]))
                count.normalisation(width)
        count.normalisation(width)
        count.linear(width, task.n_classes)
        return count.costs

    def smaller(self, genome: str) -> list[str]:
        """A convolution's kernel is one pixel; or it is left out, and its input passed on."""
        found = []
        for large, small in (("nor_conv_3x3", "nor_conv_1x1"), ("nor_conv_1x1", "skip_connect")):
            operations = parse(genome)
            for edge, operation in enumerate(operations):
                if operation == large:
                    found.append(self.canonical(cell_string([*operations[:edge], small, *operations[edge + 1 :]])))
        return found

    def space(self) -> Space[str]:
        """Six genes, one an edge: `0→1`, …"""
        return Space(tuple(Gene(f"{a}→{b}", OPERATIONS) for a, b in EDGES), cell_string, parse)

    def build(self, genome: str, task: Task) -> nn.Module:
        """The network for images of `task.input_shape`; below 2 pixels a reduction keeps the size."""
        from evonas.encodings.cell_network import CellNetwork

        operations = parse(genome)
        return CellNetwork(live(operations) if self.pruned else operations, task, self.width, self.cells)

    def graph(self, genome: str) -> list[tuple[str, str, str]]:
        """(source, target, operation) of all six edges, for the drawing."""
        names = ("input", "1", "2", "output")
        return [(names[a], names[b], op) for (a, b), op in zip(EDGES, parse(genome), strict=True)]


@cache
def _canonical_cells() -> Mapping[str, str]:
    """Every cell -> the first of its isomorphism class, in the order of enumeration (`none` first)."""
    first: dict[str, str] = {}
    return {
        genome: first.setdefault(_expression(operations), genome)
        for operations in product(OPERATIONS, repeat=len(EDGES))
        for genome in (cell_string(operations),)
    }


def _expression(operations: Operations) -> str:
    """What node 3 computes, written out: the benchmark's rule for isomorphic cells (`to_unique_str`, zero considered).

    A skip is its input, `none` and whatever is made from nothing is `#`, and sums are sorted.
    """
    nodes = ["0"]
    for target in (1, 2, 3):
        terms = []
        for (source, to), operation in zip(EDGES, operations, strict=True):
            if to == target:
                value = nodes[source]
                if operation == "none" or value == "#":
                    terms.append("#")
                else:
                    terms.append(value if operation == "skip_connect" else f"({value})@{operation}")
        nodes.append("+".join(sorted(terms)))
    return nodes[3]


@cache
def _features(genome: str) -> Mapping[str, float]:
    """Graph statistics in the manner of GRAF (Kadlecová et al. 2024, ICML): for each set of operations the paths and
    degrees that it alone makes; besides one-hot edges, counts, and the convolutions along the paths."""
    operations = parse(genome)
    alive = live(operations)
    found = {
        f"{a}→{b}={operation}": float(operation == own)
        for (a, b), own in zip(EDGES, operations, strict=True)
        for operation in OPERATIONS
    }
    for operation in OPERATIONS:
        found[f"count {operation}"] = float(operations.count(operation))
    for operation in OPERATIONS[1:]:
        found[f"live {operation}"] = float(alive.count(operation))
    depths = [
        (sum(alive[e].startswith("nor") for e in path), sum(alive[e] == "nor_conv_3x3" for e in path))
        for path in PATHS
        if all(alive[e] != "none" for e in path)
    ]
    found["paths"] = float(len(depths))
    for i, what in enumerate(("convolutions", "3x3 convolutions")):
        along = [depth[i] for depth in depths] or [-1]
        found[f"most {what} on a path"] = float(max(along))
        found[f"fewest {what} on a path"] = float(min(along))
        found[f"{what} on all paths"] = float(sum(along))
    for allowed in _OPERATION_SETS:
        name = "+".join(operation.removeprefix("nor_").removesuffix("_connect") for operation in allowed)
        lengths = [len(path) for path in PATHS if all(operations[e] in allowed for e in path)]
        found[f"{name} shortest"] = float(min(lengths, default=4))
        found[f"{name} longest"] = float(max(lengths, default=0))
        found[f"{name} into output"] = float(sum(operations[e] in allowed for e in (3, 4, 5)))
        found[f"{name} out of input"] = float(sum(operations[e] in allowed for e in (0, 1, 3)))
    return found


_OPERATION_SETS = [chosen for size in range(1, 5) for chosen in combinations(OPERATIONS[1:], size)]
