"""The genome of a NAS-Bench-201 cell (Dong & Yang 2020, ICLR): the benchmark's own string.

`|op~0|+|op~0|op~1|+|op~0|op~1|op~2|`: for each of nodes 1 to 3 its incoming edges, each an operation and the node it
comes from.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from evonas.core.errors import EvonasError

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))  # (from, to), in the order of the string
PATHS = ((3,), (0, 4), (1, 5), (0, 2, 5))  # all ways from node 0 to node 3, as positions in EDGES

Operations = tuple[str, ...]  # the six operations, in the order of EDGES


@cache
def parse(genome: str) -> Operations:
    """The six operations of a cell's string. Raises EvonasError where it is none."""
    try:
        nodes = [node.strip("|").split("|") for node in genome.split("+")]
        edges = [(edge.split("~")[0], int(edge.split("~")[1]), i + 1) for i, node in enumerate(nodes) for edge in node]
        if tuple((source, target) for _, source, target in edges) != EDGES:
            raise ValueError
        if any(operation not in OPERATIONS for operation, _, _ in edges):
            raise ValueError
    except (ValueError, IndexError, AttributeError):
        raise EvonasError(
            f"{genome!r} is no cell of NAS-Bench-201; it looks like {cell_string(('nor_conv_3x3',) * 6)!r} "
            f"with operations from {', '.join(OPERATIONS)}"
        ) from None
    return tuple(operation for operation, _, _ in edges)


def cell_string(operations: Sequence[str]) -> str:
    """The benchmark's string of six operations."""
    a, b, c, d, e, f = operations
    return f"|{a}~0|+|{b}~0|{c}~1|+|{d}~0|{e}~1|{f}~2|"


def live(operations: Operations) -> Operations:
    """The same cell with `none` on every edge that lies on no path from input to output."""
    used = {edge for path in PATHS if all(operations[e] != "none" for e in path) for edge in path}
    return tuple(operation if edge in used else "none" for edge, operation in enumerate(operations))
