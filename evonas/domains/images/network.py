"""Images as a finished network reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from evonas.core.errors import EvonasError
from evonas.domains import network


@dataclass(frozen=True)
class Network(network.Network):
    """A network of images: uint8 (0 to 255) or floats (0 to 1), (n, height, width[, channels]), channels first too, or
    one image."""

    def read(self, examples: Any) -> torch.Tensor:
        """(n, channels, height, width) from 0 to 255.

        Raises EvonasError where their size is not `input_shape` (channels, height, width), or their values are not
        valid.
        """
        array = np.asarray(examples.detach().cpu() if hasattr(examples, "detach") else examples)
        channels, height, width = self.input_shape
        whole = array.shape[-3:] == (height, width, channels) or array.shape[-3:] == (channels, height, width)
        if channels == 1 and not (array.ndim >= 3 and whole):
            array = array[..., None]
        if array.ndim == 3:
            array = array[None]
        if array.ndim == 4 and array.shape[1:] == (height, width, channels):
            array = np.moveaxis(array, -1, 1)
        if array.ndim != 4 or array.shape[1:] != self.input_shape:
            raise EvonasError(
                f"cannot predict for images of shape {np.shape(examples)}; this network wants (n, {height}, {width}"
                f"{'' if channels == 1 else f', {channels}'})"
            )
        return torch.from_numpy(np.ascontiguousarray(_pixels(array)))


def _pixels(array: np.ndarray) -> np.ndarray:
    """From 0 to 255. Raises EvonasError where values are neither that, nor floats from 0 to 1."""
    if array.dtype == np.uint8 or array.size == 0:
        return array
    if array.dtype.kind not in "fiu":
        raise EvonasError(f"the image holds {array.dtype} values; give uint8, or floats from 0 to 1")
    low, high, most = float(array.min()), float(array.max()), 1 if array.dtype.kind == "f" else 255
    if not (low >= 0 and high <= most):
        what = "NaN" if np.isnan(low) else f"values to {high:g}" if high > most else f"values from {low:g}"
        raise EvonasError(f"the image holds {what}; give uint8, or floats from 0 to 1")
    return array.astype(np.float32) * (255 // most)
