"""Residual blocks of dilated convolutions, and the networks made of them."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from evonas.core.errors import EvonasError
from evonas.core.types import Task


def norm(kind: str, channels: int) -> nn.Module:
    return nn.BatchNorm1d(channels) if kind == "batch" else nn.GroupNorm(1, channels)


class Block(nn.Module):
    """Two convolutions of the same dilation, added to the input; a wider output takes it through one of kernel 1."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int, kind: str):
        super().__init__()
        padding = dilation * (kernel // 2)

        def convolution(channels: int) -> list[nn.Module]:
            options: dict[str, Any] = {"padding": padding, "dilation": dilation, "bias": False}
            return [nn.Conv1d(channels, outputs, kernel, **options), norm(kind, outputs)]

        self.body = nn.Sequential(*convolution(inputs), nn.ReLU(inplace=True), *convolution(outputs))
        wider = [nn.Conv1d(inputs, outputs, 1, bias=False), norm(kind, outputs)] if inputs != outputs else []
        self.shortcut = nn.Sequential(*wider)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (self.shortcut(x) + self.body(x)).relu_()


class Pool(nn.Module):
    """(n, channels, length) -> (n, channels), or both of mean and maximum beside each other."""

    def __init__(self, kind: str):
        super().__init__()
        self.kind = kind

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.kind == "mean":
            return x.mean(-1)
        return x.amax(-1) if self.kind == "max" else torch.cat([x.mean(-1), x.amax(-1)], 1)


class SeriesNetwork(nn.Sequential):
    """Stages of residual blocks, each but the first after a halving of the length; pooling, dropout, a linear layer.

    Layers are named by stage and place, so that a child finds its parent's weights whatever changed before them.
    """

    def __init__(self, genes: Mapping[str, Any], task: Task):
        if len(task.input_shape) != 2:
            raise EvonasError(f"the encoding 'series' is for (channels, length), not for {task.input_shape}")
        width, length = task.input_shape
        layers: dict[str, nn.Module] = {}
        for stage in range(genes["stages"]):
            if stage and length > 1:
                layers[f"halve{stage + 1}"] = nn.AvgPool1d(2, ceil_mode=True)
                length = -(-length // 2)
            for i in range(genes["blocks"]):
                dilation = min(genes["growth"] ** i, max(1, (length - 1) // (genes["kernel"] - 1)))
                outputs = genes["width"] * 2**stage
                layers[f"stage{stage + 1}-{i + 1}"] = Block(width, outputs, genes["kernel"], dilation, genes["norm"])
                width = outputs
        layers["pool"] = Pool(genes["pool"])
        layers["dropout"] = nn.Dropout(genes["dropout"])
        layers["head"] = nn.Linear(width * (2 if genes["pool"] == "both" else 1), task.n_classes)
        super().__init__(OrderedDict(layers))
