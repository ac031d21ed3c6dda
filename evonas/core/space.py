"""What there is to choose in an encoding: genes with their choices, conditions and bounds."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod
from typing import Any, Generic

from evonas.core.errors import EvonasError
from evonas.core.types import G

Choice = tuple[int, ...]  # for each gene the index of what is chosen


@dataclass(frozen=True)
class Gene:
    """A named choice.

    Args:
        name: distinct within its space.
        choices: what may be chosen; at least one, all different.
        condition: (name of an earlier gene, its values) for which this gene has an effect; None: always.
    """

    name: str
    choices: tuple[Hashable, ...]
    condition: tuple[str, tuple[Hashable, ...]] | None = None

    @property
    def ordered(self) -> bool:
        """Whether the choices are more than two rising numbers, so that neighbours are alike."""
        numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in self.choices)
        return len(self.choices) > 2 and numbers and list(self.choices) == sorted(self.choices)  # type: ignore[type-var]

    @property
    def bounds(self) -> tuple[float, float] | None:
        """The lowest and the highest choice of an ordered gene; None for others."""
        return (float(self.choices[0]), float(self.choices[-1])) if self.ordered else None  # type: ignore[arg-type]


@dataclass(frozen=True)
class Space(Generic[G]):
    """The genes of an encoding, and how their values make a genome.

    Args:
        genes: in a fixed order; a gene's condition names one before it.
        join: (genes,) values -> a genome.
        split: a genome -> its (genes,) values. Joined again they make the same network.

    Raises EvonasError where genes repeat a name or a choice, or a condition names no value of an earlier gene.
    """

    genes: tuple[Gene, ...]
    join: Callable[[Sequence[Any]], G]
    split: Callable[[G], Sequence[Any]]

    def __post_init__(self) -> None:
        before: dict[str, Gene] = {}
        for gene in self.genes:
            if gene.name in before or not gene.choices or len(set(gene.choices)) < len(gene.choices):
                raise EvonasError(f"gene {gene.name!r} needs a name of its own and choices that differ: {gene.choices}")
            if gene.condition is not None:
                name, values = gene.condition
                if name not in before or not values or not set(values) <= set(before[name].choices):
                    raise EvonasError(f"gene {gene.name!r} depends on {gene.condition}, no values of an earlier gene")
            before[gene.name] = gene

    @property
    def names(self) -> list[str]:
        return [gene.name for gene in self.genes]

    @property
    def sizes(self) -> list[int]:
        """How many choices each gene has."""
        return [len(gene.choices) for gene in self.genes]

    @property
    def combinations(self) -> int:
        """How many choices there are of all genes together, those without an effect included."""
        return prod(self.sizes)

    def active(self, values: Mapping[str, Any]) -> list[bool]:
        """(genes,) whether each has an effect, given all values by name."""
        found: dict[str, bool] = {}
        for gene in self.genes:
            name, wanted = gene.condition or (None, ())
            found[gene.name] = name is None or (found[name] and values[name] in wanted)
        return list(found.values())

    def genome(self, choice: Sequence[int]) -> G:
        """The genome of (genes,) indices. A gene without an effect gets its first choice, whatever its index is."""
        values = [gene.choices[i] for gene, i in zip(self.genes, choice, strict=True)]
        active = self.active(dict(zip(self.names, values, strict=True)))
        chosen = zip(self.genes, values, active, strict=True)
        return self.join([value if has_effect else gene.choices[0] for gene, value, has_effect in chosen])

    def choice(self, genome: G) -> Choice:
        """(genes,) indices of a genome's choices. Raises EvonasError where the genome is none of the space."""
        try:
            values = self.split(genome)
            return tuple(gene.choices.index(value) for gene, value in zip(self.genes, values, strict=True))
        except (ValueError, TypeError, IndexError):
            there = {gene.name: gene.choices for gene in self.genes}
            raise EvonasError(f"{genome!r} is no genome of this space; its genes are {there}") from None

    def free(self) -> Space[G]:
        """The genes with more than one choice; the others are filled in.

        Raises EvonasError where there are none.
        """
        kept = tuple(i for i, gene in enumerate(self.genes) if len(gene.choices) > 1)
        if not kept:
            raise EvonasError(f"the genes {', '.join(self.names)} have one choice each; there is nothing to search")
        if len(kept) == len(self.genes):
            return self
        first = tuple(gene.choices[0] for gene in self.genes)
        genes = tuple(Gene(self.genes[i].name, self.genes[i].choices, self._open_condition(i)) for i in kept)
        return Space(genes, partial(_filled, self.join, first, kept), partial(_picked, self.split, kept))

    def _open_condition(self, place: int) -> tuple[str, tuple[Hashable, ...]] | None:
        """A gene's condition; one on a gene with a single choice always holds, so that gene's own counts instead."""
        by_name = {gene.name: gene for gene in self.genes}
        condition = self.genes[place].condition
        while condition is not None and len(by_name[condition[0]].choices) == 1:
            condition = by_name[condition[0]].condition
        return condition


def _filled(join: Callable[[Sequence[Any]], Any], first: tuple, kept: Sequence[int], values: Sequence[Any]) -> Any:
    every = list(first)
    for i, value in zip(kept, values, strict=True):
        every[i] = value
    return join(every)


def _picked(split: Callable[[Any], Sequence[Any]], kept: Sequence[int], genome: Any) -> list[Any]:
    values = split(genome)
    return [values[i] for i in kept]
