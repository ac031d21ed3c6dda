"""What a made data set is: how images of given labels are drawn, and out of what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pool:
    """Images that others are made of: (n, height, width, channels) uint8, and (n,) int64 labels from 0."""

    x: np.ndarray
    y: np.ndarray

    def draw(self, rng: np.random.Generator, labels: np.ndarray) -> np.ndarray:
        """Positions of an image of each label, drawn with replacement; of the shape of `labels`."""
        by_label = np.argsort(self.y, kind="stable")
        counts = np.bincount(self.y, minlength=int(labels.max()) + 1)
        starts = np.cumsum(counts) - counts
        return by_label[starts[labels] + rng.integers(counts[labels])]


Draw = Callable[[np.random.Generator, np.ndarray, Pool | None], np.ndarray]
"""(n, channels, height, width) images of (n,) labels: bytes, of which 255 is written as 1, or float32 as written."""


@dataclass(frozen=True)
class MadeSet:
    """A data set that can be made at any size.

    Args:
        name: on the command line, and of its folder.
        codename: in its metadata; the published one where there is one.
        shape: (channels, height, width).
        label: what the label of an image says.
        draw: images of given labels. No image determines another label than its own.
        sources: what its images are made of; sets that share one must not teach about each other.
        needs: the torchvision set whose images `draw` gets, where it gets any.
        benchmark: published test accuracy of a ResNet-18, in percent.
        version: of how it is made; one that makes other images of the same seed has the next.
    """

    name: str
    codename: str
    classes: int
    shape: tuple[int, int, int]
    label: str
    draw: Draw
    sources: tuple[str, ...]
    needs: str | None = None
    benchmark: float | None = None
    version: int = 1
