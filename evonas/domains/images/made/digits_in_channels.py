"""AddNIST and MultNIST: three MNIST digits are the channels of an image, and the label is what they make together."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from math import prod

import numpy as np

from evonas.domains.images.made.made_set import Pool


def add(digits: tuple[int, int, int]) -> int:
    """Their sum - 1; those from 0 to 19 are classes."""
    return sum(digits) - 1


def multiply(digits: tuple[int, int, int]) -> int:
    """Their product's last digit."""
    return prod(digits) % 10


def draw_addnist(rng: np.random.Generator, labels: np.ndarray, pool: Pool | None) -> np.ndarray:
    """(n, 3, 28, 28) uint8; all triples of digits with that sum are as likely."""
    return _draw(rng, labels, pool, add)


def draw_multnist(rng: np.random.Generator, labels: np.ndarray, pool: Pool | None) -> np.ndarray:
    """(n, 3, 28, 28) uint8; all triples of digits with that last digit of their product are as likely."""
    return _draw(rng, labels, pool, multiply)


def _draw(
    rng: np.random.Generator, labels: np.ndarray, pool: Pool | None, rule: Callable[[tuple[int, int, int]], int]
) -> np.ndarray:
    assert pool is not None
    every = [(a, b, c) for a, b, c in product(range(10), repeat=3)]
    triples = [triple for triple in every if rule(triple) >= 0]
    by_label = Pool(np.array(triples), np.array([rule(triple) for triple in triples]))
    digits = by_label.x[by_label.draw(rng, labels)]
    return pool.x[pool.draw(rng, digits), :, :, 0]
