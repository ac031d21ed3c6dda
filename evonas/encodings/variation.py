"""Mutation of genes: one for certain, the others rarely, and of rising numbers the neighbours first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evonas.core.space import Gene

NEIGHBOUR = 0.75  # chance that a gene of rising numbers moves by one place, and not to any other


def mutated(
    genes: Sequence[Gene], values: Sequence[Any], certain: Sequence[int], rng: np.random.Generator
) -> tuple[Any, ...]:
    """The values with one gene out of the places `certain` changed, and each other one with chance 1 / genes.

    A gene with one choice stays; without a place that could change, so do all.
    """
    free = [place for place in certain if len(genes[place].choices) > 1]
    chosen = free[int(rng.integers(len(free)))] if free else None
    chances = rng.random(len(genes)) < 1 / len(genes)
    return tuple(
        another(gene, value, rng) if place == chosen or (chances[place] and chosen is not None) else value
        for place, (gene, value) in enumerate(zip(genes, values, strict=True))
    )


def another(gene: Gene, value: Any, rng: np.random.Generator) -> Any:
    """A choice other than `value`; the same where there is none."""
    place = gene.choices.index(value)
    others = [choice for choice in gene.choices if choice != value]
    if gene.ordered and rng.random() < NEIGHBOUR:
        others = [gene.choices[near] for near in (place - 1, place + 1) if 0 <= near < len(gene.choices)]
    return others[int(rng.integers(len(others)))] if others else value
