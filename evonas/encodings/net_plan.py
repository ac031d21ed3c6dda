"""What a network of `net` is made of: convolutions, which the layers, the features and the costs are made from.

Pairs are (vertical, horizontal), sizes are pixels.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from evonas.core.networks import Stored

Pair = tuple[int, int]


@dataclass(frozen=True)
class Convolution:
    """Without bias; `size` is that of its result."""

    inputs: int
    outputs: int
    kernel: Pair
    stride: Pair
    size: Pair
    groups: int = 1

    @property
    def weights(self) -> int:
        return self.inputs // self.groups * self.outputs * math.prod(self.kernel)

    @property
    def flops(self) -> int:
        """Of one image; a multiply-add is two."""
        return 2 * self.weights * math.prod(self.size)


@dataclass(frozen=True)
class Stem:
    """An average over `pool` pixels, then a convolution with `padding`; a white one is frozen."""

    kind: Literal["white", "conv", "column", "row"]
    pool: Pair
    convolution: Convolution
    padding: Pair


@dataclass(frozen=True)
class Part:
    """Convolutions, each normalised, one after the other; `pool` is a maximum behind the first.

    `joined`: whether the input is added before or after the last ReLU; `shortcut` is its way where sizes differ.
    """

    body: tuple[Convolution, ...]
    joined: Literal["not", "before", "after"] = "not"
    shortcut: Convolution | None = None
    pool: Pair = (1, 1)
    size: Pair = (1, 1)

    @property
    def convolutions(self) -> tuple[Convolution, ...]:
        return (*self.body, self.shortcut) if self.shortcut else self.body


@dataclass(frozen=True)
class Plan:
    """Stem, stages of parts, and what the head makes of the last: `grid` pixels a channel, or 1 or 2 numbers."""

    stem: Stem
    stages: tuple[tuple[Part, ...], ...]
    head: Literal["mean", "mean+max", "flatten"]
    grid: Pair

    @property
    def numbers(self) -> int:
        """What the linear layer is given."""
        each = {"mean": 1, "mean+max": 2, "flatten": math.prod(self.grid)}[self.head]
        return self.stages[-1][-1].body[-1].outputs * each

    def convolutions(self) -> Iterator[Convolution]:
        """All, the stem's first."""
        yield self.stem.convolution
        for stage in self.stages:
            for part in stage:
                yield from part.convolutions

    def params(self, classes: int) -> int:
        """Numbers that are learned."""
        learned = list(self.convolutions())[1 if self.stem.kind == "white" else 0 :]
        return sum(one.weights + 2 * one.outputs for one in learned) + (self.numbers + 1) * classes

    def tensors(self, classes: int) -> Iterator[Stored]:
        """What a file of weights holds, by the names of `net_network`."""
        stem, kind = self.stem.convolution, self.stem.kind
        if kind == "white":
            yield f"stem.{kind}.weight", "F32", (stem.outputs, stem.inputs, *stem.kernel)
        else:
            yield from _normalised(stem, f"stem.{kind}.convolution", f"stem.{kind}.norm")
        for number, stage in enumerate(self.stages, 1):
            for place, part in enumerate(stage, 1):
                name = f"stage{number}-{place}"
                for i, one in enumerate(part.body, 1):
                    yield from _normalised(one, f"{name}.body.convolution{i}", f"{name}.body.norm{i}")
                if part.shortcut:
                    yield from _normalised(part.shortcut, f"{name}.shortcut.convolution", f"{name}.shortcut.norm")
        yield "linear.weight", "F32", (classes, self.numbers)
        yield "linear.bias", "F32", (classes,)

    def flops(self, classes: int) -> int:
        """Of one image's forward pass, a multiply-add being two; only convolutions and the linear layer count."""
        return sum(one.flops for one in self.convolutions()) + 2 * self.numbers * classes

    def field(self, axis: int) -> int:
        """Pixels of the picture that one number before the head depends on, along an axis (0 vertical)."""
        jump = self.stem.pool[axis]
        seen = jump + (self.stem.convolution.kernel[axis] - 1) * jump
        jump *= self.stem.convolution.stride[axis]
        for part in (part for stage in self.stages for part in stage):
            for place, one in enumerate(part.body):
                seen += (one.kernel[axis] - 1) * jump
                jump *= one.stride[axis]
                if place == 0:
                    seen += (part.pool[axis] - 1) * jump
                    jump *= part.pool[axis]
        return seen


def _normalised(one: Convolution, convolution: str, norm: str) -> Iterator[Stored]:
    yield f"{convolution}.weight", "F32", (one.outputs, one.inputs // one.groups, *one.kernel)
    for name in ("weight", "bias", "running_mean", "running_var"):
        yield f"{norm}.{name}", "F32", (one.outputs,)
    yield f"{norm}.num_batches_tracked", "I64", ()
