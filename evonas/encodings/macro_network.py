"""Inverted bottlenecks and the networks made of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from evonas.core.types import Task


def conv_bn(inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs)]


class SqueezeExcite(nn.Module):
    """Channels weighted by what the whole image holds (Hu et al. 2018)."""

    def __init__(self, channels: int):
        super().__init__()
        squeezed = max(4, channels // 4)
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(channels, squeezed, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(squeezed, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.gate(x)


class InvertedBottleneck(nn.Module):
    """Widen, convolve each channel by itself, weigh the channels, narrow; added to the input where shapes allow."""

    def __init__(self, inputs: int, outputs: int, kernel: int, expansion: int, squeeze: bool, stride: int):
        super().__init__()
        hidden = inputs * expansion
        layers: dict[str, nn.Module] = {}
        if expansion > 1:
            layers["widen"] = nn.Sequential(*conv_bn(inputs, hidden), nn.ReLU(inplace=True))
        layers["depthwise"] = nn.Sequential(
            *conv_bn(hidden, hidden, kernel, stride, groups=hidden), nn.ReLU(inplace=True)
        )
        if squeeze:
            layers["squeeze"] = SqueezeExcite(hidden)
        layers["narrow"] = nn.Sequential(*conv_bn(hidden, outputs))
        self.block = nn.Sequential(OrderedDict(layers))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.block(x) if self.residual else self.block(x)


class MacroNetwork(nn.Sequential):
    """Stem, stages of inverted bottlenecks, pooling, a linear layer.

    Layers are named by stage and place, so that a child finds its parent's weights whatever changed before them.
    """

    def __init__(self, stages: Sequence[Mapping[str, int]], stem: int, task: Task):
        channels, height, image_width = task.input_shape
        size, width = min(height, image_width), stem
        layers: dict[str, nn.Module] = {"stem": nn.Sequential(*conv_bn(channels, stem, 3), nn.ReLU(inplace=True))}
        for number, stage in enumerate(stages, 1):
            for i in range(stage["depth"]):
                stride = stage["stride"] if i == 0 and -(-size // stage["stride"]) >= 2 else 1
                layers[f"stage{number}-{i + 1}"] = InvertedBottleneck(
                    width, stage["width"], stage["kernel"], stage["expansion"], bool(stage["squeeze"]), stride
                )
                size, width = -(-size // stride), stage["width"]
        layers["pool"] = nn.Sequential(nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        layers["head"] = nn.Linear(width, task.n_classes)
        super().__init__(OrderedDict(layers))
