"""Shapes: a coloured figure, turned and placed at random, on a coloured ground with dots; the label is its kind.

A mirrored or turned figure is of the same kind; colours, sizes and places tell nothing.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from evonas.domains.images.made.made_set import Pool

SIZE = 32
RADII = (6.0, 11.0)  # of a figure, pixels
DOTS, DOT_RADII = 3, (1.0, 2.0)
APART = 0.4  # least distance of a figure's colour to both of the ground's, in the unit cube
NOISE = 0.04  # deviation, of 1 for white
AT_ONCE = 2048

Figure = Callable[[np.ndarray, np.ndarray], np.ndarray]


def draw_shapes(rng: np.random.Generator, labels: np.ndarray, pool: Pool | None) -> np.ndarray:
    """(n, 3, 32, 32) uint8."""
    pieces = [_draw(rng, labels[start : start + AT_ONCE]) for start in range(0, len(labels), AT_ONCE)]
    return np.concatenate(pieces)


def figures() -> dict[str, Figure]:
    """Of each kind how far a point (u, v) lies outside (below 0: inside), about in units of the figure's radius."""

    def triangle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        return np.max([u * np.cos(a) + v * np.sin(a) for a in 2 * np.pi / 3 * np.arange(3)], axis=0) - 0.5

    def plus(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        u, v = abs(u), abs(v)
        return np.minimum(np.maximum(u - 0.95, v - 0.27), np.maximum(u - 0.27, v - 0.95))

    def star(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        turn = np.arctan2(v, u) * 5 / (2 * np.pi) % 1
        return np.hypot(u, v) - 0.35 - 1.3 * abs(turn - 0.5)

    return {
        "disc": lambda u, v: np.hypot(u, v) - 0.8,
        "ring": lambda u, v: abs(np.hypot(u, v) - 0.72) - 0.2,
        "square": lambda u, v: np.maximum(abs(u), abs(v)) - 0.7,
        "triangle": triangle,
        "plus": plus,
        "star": star,
        "crescent": lambda u, v: np.maximum(np.hypot(u, v) - 0.9, 0.75 - np.hypot(u - 0.5, v)),
        "two discs": lambda u, v: np.hypot(abs(u) - 0.55, v) - 0.38,
    }


def _draw(rng: np.random.Generator, labels: np.ndarray) -> np.ndarray:
    n = len(labels)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)[:, None]
    ground, other, figure = _colours(rng, n)
    slope = _waves(rng, n, x, y)[:, None]
    image = ground[..., None, None] * (1 - slope) + other[..., None, None] * slope
    for _ in range(DOTS):
        at, radius = _between(rng, 0, SIZE, 2, n), _between(rng, *DOT_RADII, n)
        _lay(image, np.hypot(x - at[0], y - at[1]) - radius, rng.random((n, 3), np.float32))
    radius, turn = _between(rng, *RADII, n), _between(rng, 0, 2 * np.pi, n)
    at = radius + _between(rng, 0, 1, 2, n) * (SIZE - 1 - 2 * radius)
    u = ((x - at[0]) * np.cos(turn) + (y - at[1]) * np.sin(turn)) / radius
    v = ((y - at[1]) * np.cos(turn) - (x - at[0]) * np.sin(turn)) / radius
    outside = np.empty((n, SIZE, SIZE), np.float32)
    for label, form in enumerate(figures().values()):
        own = labels == label
        outside[own] = form(u[own], v[own])
    _lay(image, outside * radius, figure)
    image += NOISE * rng.standard_normal(image.shape, np.float32)
    return np.rint(np.clip(image, 0, 1) * 255).astype(np.uint8)


def _between(rng: np.random.Generator, low: float, high: float, *shape: int) -> np.ndarray:
    """(*shape, 1, 1) float32: twice as fast as float64 here, where nothing needs more."""
    return np.float32(low) + np.float32(high - low) * rng.random((*shape, 1, 1), np.float32)


def _lay(image: np.ndarray, outside: np.ndarray, colour: np.ndarray) -> None:
    """Paint over (n, 3, height, width) what lies inside, with half a pixel of soft edge."""
    cover = np.clip(0.5 - outside, 0, 1)[:, None]
    image += cover * (colour[..., None, None] - image)


def _waves(rng: np.random.Generator, n: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """(n, height, width) from 0 to 1, of any length and direction: how much of the second colour the ground has."""
    turn, length, phase = _between(rng, 0, 2 * np.pi, n), _between(rng, 8, 64, n), _between(rng, 0, 2 * np.pi, n)
    return np.float32(0.5) + np.float32(0.5) * np.sin(
        2 * np.pi * (x * np.cos(turn) + y * np.sin(turn)) / length + phase
    )


def _colours(rng: np.random.Generator, n: int) -> np.ndarray:
    """(3, n, 3): two of the ground, and one of the figure that is unlike all between them."""
    colours = rng.random((3, n, 3), np.float32)
    alike = np.arange(n)
    while len(alike):
        ground, other, figure = colours[:, alike]
        along = ((figure - ground) * (other - ground)).sum(1) / ((other - ground) ** 2).sum(1)
        nearest = ground + np.clip(along, 0, 1)[:, None] * (other - ground)
        alike = alike[np.linalg.norm(figure - nearest, axis=1) < APART]
        colours[:, alike] = rng.random((3, len(alike), 3), np.float32)
    return colours
