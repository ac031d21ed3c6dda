"""Which axis of an array holds the channels: found once for a data set, and kept for every later image."""

from __future__ import annotations

from typing import Literal

import numpy as np

from evonas.core.errors import EvonasError

Channels = Literal["first", "last"]
Shape = tuple[int, int, int]  # height, width, channels

USUAL = (1, 2, 3, 4)  # channels of most pictures


def channels_last(array: np.ndarray, channels: Channels, what: str) -> np.ndarray:
    """(n, height, width, channels) of training images: (n, height, width), or four axes of which `channels` is right.

    Raises EvonasError for any other shape.
    """
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or 0 in array.shape:
        raise EvonasError(
            f"{what} has shape {array.shape}; give (n, height, width), (n, height, width, channels) "
            "or (n, channels, height, width)"
        )
    return np.moveaxis(array, 1, -1) if channels == "first" else array


def find_channels(shape: tuple[int, ...], tensor: bool, what: str) -> Channels:
    """Where (n, …, …, …) holds its channels.

    Two signs count for an outer axis: it alone of both has 1 to 4 entries, or the other two axes are of one size and
    this is not. A tensor's channels are first, as in torch, unless all signs are for last. An array's are where the
    signs say, or last where there are none.

    Raises EvonasError where an array's signs contradict each other, or both axes could be channels.
    """
    if len(shape) != 4:
        return "last"
    _, second, third, last = shape
    first = (second in USUAL and last not in USUAL) or third == last != second
    ending = (last in USUAL and second not in USUAL) or second == third != last
    if tensor and (first or not ending):
        return "first"
    if first != ending:
        return "first" if first else "last"
    either = first or second == third == last or (second in USUAL and last in USUAL)
    if not either or second == third == last == 1:
        return "last"
    raise EvonasError(
        f"{what} has shape {tuple(shape)}, which can be read with {second} channels first or {last} last; "
        "say channels='first' or channels='last'"
    )


def fit(array: np.ndarray, shape: Shape, channels: Channels) -> np.ndarray | None:
    """(n, height, width, channels) of one or more images of that shape, however they lie; None where they are others.

    Grey images need no axis of channels. Where both orders fit, the one of the training images is meant.
    """
    height, width, depth = shape
    orders = {"last": (height, width, depth), "first": (depth, height, width)}
    other: Channels = "first" if channels == "last" else "last"
    for lead in (4, 3):
        for order in (channels, other):
            if array.ndim == lead and array.shape[lead - 3 :] == orders[order]:
                batch = array if lead == 4 else array[None]
                return np.moveaxis(batch, 1, -1) if order == "first" else batch
        if depth == 1 and array.ndim == lead - 1 and array.shape[lead - 3 :] == (height, width):
            return array.reshape(-1, height, width, 1)
    return None
