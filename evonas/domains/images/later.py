"""Pictures that a network is shown later, of any size where its training pictures had a frame."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError, first_line
from evonas.domains.as_array import as_array
from evonas.domains.images.framing import Frame
from evonas.domains.images.layout import Channels, Shape, fit
from evonas.domains.images.pictures import read_picture
from evonas.domains.images.pixels import PixelScale

COLOURS = (1, 3)  # channels of one picture
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R 601), as Pillow has it


@dataclass(frozen=True)
class Training:
    """How the training images were read: (height, width, channels), their axis of channels, their values, how
    pictures of other sizes come to theirs, if at all, and the values of pictures of more than 8 bits a channel that
    were among others."""

    shape: Shape
    channels: Channels
    scale: PixelScale
    frame: Frame | None
    deep: PixelScale | None = None

    @property
    def of_deep(self) -> PixelScale | None:
        """By which scale pictures of more than 8 bits a channel are read; None where they mean nothing."""
        return self.deep if self.scale.words == "bytes" else self.scale


def read_any(training: Training, images: Any, what: str) -> tuple[np.ndarray, list[str]]:
    """(n, height, width, channels) uint8 of a path, a Pillow image or an array, or of several, and what was clipped or
    made grey.

    Arrays are (height, width[, channels]) of one picture or (n, height, width[, channels]); a list may hold pictures of
    several sizes. Raises EvonasError, one line, where one of them cannot be read or lies on another scale.
    """
    given = list(images) if isinstance(images, (list, tuple)) and images and all(map(_is_picture, images)) else None
    if given is None and (_is_file(images) or _is_pillow(images)):
        given = [images]
    several = [_one_size(training, images, what)] if given is None else [_one(training, i, what) for i in given]
    found, lines, colour = [], [], 0
    for pixels, clipped in several:
        pixels, converted = _channels(pixels, training.shape[-1], what)
        found.append(pixels)
        lines += [clipped] if clipped else []
        colour += converted
    if len(lines) > 1:
        lines = [f"{lines[0]}; and in {len(lines) - 1:,} more pictures"]
    if colour:
        lines.append(f"colour pictures of {what} were made grey, as all training images are: {colour:,}")
    return np.ascontiguousarray(found[0] if len(found) == 1 else np.concatenate(found)), lines


def _one(training: Training, image: Any, what: str) -> tuple[np.ndarray, str | None]:
    if not (_is_file(image) or _is_pillow(image)):
        return _one_size(training, image, what)
    name = repr(str(image)) if _is_file(image) else "a picture"
    try:
        picture = read_picture(image, training.frame)
    except Exception as error:  # whatever a reader meets in a damaged file
        raise EvonasError(f"{name} of {what} cannot be read: {first_line(error)}") from error
    if picture.pixels.shape[:2] != training.shape[:2]:
        height, width = picture.pixels.shape[:2]
        raise _other_size(training, f"{name} of {what} has {width}×{height} pixels (width×height)")
    scale = training.of_deep
    plain = training.scale.words == "bytes" or training.scale.takes_pictures
    if scale is None if picture.deep else not plain:
        has = "more than 8" if picture.deep else "8"
        raise EvonasError(
            f"{name} of {what} has {has} bits a channel; this network was trained on {_wanted(training)}: give such "
            "pictures"
        )
    if scale is None or not picture.deep:
        return picture.pixels[None], None
    padded = np.isnan(picture.pixels)
    values = np.where(padded, np.float32(scale.low), picture.pixels)
    read, clipped = scale.read(values.astype(np.int32) if picture.whole else values, f"{name} of {what}")
    ground = np.uint8(0 if training.frame is None else training.frame.ground)
    return np.where(padded, ground, read)[None, ..., None], clipped


def _other_size(training: Training, found: str) -> EvonasError:
    height, width, _ = training.shape
    return EvonasError(
        f"{found}; this network was trained on arrays of {width}×{height}, which say nothing of other sizes: give that "
        "size, or say how others come to it: network.framed('pad'), 'crop' or 'stretch'; --fit pad on the command line"
    )


def _wanted(training: Training) -> str:
    """What was learned from, for a message."""
    if training.frame is None:
        return training.scale.words
    return "8 bits" if training.scale.words == "bytes" else "more than 8 bits"


def _one_size(training: Training, images: Any, what: str) -> tuple[np.ndarray, str | None]:
    """Of an array of pictures of one size."""
    tensor = hasattr(images, "detach")
    array = as_array(images, what)
    held = fit(array, training.shape, training.channels)
    if held is not None:
        return training.scale.read(held, what)
    if training.frame is None:
        raise _other_size(training, f"{what} has an array of shape {array.shape}")
    array = _batch(array, tensor, training, what)
    if array.dtype.kind == "b":
        array = training.scale.read(array, what)[0]
        return training.frame.placed(_resized(array, training.frame)), None
    pixels, clipped = training.scale.read(_resized(array, training.frame), what)
    return training.frame.placed(pixels), clipped


def _batch(array: np.ndarray, tensor: bool, training: Training, what: str) -> np.ndarray:
    """(n, height, width, 1 or 3) of an array of any of the shapes that a picture, or several, may have."""
    shape = array.shape
    if array.ndim == 3 and shape[-1] not in COLOURS and not (tensor and shape[0] in COLOURS):
        if training.shape[-1] == 1 and shape[0] not in (0, *COLOURS):
            return array[..., None]
        if shape[0] == 3:
            array = array[:0]  # three grey pictures, or one with its channels first
    batch = array[None, ..., None] if array.ndim == 2 else array[None] if array.ndim == 3 else array
    if batch.ndim == 4 and 0 not in batch.shape:
        first = batch.shape[1] in COLOURS and (tensor or batch.shape[-1] not in COLOURS)
        batch = np.moveaxis(batch, 1, -1) if first else batch
        if batch.shape[-1] in COLOURS:
            return batch
    height, width, depth = training.shape
    raise EvonasError(
        f"{what} has shape {shape}; give pictures of any size as (n, height, width, 1 or 3), a list of them or of "
        f"paths, or (n, {height}, {width}, {depth})"
    )


def _resized(array: np.ndarray, frame: Frame) -> np.ndarray:
    """(n, inner height, inner width, channels) of the same type: bytes by Pillow as bytes, others as floats."""
    from PIL import Image

    height, width = array.shape[1:3]
    if frame.inner(width, height) == (width, height):
        return array
    if array.dtype == np.uint8:
        images = [image[..., 0] if image.shape[-1] == 1 else image for image in array]
        resized = [frame.resized(Image.fromarray(np.ascontiguousarray(image))) for image in images]
        return np.stack(resized).reshape(len(array), *resized[0].shape[:2], -1)
    floats = array.astype(np.float32)
    planes = [[frame.resized(Image.fromarray(plane)) for plane in np.moveaxis(image, -1, 0).copy()] for image in floats]
    found = np.moveaxis(np.array(planes), 1, -1)
    return found if array.dtype.kind == "f" else np.rint(found).astype(np.int64)


def _channels(pixels: np.ndarray, depth: int, what: str) -> tuple[np.ndarray, int]:
    """(n, height, width, depth) bytes, and how many colour pictures were made grey for it."""
    if pixels.shape[-1] == depth:
        return pixels, 0
    if depth == 3:
        return np.repeat(pixels, 3, axis=-1), 0
    if depth != 1:
        raise EvonasError(f"{what} has pictures of {pixels.shape[-1]} channels; this network wants {depth}")
    colour = (pixels != pixels[..., :1]).any((1, 2, 3))
    grey = np.rint(pixels @ np.array(LUMA)).astype(np.uint8)[..., None]
    return np.where(colour[:, None, None, None], grey, pixels[..., :1]), int(colour.sum())


def are_pictures(values: Any) -> bool:
    """Whether they are a file's path or a Pillow image, or a list of such."""
    several = values if isinstance(values, (list, tuple)) else [values]
    return len(several) > 0 and all(_is_file(value) or _is_pillow(value) for value in several)


def _is_picture(value: Any) -> bool:
    return _is_file(value) or _is_pillow(value) or len(getattr(value, "shape", ())) in (2, 3)


def _is_file(value: Any) -> bool:
    return isinstance(value, (str, PathLike))


def _is_pillow(value: Any) -> bool:
    from PIL import Image

    return isinstance(value, Image.Image)
