"""Spectra: one row of 256 values with two narrow lines; the label is how far they are apart and which is the taller.

Where they lie, how tall they are, broad humps and a sloping baseline tell nothing.
"""

from __future__ import annotations

import numpy as np

from evonas.domains.images.made.recipe import Pool

WIDTH = 256
SPACINGS = (10, 15, 20, 25)  # points between both lines
NARROW, BROAD = (1.2, 1.8), (8.0, 16.0)  # standard deviations of lines and of humps, points
HUMPS, LOWER, NOISE = 3, 0.55, 0.02  # the lower line and the noise as shares of the taller line
EDGE = 8


def draw_spectra(rng: np.random.Generator, labels: np.ndarray, pool: Pool | None) -> np.ndarray:
    """(n, 1, 1, 256) float32. The label is twice the spacing's number, and one more where the right line is taller."""
    n = len(labels)
    spacing, right_taller = np.array(SPACINGS)[labels // 2], labels % 2 == 1
    first = rng.uniform(EDGE, WIDTH - EDGE - spacing, n)
    places = np.stack([first, first + spacing], axis=1)
    heights = np.where(right_taller[:, None] == np.array([False, True]), 1.0, LOWER)
    lines = _bells(places, np.repeat(rng.uniform(*NARROW, (n, 1)), 2, axis=1), heights)
    shape = (n, HUMPS)
    humps = _bells(rng.uniform(0, WIDTH, shape), rng.uniform(*BROAD, shape), rng.uniform(0.2, 0.8, shape))
    along = np.linspace(-1, 1, WIDTH)
    baseline = rng.uniform(-0.3, 0.3, (n, 1)) * along + rng.uniform(-0.3, 0.3, (n, 1)) * along**2
    spectra = lines + humps + baseline + rng.normal(0, NOISE, (n, WIDTH))
    return (rng.uniform(0.5, 1.0, (n, 1)) * spectra).astype(np.float32)[:, None, None]


def _bells(places: np.ndarray, widths: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """(n, 256): the sum of the Gaussians of (n, k) parameters."""
    along = np.arange(WIDTH)
    bells = [
        np.exp(-0.5 * ((along - p[:, None]) / w[:, None]) ** 2) * h[:, None]
        for p, w, h in zip(places.T, widths.T, heights.T, strict=True)
    ]
    return np.sum(bells, axis=0)
