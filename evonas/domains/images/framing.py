"""How a picture of any size becomes an image of one size: padded, cropped or stretched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

import numpy as np

Fit = Literal["pad", "crop", "stretch"]
FITS: tuple[Fit, ...] = get_args(Fit)
DOING = {"pad": "padded with black", "crop": "cropped in the middle", "stretch": "stretched"}
ALIKE = 0.02  # of a side: what is missing to the same shape by less is stretched


@dataclass(frozen=True)
class Frame:
    """Images are `height`×`width` pixels. Resizing is bilinear, over all pixels that fall together.

    `pad` keeps the picture's shape and all of it, in the middle of what is filled with `ground`; `crop` keeps the shape
    and what is in the middle; `stretch` keeps all of it in another shape. `ground` is the byte that padding has where
    images are bytes: black, or the least value of training pictures whose values are of another range.
    """

    height: int
    width: int
    fit: Fit = "pad"
    ground: int = 0

    def inner(self, width: int, height: int) -> tuple[int, int]:
        """(width, height) that a picture of that size is resized to before it is padded or cropped."""
        if self.fit == "stretch" or self.same_shape(width, height):
            return self.width, self.height
        return self._scaled(width, height, max if self.fit == "crop" else min)

    def same_shape(self, width: int, height: int) -> bool:
        """Whether a picture of that size fills the frame, to 2 % of a side."""
        found = self._scaled(width, height, min)
        return self.width - found[0] <= ALIKE * self.width and self.height - found[1] <= ALIKE * self.height

    def _scaled(self, width: int, height: int, which: Any) -> tuple[int, int]:
        scale = which(self.width / width, self.height / height)
        return max(1, round(width * scale)), max(1, round(height * scale))

    def resized(self, image: Any, size: tuple[int, int] | None = None) -> np.ndarray:
        """(inner height, inner width[, channels]) of a Pillow image; `size` is (width, height) of the whole picture
        where the image is a smaller one of it."""
        from PIL import Image

        inner = self.inner(*(size or image.size))
        return np.asarray(image if image.size == inner else image.resize(inner, Image.Resampling.BILINEAR))

    def placed(self, pixels: np.ndarray, ground: float | None = None) -> np.ndarray:
        """(…, height, width, channels) of (…, inner height, inner width, channels)."""
        height, width = pixels.shape[-3:-1]
        if (height, width) == (self.height, self.width):
            return pixels
        if self.fit == "crop":
            top, left = (height - self.height) // 2, (width - self.width) // 2
            return pixels[..., top : top + self.height, left : left + self.width, :]
        ground = self.ground if ground is None else ground
        whole = np.full((*pixels.shape[:-3], self.height, self.width, pixels.shape[-1]), ground, pixels.dtype)
        top, left = (self.height - height) // 2, (self.width - width) // 2
        whole[..., top : top + height, left : left + width, :] = pixels
        return whole

    def description(self) -> dict[str, Any]:
        """JSON values: all but the size."""
        return {"fit": self.fit, "ground": self.ground}

    @classmethod
    def from_description(cls, height: int, width: int, values: Mapping[str, Any]) -> Self:
        """Raises ValueError, TypeError or KeyError where the values describe none."""
        if values["fit"] not in FITS:
            raise ValueError(f"fit {values['fit']!r}")
        if not 0 <= int(values["ground"]) <= 255:
            raise ValueError(f"ground {values['ground']!r}")
        return cls(height, width, values["fit"], int(values["ground"]))
