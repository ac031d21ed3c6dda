"""A data set of images in memory, whole and split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from evonas.domains.splitting import ArraySplit

if TYPE_CHECKING:
    from evonas.training.data import DeviceData, Preprocessing


@dataclass(frozen=True)
class Images:
    """A whole data set as it was loaded, before any split.

    `x` (n, height, width, channels) uint8 and `y` (n,) int64 are what may be learned from; `x_test`, `y_test` are
    touched once, at the end. `flip` says whether a mirrored image keeps its class (photographs: yes; digits: no).
    """

    domain: ClassVar[str] = "images"

    name: str
    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    flip: bool = False


@dataclass(frozen=True)
class Split(ArraySplit):
    """What one run works with: uint8 images (n, height, width, channels), int64 labels (n,), and the task they make."""

    flip: bool = False

    def preprocessing(self) -> Preprocessing:
        """Mean and deviation of the training images' channels."""
        from evonas.training.data import Preprocessing

        return Preprocessing.of(self.x_train)

    def put(
        self, x: np.ndarray, y: np.ndarray, preprocessing: Preprocessing, device: str, augmented: bool
    ) -> DeviceData:
        """Images of this split on a device; those that are augmented get a border to be shifted in."""
        from evonas.training.data import DeviceData, crop_padding

        padding = crop_padding(min(self.task.input_shape[1:])) if augmented else 0
        return DeviceData.put(x, y, preprocessing, device, padding)
