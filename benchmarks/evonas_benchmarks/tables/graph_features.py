"""What a surrogate sees of a graph cell: statistics of the tree in the manner of GRAF (Kadlecová et al. 2024, ICML)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations, combinations_with_replacement

import numpy as np

from evonas_benchmarks.tables.graph_tree import ALL_LINKS, NODES, OPERATIONS, GraphCell, first_numbering

SHAPES = sorted({first_numbering(links, ("gat",) * 4)[0] for links in ALL_LINKS})
MESSAGES = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph")  # mix a vertex with its neighbours
FAMILIES = {
    "message": MESSAGES,
    "spectral": ("gcn", "cheb", "arma"),
    "sum": ("gin", "graph"),
    "own weight": ("sage", "graph", "cheb", "arma"),  # the vertex itself has weights of its own
    "one weight": ("gat", "gcn"),
    "local": ("fc", "skip"),
}
SETS = {**{operation: (operation,) for operation in OPERATIONS}, **FAMILIES}
DEPTHS = (1, 2, 3, 4)


def features(genome: GraphCell) -> Mapping[str, float]:
    """Named numbers of a canonical genome: shape, operations by node and depth, who feeds whom, and the paths."""
    return dict(zip(_names(), _values(genome).tolist(), strict=True))


@lru_cache(maxsize=32_768)  # all there are, 3 kB each: every search on a table meets the same ones
def _values(genome: GraphCell) -> np.ndarray:
    """(d,) the numbers in the order of the names."""
    links, operations = genome
    found = dict.fromkeys(_names(), 0.0)
    found[f"shape {links}"] = 1.0
    paths = list(_paths(genome))
    depth = {0: 0}
    for node in NODES:
        depth[node] = depth[links[node - 1]] + 1
    for node, operation in zip(NODES, operations, strict=True):
        source = links[node - 1]
        found[f"{node}={operation}"] = 1.0
        for name in _of(operation):
            found[f"count {name}"] += 1
            found[f"{name} at depth {depth[node]}"] += 1
            found[f"{name} into output"] += node not in links
            found[f"{name} read by"] += links.count(node)
        found[f"{operations[source - 1] if source else 'input'}→{operation}"] += 1
    for node, other in combinations(NODES, 2):
        if links[node - 1] == links[other - 1]:
            found[_pair(operations[node - 1], operations[other - 1])] += 1
    for name, members in SETS.items():
        along = [sum(operation in members for operation in path) for path in paths]
        found[f"most {name} on a path"] = max(along)
        found[f"fewest {name} on a path"] = min(along)
        found[f"mean {name} on a path"] = sum(along) / len(along)
        found[f"paths of {name} and skip"] = sum(all(o in members or o == "skip" for o in path) for path in paths)
    found["outputs"] = len(paths)
    found["longest path"] = max(map(len, paths))
    found["shortest path"] = min(map(len, paths))
    found["kinds"] = len(set(operations))
    return np.array(list(found.values()))


def _paths(genome: GraphCell) -> Iterator[list[str]]:
    """The operations on the way from the input to each node that nobody reads."""
    links, operations = genome
    for node in NODES:
        if node not in links:
            path = []
            while node:
                path.append(operations[node - 1])
                node = links[node - 1]
            yield path


@lru_cache(maxsize=len(OPERATIONS))
def _of(operation: str) -> list[str]:
    return [name for name, members in SETS.items() if operation in members]


def _pair(a: str, b: str) -> str:
    """The two in one order: they read the same node."""
    return f"{a}|{b}" if OPERATIONS.index(a) <= OPERATIONS.index(b) else f"{b}|{a}"


@lru_cache(maxsize=1)
def _names() -> tuple[str, ...]:
    """All names, sorted: in the order in which a ranker wants their numbers."""
    names = (
        *(f"shape {links}" for links in SHAPES),
        *(f"{node}={operation}" for node in NODES for operation in OPERATIONS),
        *(f"count {name}" for name in SETS),
        *(f"{name} at depth {depth}" for name in SETS for depth in DEPTHS),
        *(f"{name} into output" for name in SETS),
        *(f"{name} read by" for name in SETS),
        *(f"{source}→{operation}" for source in ("input", *OPERATIONS) for operation in OPERATIONS),
        *(_pair(a, b) for a, b in combinations_with_replacement(OPERATIONS, 2)),
        *(f"{what} on a path" for name in SETS for what in (f"most {name}", f"fewest {name}", f"mean {name}")),
        *(f"paths of {name} and skip" for name in SETS),
        *("outputs", "longest path", "shortest path", "kinds"),
    )
    return tuple(sorted(set(names)))
