"""The cells of NAS-Bench-Graph (Qin et al. 2022, NeurIPS Datasets and Benchmarks): four operations in a tree.

A genome is `((0, 0, 1, 2), ("gcn", "gat", "skip", "fc"))`: for each of the nodes 1 to 4 the node it reads from (0 is
the input) and its operation. Nodes that nobody reads are concatenated into the output.
"""

from __future__ import annotations

from functools import cache, lru_cache
from itertools import permutations, product

from evonas.core.errors import EvonasError

OPERATIONS = ("gat", "gcn", "gin", "cheb", "sage", "arma", "graph", "fc", "skip")
PROTEINS = ("gcn", "sage", "arma", "fc", "skip")  # what was trained on the largest data set
NODES = (1, 2, 3, 4)

Links = tuple[int, ...]  # for each node the earlier node that it reads
Operations = tuple[str, ...]
GraphCell = tuple[Links, Operations]

ALL_LINKS: tuple[Links, ...] = tuple(product(*(range(node) for node in NODES)))


@lru_cache(maxsize=200_000)
def canonical(genome: GraphCell) -> GraphCell:
    """A skip that changes nothing moves to the front, then the first of all numberings of the tree.

    Raises EvonasError where the genome is none.
    """
    check(genome)
    links, operations = first_numbering(*genome)
    for node in NODES:
        if operations[node - 1] == "skip" and _changes_nothing(node, links, operations):
            links, operations = _to_front(node, links, operations)
    return first_numbering(links, operations)


def check(genome: GraphCell) -> None:
    try:
        links, operations = genome
        fine = links in ALL_LINKS and len(operations) == len(NODES) and all(o in OPERATIONS for o in operations)
    except (TypeError, ValueError):
        fine = False
    if not fine:
        raise EvonasError(f"{genome!r} is no graph cell; one is ((0, 0, 1, 2), ('gcn', 'gat', 'skip', 'fc'))")


def first_numbering(links: Links, operations: Operations) -> GraphCell:
    """Of all ways to number the nodes, parents first, that with the smallest links, then the first operations."""
    smallest, orders = _numberings(links)
    ranks = [OPERATIONS.index(operation) for operation in operations]
    best = min(orders, key=lambda order: [ranks[node - 1] for node in order])
    return smallest, tuple(operations[node - 1] for node in best)


@cache
def _numberings(links: Links) -> tuple[Links, list[tuple[int, ...]]]:
    """The smallest links of a tree, and the orders of its nodes that give them."""
    found: dict[Links, list[tuple[int, ...]]] = {}
    for order in permutations(NODES):
        number = {0: 0, **{node: i for i, node in enumerate(order, 1)}}
        renumbered = tuple(number[links[node - 1]] for node in order)
        if renumbered in ALL_LINKS:
            found.setdefault(renumbered, []).append(order)
    smallest = min(found)
    return smallest, found[smallest]


@cache
def shapes() -> tuple[Links, ...]:
    return tuple(sorted({_numberings(links)[0] for links in ALL_LINKS}))


def _changes_nothing(node: int, links: Links, operations: Operations) -> bool:
    """A skip does nothing if it is read, if nobody else reads its source, or if it hands on the raw input."""
    if node in links or links.count(links[node - 1]) == 1:
        return True
    while node and operations[node - 1] == "skip":
        node = links[node - 1]
    return node == 0


def _to_front(node: int, links: Links, operations: Operations) -> GraphCell:
    """Between the input and everything else; who read the skip now reads what it read."""
    source = links[node - 1]
    bypassed = [source if link == node else link for link in links]
    shifted = [link + 1 if link < node else link for link in bypassed]
    del shifted[node - 1]
    moved = (operations[node - 1], *operations[: node - 1], *operations[node:])
    return (0, *shifted), moved
