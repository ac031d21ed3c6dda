"""What the values of images mean: which of them becomes black (0) and which white (255), in training and ever after.

Images are kept as bytes. What a data set's numbers meant is found once, from its training images, and stored with the
network: validation, test and every later image goes through the same scale.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from evonas.core.errors import EvonasError
from evonas.domains.mapped import Mapped, empty

Kind = Literal["uint8", "bool", "integer", "float"]

SLACK = 0.05
"""Values outside of the scale by up to so much of its width are clipped: bicubic overshoot, say."""
FEW = 0.01
"""Up to this share of the values may lie further outside, by no more than the width of the scale, and is clipped."""
LEVELS = 64
"""Of 256 grey levels that floats have to fill to be taken as 0 to 1, or as 0 to 255; else their own range is used."""
SAMPLE = 2**20  # values that the tails are estimated from
TAILS = 0.0005
"""Share of the values at either end that may not decide the scale, where they would squeeze all others."""
SQUEEZED = 0.25
"""Share of the whole range below which the values between the tails count as squeezed."""


@dataclass(frozen=True)
class PixelScale:
    """`byte = rint((value - low) * 255 / (high - low))`, clipped.

    `kind` is the type of the training images' numbers, `whole` whether all of them were whole. `least` and `most` bound
    what may be read by this scale; they are further apart than `low` and `high` where training images were clipped.
    The default is what bytes mean, and what networks of files without a scale expect.
    """

    kind: Kind = "uint8"
    low: float = 0.0
    high: float = 255.0
    least: float = 0.0
    most: float = 255.0
    whole: bool = True

    @classmethod
    def of(cls, array: np.ndarray, what: str) -> PixelScale:
        """From all training images. Raises EvonasError where they hold no numbers, or NaN.

        Booleans and whole numbers 0 and 1 are black and white, other whole numbers to 255 are bytes. Floats that fill a
        good part of 0 to 1 or of 0 to 255, but for a few values a little outside, are taken as that. Everything else
        (standardised floats, 16 bits) is spread from its least to its greatest value, or, where outliers would
        leave a few grey levels for all the rest, over the range without them.
        """
        kind = kind_of(array, what)
        least, most = _extent(array, what)
        if kind == "bool":
            return cls(kind, 0.0, 1.0, 0.0, 1.0)
        whole = kind != "float" or all((piece == np.rint(piece)).all() for piece in _pieces(array))
        for top in (1.0, 255.0):
            if _fills(array, top, least, most, whole, slack=SLACK if kind == "float" else 0.0):
                return cls(kind, 0.0, top, min(least, 0.0), max(most, top), whole)
        low, high = _spread(array, least, most)
        return cls(kind, low, high, least, most, whole)

    def read(self, array: np.ndarray, what: str, beside: str | None = None) -> tuple[np.ndarray, str | None]:
        """Bytes of the same shape, and a line where values were clipped.

        `beside` names the training images in the message. Raises EvonasError where the values are not of this scale.
        """
        scale = self._for(array, what, beside)
        if array.size == 0 or (array.dtype == np.uint8 and (scale.low, scale.high) == (0.0, 255.0)):
            return _in_order(array), None
        low, high = _extent(array, what)
        if scale._is_other(array, low, high):
            above = high - scale.most >= scale.least - low
            end = ("to", high, scale.most) if above else ("from", low, scale.least)
            way_out = (
                f", {beside} {end[0]} {end[2]:g}; bring both to one scale" if beside else f"; give {self.accepted}"
            )
            raise EvonasError(f"{what} has values {end[0]} {end[1]:g}{way_out}")
        found = empty(array.shape)
        clipped = 0
        for piece, place in zip(_pieces(array), _pieces(found), strict=True):
            shifted = piece.astype(np.float64) - scale.low if scale.low else piece
            levels = np.rint(shifted.astype(np.float32) * np.float32(255 / (scale.high - scale.low)))
            clipped += int(((levels < 0) | (levels > 255)).sum())
            place[...] = np.clip(levels, 0, 255)
        return found, scale._said(what, clipped, array.size, low, high) if clipped else None

    @property
    def words(self) -> str:
        """What this scale takes as black and white: `floats from 0 to 1`."""
        if self.kind == "uint8" and self.high == 255:
            return "bytes"
        kind = {"bool": "booleans", "float": "floats"}.get(self.kind, "whole numbers")
        return f"{kind} from {self.low:g} to {self.high:g}"

    @property
    def takes_pictures(self) -> bool:
        """Whether the values of a picture of 8 bits have a meaning here: of bytes, and of floats that fill 0 to 1 or 0
        to 255."""
        return (self._bytes and self.kind in ("uint8", "float")) or (self._unit and not self.whole)

    @property
    def accepted(self) -> str:
        """What may be given, for a message."""
        if self._bytes and self.kind != "float":
            return "uint8, or floats from 0 to 1"
        if self._unit and not self.whole:
            return "floats from 0 to 1, or uint8"
        return f"values from {self.least:g} to {self.most:g}, as the training images have"

    @property
    def _unit(self) -> bool:
        return (self.low, self.high) == (0.0, 1.0)

    @property
    def _bytes(self) -> bool:
        return (self.low, self.high) == (0.0, 255.0)

    def _for(self, array: np.ndarray, what: str, beside: str | None) -> PixelScale:
        """By which scale an array of that type is read: this one, or another form of the same that everybody expects.

        The type alone decides, never the values: an image means the same alone and among others.
        """
        kind = kind_of(array, what)
        if array.size == 0:
            return self
        if kind == "bool" and (self._unit or self._bytes):
            return PixelScale("bool", 0.0, 1.0, 0.0, 1.0)
        if kind == "bool":
            tail = f"{beside} holds {self.words}; give both the same" if beside else f"give {self.accepted}"
            raise EvonasError(f"{what} holds bool values; {tail}")
        if kind == "float" and self._bytes and self.kind != "float":
            return PixelScale("float", 0.0, 1.0, 0.0, 1.0)
        if kind == "uint8" and self._unit and not self.whole:
            return PixelScale()
        return self

    def _is_other(self, array: np.ndarray, low: float, high: float) -> bool:
        """Whether values are further outside than clipping may mend: they are on another scale."""
        excess, width = max(self.least - low, high - self.most), self.high - self.low
        return excess > SLACK * width and (excess > width or self._share_outside(array) > FEW)

    def _share_outside(self, array: np.ndarray) -> float:
        outside = sum(int(((piece < self.least) | (piece > self.most)).sum()) for piece in _pieces(array))
        return outside / array.size

    def _said(self, what: str, clipped: int, size: int, low: float, high: float) -> str:
        return (
            f"{clipped:,} of {size:,} values of {what} lie outside of {self.low:g} to {self.high:g} (they go from "
            f"{low:g} to {high:g}) and were clipped"
        )


def kind_of(array: np.ndarray, what: str) -> Kind:
    """Raises EvonasError where the array holds no real numbers."""
    if array.dtype == np.uint8:
        return "uint8"
    if array.dtype.kind not in "biuf":
        raise EvonasError(f"{what} holds {array.dtype} values; give uint8, or other real numbers")
    return "bool" if array.dtype.kind == "b" else "float" if array.dtype.kind == "f" else "integer"


def _extent(array: np.ndarray, what: str) -> tuple[float, float]:
    low, high = float(array.min()), float(array.max())
    if not (math.isfinite(low) and math.isfinite(high)):
        raise EvonasError(f"{what} holds NaN or infinite values; remove those images, or set them to a number")
    return low, high


def _in_order(array: np.ndarray) -> np.ndarray:
    """Bytes in the order of their axes: themselves where they are, else a copy, which may be mapped."""
    if array.flags.c_contiguous and array.dtype == np.uint8:
        return array if isinstance(array, Mapped) else np.ascontiguousarray(array)
    found = empty(array.shape)
    np.copyto(found, array, casting="unsafe")
    return found


def _fills(array: np.ndarray, top: float, least: float, most: float, whole: bool, slack: float) -> bool:
    """Whether the values are from 0 to `top`, but for a few that are a little outside."""
    if least < -slack * top or most > (1 + slack) * top:
        return False
    if not whole and most - least < top * LEVELS / 256:
        return False
    if least >= 0 and most <= top:
        return True
    outside = sum(int(((piece < 0) | (piece > top)).sum()) for piece in _pieces(array))
    return outside <= FEW * array.size


def _spread(array: np.ndarray, least: float, most: float) -> tuple[float, float]:
    """The range that 256 levels are spread over."""
    if least == most:
        return least, least + 1
    sample = array.reshape(-1) if array.size <= SAMPLE else _drawn(array)
    first, last = (
        float(np.quantile(sample, TAILS, method="higher")),
        float(np.quantile(sample, 1 - TAILS, method="lower")),
    )
    margin = (last - first) / 4
    if first == last or last - first >= SQUEEZED * (most - least):
        return least, most
    return max(least, first - margin), min(most, last + margin)


def _drawn(array: np.ndarray) -> np.ndarray:
    """`SAMPLE` values, the same ones every time."""
    positions = np.random.default_rng(0).integers(array.size, size=SAMPLE)
    return array[np.unravel_index(positions, array.shape)]


def _pieces(array: np.ndarray) -> Iterator[np.ndarray]:
    """Some images each, as float32 where they are float16: a float copy of everything would not fit everywhere."""
    step = max(1, 2**24 // max(1, array.size // max(1, len(array))))
    for start in range(0, len(array), step):
        piece = array[start : start + step]
        yield piece.astype(np.float32) if piece.dtype == np.float16 else piece
