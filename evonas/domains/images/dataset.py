"""A data set of images in memory, whole and split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from evonas.core.types import Task


@dataclass(frozen=True)
class Images:
    """A whole data set as it was loaded, before any split.

    `x` (n, height, width, channels) uint8 and `y` (n,) int64 are what may be learned from; `x_test`, `y_test` are
    touched once, at the end. `flip` says whether a mirrored image keeps its class (photographs: yes; digits: no).
    """

    name: str
    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    flip: bool = False


@dataclass(frozen=True)
class Split:
    """What one run works with: uint8 images (n, height, width, channels), int64 labels (n,), and the task they make."""

    task: Task
    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    flip: bool = False
