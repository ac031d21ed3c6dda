"""Images as a finished network reads them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from evonas.core.errors import EvonasError
from evonas.domains import network
from evonas.domains.images.reader import ImageReader


@dataclass(frozen=True)
class Network(network.Network):
    """A network of images: what `evonas.search(x, y)` took as `x`, `predict(x)` takes, with the same meaning.

    (n, height, width[, channels]), channels first too, or one image. A network of a folder's pictures takes pictures
    of any size too, as arrays, paths or Pillow images, one or a list: they are padded, cropped or stretched as the
    training pictures were. Without a record of how the training images were read (of a version before), images are
    bytes, or floats from 0 to 1.
    """

    def read(self, examples: Any) -> torch.Tensor:
        """(n, channels, height, width) from 0 to 255. Warns where values were clipped, or colour pictures made grey.

        Raises EvonasError where their size is not `input_shape` (channels, height, width) and the record has no frame,
        or their values are not on the scale of the training images.
        """
        array, clipped = self._reader().batch(examples, "the batch")
        for line in clipped:
            warnings.warn(line, stacklevel=4)  # where `predict` was called
        return torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, -1, 1)))

    def _reader(self) -> ImageReader:
        channels, height, width = self.input_shape
        shape = (height, width, channels)
        if not self.preprocessing.reading:
            return ImageReader(shape)
        try:
            return ImageReader.from_description(shape, self.preprocessing.reading)
        except (ValueError, TypeError, KeyError) as error:
            raise EvonasError(f"the network's record of how images are read is damaged: {error!r}") from error
