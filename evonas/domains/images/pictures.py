"""One picture file, as every viewer shows it, in an array."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Protocol, runtime_checkable

import numpy as np

from evonas.domains.images.framing import Frame

ENDINGS = frozenset(
    (
        ".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".gif", ".webp", ".tif", ".tiff",
        ".ppm", ".pgm", ".pbm", ".pnm", ".tga", ".jp2", ".j2k",
    )
)  # fmt: skip
ON_CONDITION = {  # what makes them readable where they are not
    ".avif": "pip install -U pillow",
    ".heic": "pip install pillow-heif",
    ".heif": "pip install pillow-heif",
    ".hif": "pip install pillow-heif",
}
DEEP = ("I", "F")  # first letters of modes with more than 8 bits a channel
ANIMATED = ("GIF", "WEBP", "PNG", "AVIF", "TIFF")  # a phone's MPO has several frames too, which are no pictures
LIGHT = 240  # mean grey level from which what is visible would vanish on white


TURNED = (5, 6, 7, 8)  # EXIF orientations that exchange width and height
ORIENTATION = 0x0112


@runtime_checkable
class Openable(Protocol):
    """A picture within a larger file; `str` of it is its name."""

    def opened(self) -> BinaryIO: ...


Source = Path | Openable  # of one picture


@dataclass(frozen=True)
class Picture:
    """What a file showed.

    `pixels` are (height, width, 3) bytes, or (height, width) float32 values of a deep grey picture, whose range is not
    known from one file: NaN where it was padded, whole numbers where they are `whole`. `laid_on` is the colour behind
    transparent parts, empty where there are none; `animated` whether there were further frames; `other_shape` whether
    it had to be padded, cropped or stretched.
    """

    pixels: np.ndarray
    laid_on: str = ""
    animated: bool = False
    whole: bool = True
    other_shape: bool = False

    @property
    def deep(self) -> bool:
        return self.pixels.ndim == 2


def read_picture(source: Any, frame: Frame | None = None) -> Picture:
    """A file's path, the file itself, a place in a larger one or a Pillow image; as large as it is, or in the frame.

    It is turned as its EXIF tag says. Transparent parts are laid on white, or on black where what is visible is nearly
    white itself. Of an animation the first frame counts. Raises whatever Pillow raises, which may be any exception.
    """
    from PIL import Image

    endings()  # so that Pillow knows how to read them all
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a large picture, or of an odd tag: it is readable
        if isinstance(source, Image.Image):
            return _shown(source, frame)
        with Image.open(source.opened() if isinstance(source, Openable) else source) as image:
            return _shown(image, frame)


def upright_size(source: Any) -> tuple[int, int]:
    """(width, height) of the picture as it stands upright, from its header. Raises whatever Pillow raises."""
    from PIL import Image

    with Image.open(source.opened() if isinstance(source, Openable) else source) as image:
        return _upright_size(image)


def _upright_size(image: Any) -> tuple[int, int]:
    if image.format == "PNG" and "exif" not in image.info:  # Pillow would decode all of it to look behind the pixels
        return image.size
    return image.size[::-1] if image.getexif().get(ORIENTATION) in TURNED else image.size


def _shown(image: Any, frame: Frame | None) -> Picture:
    from PIL import ImageOps

    animated = image.format in ANIMATED and getattr(image, "n_frames", 1) > 1
    size = None
    if frame is not None and image.format in ("JPEG", "MPO"):
        size = _upright_size(image)
        inner = frame.inner(*size)
        image.draft("RGB", inner if size == image.size else inner[::-1])  # a large JPEG is decoded small at once
    upright = ImageOps.exif_transpose(image)
    other_shape = frame is not None and not frame.same_shape(*(size or upright.size))
    if upright.mode.startswith(DEEP):
        pixels, whole = _deep(upright, frame)
        return Picture(pixels, "", animated, whole, other_shape)
    colour, laid_on = _opaque(upright)
    if frame is None:
        return Picture(np.asarray(colour), laid_on, animated)
    return Picture(frame.placed(frame.resized(colour, size), 0), laid_on, animated, True, other_shape)


@cache
def endings() -> frozenset[str]:
    """Of the files that can be read here: Pillow has AVIF in its wheels since 11.3; of HEIC it is taught here."""
    from PIL import features

    readable = {".avif"} if features.check("avif") else set()
    with suppress(ImportError):
        import pillow_heif  # pyright: ignore[reportMissingImports]

        pillow_heif.register_heif_opener()
        readable |= {".heic", ".heif", ".hif"}
    return ENDINGS | readable


def _deep(image: Any, frame: Frame | None) -> tuple[np.ndarray, bool]:
    """(height, width) float32, and whether they are whole numbers."""
    from PIL import Image

    values = np.asarray(image)
    whole = values.dtype.kind != "f"
    if not whole and not np.isfinite(values).all():
        raise ValueError("it holds NaN or infinite values")
    values = values.astype(np.float32)
    if frame is None:
        return values, whole
    resized = frame.resized(Image.fromarray(values))
    return frame.placed((np.rint(resized) if whole else resized)[..., None], np.nan)[..., 0], whole


def _opaque(image: Any) -> tuple[Any, str]:
    """The picture in RGB, and what its transparent parts were laid on."""
    from PIL import Image

    if not image.has_transparency_data:
        return image.convert("RGB"), ""
    layers = image.convert("RGBA")
    alpha = np.asarray(layers.getchannel("A"), dtype=np.float64)
    if alpha.min() == 255:
        return layers.convert("RGB"), ""
    grey = np.asarray(layers.convert("RGB").convert("L"), dtype=np.float64)
    light = alpha.any() and float((grey * alpha).sum() / alpha.sum()) >= LIGHT
    laid_on = "black" if light else "white"
    return Image.alpha_composite(Image.new("RGBA", layers.size, laid_on), layers).convert("RGB"), laid_on
