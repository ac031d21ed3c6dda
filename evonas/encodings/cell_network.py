"""The networks of NAS-Bench-201 cells, layer by layer as the benchmark has them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from evonas.core.types import Task
from evonas.encodings.cell_genome import EDGES, live


def relu_conv_bn(inputs: int, outputs: int, kernel: int, stride: int = 1, *, inplace: bool = False) -> nn.Module:
    """`inplace` where nothing else looks at the input: a write less of all its numbers."""
    return nn.Sequential(
        nn.ReLU(inplace),
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


class Zero(nn.Module):
    """Nothing, through which a gradient of zero flows."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * 0.0


def operation(name: str, width: int) -> nn.Module:
    if name == "none":
        return Zero()
    if name == "skip_connect":
        return nn.Identity()
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    return relu_conv_bn(width, width, int(name[-1]))


class Cell(nn.Module):
    """Node 3 of a cell; each node is the sum of its incoming edges. Edges that are `none` are computed only where a
    parameter would have no gradient without them, which costs a tenth of a step."""

    def __init__(self, operations: Sequence[str], width: int):
        super().__init__()
        kept = [(a, b, name) for (a, b), name in zip(EDGES, operations, strict=True)]
        cut_off = {
            b
            for (_, b, name), now in zip(kept, live(tuple(operations)), strict=True)
            if name.startswith("nor") and now == "none"
        }  # nodes fed by a parameter that no path leads to the output
        self.edges = [(a, b) for a, b, name in kept if name != "none" or a in cut_off]
        # named by the edge, so that a child that has another one beside it finds this one's weights
        self.operations = nn.ModuleDict(
            {f"{a}-{b}": operation(name, width) for a, b, name in kept if (a, b) in self.edges}
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        nodes: list[torch.Tensor | None] = [x, None, None, None]
        for (source, target), edge in zip(self.edges, self.operations.values(), strict=True):
            value = nodes[source]
            if value is None:
                value = nodes[source] = x * 0.0
            made = edge(value)
            had = nodes[target]
            nodes[target] = made if had is None else had + made
        output = nodes[3]
        return x * 0.0 if output is None else output


class Reduction(nn.Module):
    """A residual block that halves the image and changes the width (ResNet's basic block, pre-activated)."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.block = nn.Sequential(
            relu_conv_bn(inputs, outputs, 3, stride), relu_conv_bn(outputs, outputs, 3, inplace=True)
        )
        # ceil_mode: an odd size is halved as the strided convolution beside it does
        pool = nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False) if stride > 1 else nn.Identity()
        self.shortcut = nn.Sequential(pool, nn.Conv2d(inputs, outputs, 1, bias=False))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.shortcut(x) + self.block(x)


class CellNetwork(nn.Sequential):
    """Stem, three stages of equal cells with reductions between, pooling, a linear layer."""

    def __init__(self, operations: Sequence[str], task: Task, width: int, cells: int):
        channels, height, image_width = task.input_shape
        size = min(height, image_width)
        layers: list[nn.Module] = [
            nn.Sequential(nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))
        ]
        for stage in range(3):
            if stage > 0:
                stride = 2 if size >= 2 else 1
                layers.append(Reduction(width, 2 * width, stride))
                width, size = 2 * width, -(-size // stride)
            layers += [Cell(operations, width) for _ in range(cells)]
        head = [
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(width, task.n_classes),
        ]
        super().__init__(*layers, *head)
