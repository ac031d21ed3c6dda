"""One picture file, as every viewer shows it, in an array."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

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


@dataclass(frozen=True)
class Picture:
    """What a file showed.

    `pixels` are (height, width, 3) bytes, or (height, width) whole numbers or floats of a deep grey picture, whose
    range is not known from one file. `laid_on` is the colour behind transparent parts, empty where there are none;
    `animated` whether there were further frames.
    """

    pixels: np.ndarray
    laid_on: str = ""
    animated: bool = False

    @property
    def deep(self) -> bool:
        return self.pixels.ndim == 2


def read_picture(source: Any, size: int | None = None) -> Picture:
    """A file's path or the file itself; the picture is resized to `size`×`size` pixels where that is given.

    It is turned as its EXIF tag says. Transparent parts are laid on white, or on black where what is visible is nearly
    white itself. Of an animation the first frame counts. Raises whatever Pillow raises, which may be any exception.
    """
    from PIL import Image, ImageOps

    endings()  # so that Pillow knows how to read them all
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a large picture, or of an odd tag: it is readable
        with Image.open(source) as image:
            animated = image.format in ANIMATED and getattr(image, "n_frames", 1) > 1
            if size:
                image.draft("RGB", (size, size))  # a large JPEG is decoded small at once
            upright = ImageOps.exif_transpose(image)
            if upright.mode.startswith(DEEP):
                return Picture(_deep(upright, size), animated=animated)
            colour, laid_on = _opaque(upright)
            return Picture(np.asarray(_resized(colour, size)), laid_on, animated)


def reason(error: Exception) -> str:
    """Why a picture cannot be read, in one line."""
    return (str(error).splitlines() or [""])[0] or type(error).__name__


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


def _deep(image: Any, size: int | None) -> np.ndarray:
    from PIL import Image

    values = np.asarray(image)
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ValueError("it holds NaN or infinite values")
    resized = np.asarray(_resized(Image.fromarray(values.astype(np.float32)), size))
    return resized if values.dtype.kind == "f" else np.rint(resized).astype(np.int32)


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


def _resized(image: Any, size: int | None) -> Any:
    from PIL import Image

    return image.resize((size, size), Image.Resampling.BILINEAR) if size and image.size != (size, size) else image
