"""One way from a user's arrays to a network's images, for training and for every later image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from evonas.core.errors import EvonasError
from evonas.domains.as_array import as_array
from evonas.domains.images.framing import Frame
from evonas.domains.images.later import Training, are_pictures, read_any
from evonas.domains.images.layout import Channels, Shape, channels_last, find_channels, fit
from evonas.domains.images.pixels import PixelScale


@dataclass(frozen=True)
class ImageReader:
    """Reads arrays as the training images were read: the same size, the same axis of channels, the same scale.

    `shape` is (height, width, channels). `frame` says how pictures of other sizes come to it; without one they are
    refused. `deep` is the scale of pictures of more than 8 bits a channel, where some among others were trained on.
    All of it is stored with the network.
    """

    shape: Shape
    channels: Channels = "last"
    scale: PixelScale = field(default_factory=PixelScale)
    frame: Frame | None = None
    deep: PixelScale | None = None

    @classmethod
    def of(cls, images: Any, what: str, channels: Channels | None = None) -> tuple[Self, np.ndarray, list[str]]:
        """The reader that training images of any type call for, those images as it reads them, and what was clipped.

        Raises EvonasError, one line, where shape or values are not valid, or the axis of channels is not clear.
        """
        if channels not in (None, "first", "last"):
            raise EvonasError(f"channels is {channels!r}; give 'first' or 'last', or nothing where the shape tells it")
        array = as_array(images, what)
        order = channels or find_channels(array.shape, hasattr(images, "detach"), what)
        array = channels_last(array, order, what)
        height, width, depth = array.shape[1:]
        reader = cls((height, width, depth), order, PixelScale.of(array, what))
        read, clipped = reader.scale.read(array, what)
        return reader, read, [clipped] if clipped else []

    def batch(self, images: Any, what: str, beside: str | None = None) -> tuple[np.ndarray, list[str]]:
        """(n, height, width, channels) uint8 of (n, …) images or of a single one, and what was clipped.

        Also of pictures' paths or of Pillow images, one or a list, in grey or in colour, and with a frame of pictures
        of any size (`read_any`). `beside` names the training images in a message. Raises EvonasError where size or
        values are not theirs.
        """
        if self.frame is not None or are_pictures(images):
            return read_any(Training(self.shape, self.channels, self.scale, self.frame, self.deep), images, what)
        array = as_array(images, what)
        held = fit(array, self.shape, self.channels)
        if held is None:
            raise EvonasError(self._other_shape(array.shape, what, beside))
        read, clipped = self.scale.read(held, what, beside)
        return read, [clipped] if clipped else []

    def description(self) -> dict[str, Any]:
        """JSON values: all but the shape. `from_description` makes the reader again."""
        frame = {} if self.frame is None else {"frame": self.frame.description()}
        deep = {} if self.deep is None else {"deep": asdict(self.deep)}
        return {"channels": self.channels, "scale": asdict(self.scale), **frame, **deep}

    @classmethod
    def from_description(cls, shape: Shape, values: Mapping[str, Any]) -> Self:
        """Raises ValueError, TypeError or KeyError where the values describe no reader."""
        if values["channels"] not in ("first", "last"):
            raise ValueError(f"channels {values['channels']!r}")
        framed = values.get("frame")
        frame = None if framed is None else Frame.from_description(shape[0], shape[1], framed)
        deep = values.get("deep")
        scale = PixelScale(**values["scale"])
        return cls(shape, values["channels"], scale, frame, None if deep is None else PixelScale(**deep))

    def _other_shape(self, shape: tuple[int, ...], what: str, beside: str | None) -> str:
        height, width, depth = self.shape
        if beside:
            other = (*shape[1:], 1) if len(shape) == 3 else shape[1:]
            return f"{beside} has images of {self.shape}, but {what} images of {other}; give both one size"
        wanted = f"(n, {height}, {width}{'' if depth == 1 else f', {depth}'})"
        return f"cannot predict for images of shape {shape}; this network wants {wanted}"
