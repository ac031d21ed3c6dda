"""An encoding as other optimizers want it: so many parameters with so many choices each."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any

from evonas.core.errors import EvonasError
from evonas.core.types import Encoding
from evonas.encodings.cell import EDGES, OPERATIONS, CellEncoding, cell_string, parse
from evonas_benchmarks.tables import graph_cell
from evonas_benchmarks.tables.graph_cell import GraphCellEncoding

Choice = tuple[int, ...]  # for each parameter the index of what is chosen


@dataclass(frozen=True)
class Space:
    """Parameters that have at least two choices each, in the order of a genome's genes.

    Args:
        choices: for each parameter its choices.
        ordered: for each parameter whether the choices are rising numbers, so that neighbours are alike.
        join: (parameters,) choices -> a genome.
        split: a genome -> its (parameters,) choices.
    """

    choices: Sequence[Sequence[Hashable]]
    ordered: Sequence[bool]
    join: Callable[[Sequence[Any]], Any]
    split: Callable[[Any], Sequence[Any]]

    @property
    def names(self) -> list[str]:
        """Plain names: every optimizer takes them."""
        return [f"x{i}" for i in range(len(self.choices))]

    @property
    def sizes(self) -> list[int]:
        return [len(options) for options in self.choices]

    @property
    def combinations(self) -> int:
        return prod(self.sizes)

    def genome(self, choice: Sequence[int]) -> Any:
        return self.join([options[i] for options, i in zip(self.choices, choice, strict=True)])

    def choice(self, genome: Any) -> Choice:
        """Raises EvonasError where the genome is none of the space."""
        try:
            values = self.split(genome)
            return tuple(options.index(value) for options, value in zip(self.choices, values, strict=True))
        except (ValueError, TypeError, IndexError):
            raise EvonasError(f"{genome!r} is no genome of this space; its genes are {self.choices}") from None


def space_of(encoding: Encoding[Any]) -> Space:
    """The parameters of an encoding with genes, of `cell`, of `graph-cell`, or of a wrapper around one of these.

    Raises EvonasError where the encoding has none, or nothing is left to choose.
    """
    if isinstance(encoding, CellEncoding):
        return Space((OPERATIONS,) * len(EDGES), (False,) * len(EDGES), cell_string, parse)
    if isinstance(encoding, GraphCellEncoding):
        return _graph_cells(encoding)
    genes = getattr(encoding, "genes", None)
    if isinstance(genes, Mapping) and genes:
        return _genes({name: tuple(options) for name, options in genes.items()})
    inner = getattr(encoding, "encoding", None)
    if inner is not None:
        return space_of(inner)
    raise EvonasError(
        f"peers need an encoding with genes, and {type(encoding).__name__} has none; "
        "give 'cell', 'macro', or a CategoricalEncoding of your own"
    )


def _genes(genes: Mapping[str, tuple]) -> Space:
    """A genome is the tuple of its choices; genes with a single choice are filled in."""
    every = list(genes.values())
    free = [i for i, options in enumerate(every) if len(options) > 1]
    if not free:
        raise EvonasError(f"the genes {', '.join(genes)} have one choice each; there is nothing to search")

    choices = [every[i] for i in free]
    first = tuple(options[0] for options in every)
    return Space(
        choices, [_rises(options) for options in choices], partial(_filled, first, free), partial(_picked, free)
    )


def _filled(genome: tuple, free: Sequence[int], values: Sequence[Any]) -> tuple:
    """The genome with the values at the free places."""
    filled = list(genome)
    for i, value in zip(free, values, strict=True):
        filled[i] = value
    return tuple(filled)


def _picked(free: Sequence[int], genome: tuple) -> list[Any]:
    return [genome[i] for i in free]


def _rises(options: Sequence[Any]) -> bool:
    """More than two numbers, each above the one before."""
    numbers = all(isinstance(option, int | float) and not isinstance(option, bool) for option in options)
    return len(options) > 2 and numbers and list(options) == sorted(options)


def _graph_cells(encoding: GraphCellEncoding) -> Space:
    """The shape, one of the nine that the benchmark samples from, and the operation of each of its four nodes."""
    shapes = sorted({graph_cell.canonical((links, ("gat",) * 4))[0] for links in graph_cell.ALL_LINKS})

    return Space(
        (shapes, *(encoding.operations,) * len(graph_cell.NODES)),
        (False,) * (1 + len(graph_cell.NODES)),
        _graph_cell,
        partial(_parameters, encoding),
    )


def _graph_cell(values: Sequence[Any]) -> graph_cell.GraphCell:
    return values[0], tuple(values[1:])


def _parameters(encoding: GraphCellEncoding, genome: graph_cell.GraphCell) -> list[Any]:
    links, operations = encoding.canonical(genome)
    return [links, *operations]
