"""Images as a finished network reads them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from evonas.core.errors import EvonasError, choices
from evonas.domains import network
from evonas.domains.images.framing import FITS, Fit, Frame
from evonas.domains.images.reader import ImageReader
from evonas.domains.images.walking import pictures_below


@dataclass(frozen=True)
class Network(network.Network):
    """A network of images: what `evonas.search(x, y)` took as `x`, `predict(x)` takes, with the same meaning.

    (n, height, width[, channels]), channels first too, or one image; also paths or Pillow images, one or a list. A
    network of a folder's pictures takes arrays, paths and Pillow images of any size: they are padded, cropped or
    stretched as the training pictures were; one of arrays does so where `framed` says how. Without a record of how the
    training images were read (of a version before), images are bytes, or floats from 0 to 1.
    """

    @property
    def values(self) -> str:
        scale = self._reader().scale
        span = f"{scale.high - scale.low:g}"
        made = "" if scale.takes_pictures else f", of training values rint((value - {scale.low:g}) * 255 / {span})"
        return f"(n, {', '.join(map(str, self.input_shape))}) floats, pixels from 0 to 255{made}"

    def read(self, examples: Any) -> torch.Tensor:
        """(n, channels, height, width) from 0 to 255. Warns where values were clipped, or colour pictures made grey.

        Raises EvonasError where their size is not `input_shape` (channels, height, width) and the record has no frame,
        or their values are not on the scale of the training images.
        """
        array, clipped = self._reader().batch(examples, "the batch")
        for line in clipped:
            warnings.warn(line, stacklevel=4)  # where `predict` was called
        return torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, -1, 1)))

    def framed(self, fit: Fit) -> Self:
        """A network that takes pictures of any size: `pad` fills up with black, `crop` keeps the middle, `stretch`
        changes the shape. For one whose training images were arrays of one size.

        Raises EvonasError where there is no such way, or the training pictures came to their size in another one.
        """
        reader = self._reader()
        if fit not in FITS:
            raise EvonasError(f"fit is {fit!r}; give one of {choices(FITS)}")
        if reader.frame is not None and reader.frame.fit != fit:
            raise EvonasError(
                f"fit is {fit!r}, but this network's training pictures came to their size by {reader.frame.fit!r}, and "
                "so do later ones; leave it out"
            )
        frame = reader.frame or Frame(*reader.shape[:2], fit)
        reading = replace(reader, frame=frame).description()
        return replace(self, preprocessing=replace(self.preprocessing, reading=reading))

    def files(self, folder: Path) -> tuple[Sequence[Path], Sequence[str]]:
        """The pictures below a folder, sorted, and what was passed over, a line each."""
        return pictures_below(folder)

    def standalone_reader(self) -> tuple[str, Mapping[str, Any]]:
        from evonas.domains.standalone import below_the_line

        reader = self._reader()
        scale, frame = reader.scale, reader.frame
        deep = reader.deep if scale.words == "bytes" else scale
        constants = {"PLAIN": scale.takes_pictures or scale.words == "bytes", "VALUES": astuple(scale)}
        constants |= {
            "DEEP": deep and astuple(deep),
            "FIT": frame.fit if frame else "",
            "GROUND": frame.ground if frame else 0,
        }
        return below_the_line("images/standalone_reader.py"), constants

    def _reader(self) -> ImageReader:
        channels, height, width = self.input_shape
        shape = (height, width, channels)
        if not self.preprocessing.reading:
            return ImageReader(shape)
        try:
            return ImageReader.from_description(shape, self.preprocessing.reading)
        except (ValueError, TypeError, KeyError) as error:
            raise EvonasError(f"the network's record of how images are read is damaged: {error!r}") from error
