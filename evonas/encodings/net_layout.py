"""The plan of a network of `net` for a shape of image: sizes, strides and channels of all its convolutions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from evonas.core.errors import EvonasError
from evonas.encodings.net_plan import Convolution, Pair, Part, Plan, Stem

SIDE = 40  # larger pictures are reduced by the stem until the first stage works on at most so many pixels squared
LENGTH = 160  # the same of what a `column` or a `row` leaves, one pixel high or wide
MOST_CHANNELS = 256  # a wider network is none for small images and minutes
DIRECTIONS = 24  # of a whitening: those with the highest variance, each with both signs
PATCH = 192  # numbers in a patch that is whitened where the picture is reduced as well
FLAT = 16  # pixels a `flatten` head keeps at most
SMALL = 10  # pictures with a side below it are halved upwards


def plan(genes: Mapping[str, Any], shape: tuple[int, ...]) -> Plan:
    """The network of these architecture genes for images of `shape`, (channels, height, width) from 1×1.

    Raises EvonasError where it is no shape of images.
    """
    if len(shape) != 3 or min(shape) < 1:
        raise EvonasError(f"the encoding 'net' is for images (channels, height, width), not for {tuple(shape)}")
    stem = _stem(genes["stem"], genes["width"], genes["reduction"], *shape)
    channels, size = stem.convolution.outputs, stem.convolution.size
    stages = []
    for number in range(genes["stages"]):
        width = min(MOST_CHANNELS, round(genes["width"] * genes["growth"] ** number / 8) * 8)
        kernel = _kernel(genes["kernel"], size)
        parts = [_entry(genes["block"], channels, width, kernel, size, first=number == 0)]
        channels, size = width, parts[0].size
        unit = _unit(genes["block"], width, _kernel(genes["kernel"], size), size)
        stages.append((*parts, *[unit] * genes["depth"]))
    return Plan(stem, tuple(stages), genes["head"], _grid(size))


def _stem(kind: Any, width: int, reduction: int, channels: int, *picture: int) -> Stem:
    if kind in ("column", "row"):
        return _line(kind, min(MOST_CHANNELS, 2 * width), reduction, channels, picture)
    stride = [min(side, by * reduction) for side, by in zip(picture, _reductions(*picture), strict=True)]
    most = 4 if kind == "conv" else min(8, math.isqrt(PATCH // channels)) if channels <= PATCH // 4 else 2
    if kind == "white" and channels > 256:
        most = 1  # larger patches have more directions than a few hundred images show
    axes = [
        _axis(side, by, most, "valid" if kind == "white" else "same") for side, by in zip(picture, stride, strict=True)
    ]
    pool, kernel, steps, padding, size = zip(*axes, strict=True)
    outputs = 2 * min(DIRECTIONS, channels * math.prod(kernel)) if kind == "white" else width
    return Stem(kind, pool, Convolution(channels, outputs, kernel, steps, size), padding)


def _line(kind: Literal["column", "row"], outputs: int, reduction: int, channels: int, picture: Any) -> Stem:
    """A kernel as high (or wide) as the picture, three pixels along the other axis."""
    across, along = picture if kind == "column" else picture[::-1]
    shrink = math.ceil(across / max(1, min(128, 2048 // channels)))
    pool, kernel, stride, padding, size = _axis(along, min(along, math.ceil(along / LENGTH) * reduction), 4, "same")
    pairs: list[Pair] = [(shrink, pool), (math.ceil(across / shrink), kernel), (1, stride), (0, padding), (1, size)]
    both: list[Pair] = [pair if kind == "column" else (pair[1], pair[0]) for pair in pairs]
    return Stem(kind, both[0], Convolution(channels, outputs, both[1], both[2], both[4]), both[3])


def _reductions(height: int, width: int) -> Pair:
    """By how much each side is reduced: of a long picture the long side first, so that rare detail stays."""
    if min(height, width) > SIDE:
        return math.ceil(height / SIDE), math.ceil(width / SIDE)
    by = math.ceil(height * width / SIDE**2)
    return (by, 1) if height > width else (1, by)


def _axis(side: int, by: int, most: int, padding: Literal["same", "valid"]) -> tuple[int, int, int, int, int]:
    """(pool, kernel, stride, padding, size) that make `side` pixels `by` times fewer, in strides of at most `most`."""
    pool = math.ceil(by / most)
    stride = math.ceil(by / pool)
    pooled = math.ceil(side / pool)
    if padding == "valid":
        kernel = min(pooled, max(stride, min(2, most)))
        return pool, kernel, stride, 0, (pooled - kernel) // stride + 1
    kernel = min(max(3, stride // 2 * 2 + 1), 2 * pooled - 1)
    return pool, kernel, stride, kernel // 2, (pooled - 1) // stride + 1


def _kernel(name: str, size: Pair) -> Pair:
    """Without what would only ever lie on the border; a line of pixels takes the longer side."""
    high, wide = map(int, name.split("x"))
    if 1 in size:
        high = wide = max(high, wide)
    return min(high, 2 * size[0] - 1), min(wide, 2 * size[1] - 1)


def upwards(size: Pair) -> bool:
    """Whether an odd side is halved upwards: of a small picture the edge is much."""
    return min(size) < SMALL


def _halved(size: Pair) -> Pair:
    high, wide = ((side + upwards(size)) // 2 if side > 1 else 1 for side in size)
    return high, wide


def _entry(block: str, inputs: int, outputs: int, kernel: Pair, size: Pair, first: bool) -> Part:
    """What changes the width and the size; all blocks but `pool` leave the size of the first stage as it is."""
    by: Pair = (min(2, size[0]), min(2, size[1]))
    if block == "pool":
        return Part((Convolution(inputs, outputs, kernel, (1, 1), size),), pool=by, size=_halved(size))
    stride: Pair = (1, 1) if first else by
    after: Pair = ((size[0] - 1) // stride[0] + 1, (size[1] - 1) // stride[1] + 1)
    body = _body(block, inputs, outputs, kernel, stride, size, after)
    if block not in ("residual", "bottleneck"):
        return Part(body, size=after)
    same = inputs == outputs and stride == (1, 1)
    return Part(body, "before", None if same else Convolution(inputs, outputs, (1, 1), stride, after), size=after)


def _unit(block: str, width: int, kernel: Pair, size: Pair) -> Part:
    body = _body(block, width, width, kernel, (1, 1), size, size)
    joined = {"pool": "after", "depthwise": "after", "plain": "not"}.get(block, "before")
    return Part(body, joined, size=size)  # type: ignore[arg-type]


def _body(
    block: str, inputs: int, outputs: int, kernel: Pair, stride: Pair, size: Pair, after: Pair
) -> tuple[Convolution, ...]:
    inner = outputs // 2
    if block == "residual":
        return Convolution(inputs, outputs, kernel, stride, after), Convolution(outputs, outputs, kernel, (1, 1), after)
    if block == "bottleneck":
        return (
            Convolution(inputs, inner, (1, 1), (1, 1), size),
            Convolution(inner, inner, kernel, stride, after),
            Convolution(inner, outputs, (1, 1), (1, 1), after),
        )
    if block == "depthwise":
        return (
            Convolution(inputs, inputs, kernel, stride, after, inputs),
            Convolution(inputs, outputs, (1, 1), (1, 1), after),
        )
    return (Convolution(inputs, outputs, kernel, stride, after),)


def _grid(size: Pair) -> Pair:
    """What a `flatten` head keeps: 4×4 pixels, or 16 of a line."""
    side = FLAT if 1 in size else math.isqrt(FLAT)
    return min(size[0], side), min(size[1], side)
