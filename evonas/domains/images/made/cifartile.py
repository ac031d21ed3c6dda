"""CIFARTile: four CIFAR-10 images in a square, and the label is how many classes are among them, less one."""

from __future__ import annotations

from itertools import product

import numpy as np

from evonas.domains.images.made.made_set import Pool

TILES = 4


def draw_cifartile(rng: np.random.Generator, labels: np.ndarray, pool: Pool | None) -> np.ndarray:
    """(n, 3, 64, 64) uint8. Which classes they are, and in which of the tiles, is equally likely for all."""
    assert pool is not None
    patterns = np.array(list(product(range(TILES), repeat=TILES)))
    distinct = np.array([len(set(pattern)) for pattern in patterns.tolist()])
    own = np.array([pattern.max() + 1 for pattern in patterns]) == distinct  # numbers 0, 1, … without a gap
    by_label = Pool(patterns[own], distinct[own] - 1)
    pattern = by_label.x[by_label.draw(rng, labels)]
    classes = rng.permuted(np.tile(np.arange(10), (len(labels), 1)), axis=1)
    tiles = pool.draw(rng, np.take_along_axis(classes, pattern, axis=1))
    images = np.empty((len(labels), 3, 64, 64), np.uint8)
    for tile in range(TILES):
        down, right = divmod(tile, 2)
        place = images[:, :, 32 * down : 32 * down + 32, 32 * right : 32 * right + 32]
        place[...] = np.moveaxis(pool.x[tiles[:, tile]], -1, 1)
    return images
