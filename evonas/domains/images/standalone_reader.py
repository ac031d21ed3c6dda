"""What `model.py` of `evonas export --format standalone` reads pictures with, by torch and Pillow alone.

The text below the line goes into that file; the constants above it are an example of those that evonas writes there.
It does what `pictures.py`, `framing.py`, `later.py` and `pixels.py` do; a test holds them beside each other.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

from evonas.domains.standalone_frame import CLASSES, predict_proba

SHAPE = (3, 32, 32)
PLAIN = True  # whether pictures of 8 bits a channel mean something to the network
VALUES = ("uint8", 0.0, 255.0, 0.0, 255.0, True)  # see `PixelScale`
DEEP: Any = None  # the same, of pictures of more than 8 bits a channel; None where they mean nothing
FIT, GROUND = "pad", 0  # see `Frame`; "" where pictures of other sizes are refused

# --- of model.py


def read(examples: Any) -> torch.Tensor:
    """(n, *SHAPE) floats from 0 to 255 of paths or Pillow images, one or a list, or of a tensor (n, *SHAPE) of values
    on the scale of the training images. Raises ValueError where they cannot be read."""
    if isinstance(examples, torch.Tensor):
        if tuple(examples.shape[1:]) != SHAPE:
            raise ValueError(f"the tensor has shape {tuple(examples.shape)}; this network wants (n, *{SHAPE})")
        return levels(examples, kind_of(examples), VALUES)
    several = examples if isinstance(examples, (list, tuple)) else [examples]
    return torch.stack([picture(one) for one in several]) if several else torch.zeros(0, *SHAPE)


def picture(source: Any) -> torch.Tensor:
    """A file's path or a Pillow image as it stands upright, padded, cropped or stretched, in grey where SHAPE is."""
    from PIL import Image, ImageOps

    opened = source if isinstance(source, Image.Image) else Image.open(source)
    size = upright_size(opened)
    if FIT and opened.format in ("JPEG", "MPO"):
        wide, high = inner(*size)
        opened.draft("RGB", (wide, high) if size == opened.size else (high, wide))
    image = ImageOps.exif_transpose(opened)
    if not FIT and image.size != (SHAPE[2], SHAPE[1]):
        raise ValueError(f"{source!r} has {image.size} pixels; this network knows {(SHAPE[2], SHAPE[1])} only")
    deep = image.mode[0] in "IF"
    if not (DEEP if deep else PLAIN) or SHAPE[0] not in (1, 3):
        raise ValueError(f"{source!r} is of mode {image.mode}; this network was trained on other values, or channels")
    if deep:
        whole, image = image.mode[0] == "I", resized(image.convert("F"), size)
        values = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.float32).view(1, image.height, image.width)
        values = levels(values.round(), "integer", DEEP) if whole else levels(values, "float", DEEP)
        return placed(values, GROUND).expand(SHAPE)
    image = resized(opaque(image), size)
    pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(image.height, image.width, 3)
    pixels = placed(pixels.permute(2, 0, 1).float(), 0)
    if SHAPE[0] == 1 and (pixels != pixels[:1]).any():
        red, green, blue = pixels.double()
        return (red * 0.299 + green * 0.587 + blue * 0.114).round().float()[None]
    return pixels[: SHAPE[0]]


def kind_of(values: torch.Tensor) -> str:
    kinds = {torch.bool: "bool", torch.uint8: "uint8"}
    return kinds.get(values.dtype, "float" if values.is_floating_point() else "integer")


def levels(values: torch.Tensor, kind: str, scale: Any) -> torch.Tensor:
    """From values on a scale of the training images to levels from 0 to 255: floats from 0 to 1 are the same as
    bytes."""
    training, low, high, least, most, whole = scale
    unit, bytes_ = (low, high) == (0, 1), (low, high) == (0, 255)
    if (kind == "bool" and (unit or bytes_)) or (kind == "float" and bytes_ and training != "float"):
        low, high, least, most = 0.0, 1.0, 0.0, 1.0
    elif kind == "uint8" and unit and not whole:
        low, high, least, most = 0.0, 255.0, 0.0, 255.0
    values, width = values.double(), high - low
    outside = (values < least) | (values > most)
    excess = max(least - float(values.min()), float(values.max()) - most) if values.numel() else 0.0
    if not excess <= 0.05 * width and (not excess <= width or float(outside.double().mean()) > 0.01):
        raise ValueError(f"the values lie outside of {least:g} to {most:g}, which those of the training images had")
    return ((values - low).float() * torch.tensor(255 / width)).round().clamp(0, 255)


def upright_size(image: Any) -> tuple[int, int]:
    if image.format == "PNG" and "exif" not in image.info:
        return image.size
    return image.size[::-1] if image.getexif().get(0x0112) in (5, 6, 7, 8) else image.size


def scaled(width: int, height: int, which: Any) -> tuple[int, int]:
    scale = which(SHAPE[2] / width, SHAPE[1] / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def inner(width: int, height: int) -> tuple[int, int]:
    """(width, height) that a picture is resized to before it is padded or cropped."""
    found = scaled(width, height, min)
    same_shape = SHAPE[2] - found[0] <= 0.02 * SHAPE[2] and SHAPE[1] - found[1] <= 0.02 * SHAPE[1]
    if FIT == "stretch" or same_shape:
        return SHAPE[2], SHAPE[1]
    return scaled(width, height, max) if FIT == "crop" else found


def resized(image: Any, size: tuple[int, int]) -> Any:
    from PIL import Image

    to = inner(*size) if FIT else image.size
    return image if image.size == to else image.resize(to, Image.Resampling.BILINEAR)


def placed(pixels: torch.Tensor, ground: int) -> torch.Tensor:
    """(channels, inner height, inner width) -> (channels, height, width)."""
    (height, width), (high, wide) = pixels.shape[-2:], SHAPE[1:]
    if FIT == "crop":
        top, left = (height - high) // 2, (width - wide) // 2
        return pixels[:, top : top + high, left : left + wide]
    whole = torch.full((pixels.shape[0], high, wide), float(ground))
    top, left = (high - height) // 2, (wide - width) // 2
    whole[:, top : top + height, left : left + width] = pixels
    return whole


def opaque(image: Any) -> Any:
    """In RGB; transparent parts on white, or on black where what is visible is nearly white itself."""
    from PIL import Image

    if not image.has_transparency_data:
        return image.convert("RGB")
    layers = image.convert("RGBA")
    alpha, grey = (
        torch.frombuffer(bytearray(one.tobytes()), dtype=torch.uint8).double()
        for one in (layers.getchannel("A"), layers.convert("RGB").convert("L"))
    )
    if alpha.min() == 255:
        return layers.convert("RGB")
    light = bool(alpha.any()) and float((grey * alpha).sum() / alpha.sum()) >= 240
    ground = Image.new("RGBA", layers.size, "black" if light else "white")
    return Image.alpha_composite(ground, layers).convert("RGB")


def main(places: list[str]) -> int:
    """`python model.py PICTURE_OR_FOLDER…`: a line for each picture, with its class and how probable that is."""
    from PIL import Image

    Image.init()
    failed = not places
    if failed:
        print("usage: python model.py PICTURE_OR_FOLDER…")
    for place in map(Path, places):
        below = sorted(file for file in place.rglob("*") if file.suffix.lower() in Image.EXTENSION)
        for file in below if place.is_dir() else [place]:
            try:
                probabilities = predict_proba(str(file))[0]
                best = int(probabilities.argmax())
                print(f"{file}\t{CLASSES[best]}\t{float(probabilities[best]):.4f}")
            except Exception as error:  # whatever a damaged file leads to: the others are said
                failed = True
                print(f"{file}\tcannot be read: {(str(error).splitlines() or [''])[0]}", file=sys.stderr)
    return 2 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
