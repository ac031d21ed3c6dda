"""Spectra: one row of 256 values with a pair of narrow lines; the label is their distance and which is the taller.

Where they lie, lower lines, broad humps and a sloping baseline tell nothing. A line is as tall as it stands out.
"""

from __future__ import annotations

import numpy as np

from evonas.domains.images.made.made_set import Pool

WIDTH = 256
SPACINGS = (10, 12, 14, 16, 18)  # points between both lines
NARROW, BROAD = (1.2, 1.8), (8.0, 16.0)  # standard deviations of lines and of humps, points
LOWER, OTHERS, HUMPS = 0.8, (0.25, 0.4), (0.2, 0.8)  # heights; 1 is the taller line's
NOISE = 0.05  # deviation
EDGE = 8  # points between the pair and an end, and between it and other lines


def draw_spectra(rng: np.random.Generator, labels: np.ndarray, pool: Pool | None) -> np.ndarray:
    """(n, 1, 1, 256) float32, each from 0 to 1. Labels: twice the spacing's number, + 1 if the right line is taller."""
    n = len(labels)
    spacing, right_taller = np.array(SPACINGS)[labels // 2], labels % 2 == 1
    first = rng.uniform(EDGE, WIDTH - EDGE - spacing, n)
    others = rng.uniform(0, WIDTH - spacing - 2 * EDGE, (2, n))  # around the pair, which is then put in between
    others += np.where(others > first - EDGE, spacing + 2 * EDGE, 0)
    places = np.stack([first, first + spacing, *others], axis=1)
    pair = np.where(right_taller[:, None] == np.array([False, True]), 1.0, LOWER)
    heights = np.concatenate([pair, rng.uniform(*OTHERS, (n, 2))], axis=1)
    lines = _bells(places, np.repeat(rng.uniform(*NARROW, (n, 1)), 4, axis=1), heights)
    humps = _bells(*(rng.uniform(*ends, (n, 3)) for ends in ((0, WIDTH), BROAD, HUMPS)))
    along = np.linspace(-1, 1, WIDTH)
    baseline = rng.uniform(-0.3, 0.3, (n, 1)) * along + rng.uniform(-0.3, 0.3, (n, 1)) * along**2
    spectra = lines + humps + baseline + rng.normal(0, NOISE, (n, WIDTH))
    least, most = spectra.min(1, keepdims=True), spectra.max(1, keepdims=True)
    return ((spectra - least) / (most - least)).astype(np.float32)[:, None, None]


def _bells(places: np.ndarray, widths: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """(n, 256): the sum of the Gaussians of (n, k) parameters."""
    along = np.arange(WIDTH)
    bells = [
        np.exp(-0.5 * ((along - p[:, None]) / w[:, None]) ** 2) * h[:, None]
        for p, w, h in zip(places.T, widths.T, heights.T, strict=True)
    ]
    return np.sum(bells, axis=0)
