"""The layers of `net`, made from a plan; named by stage and place, so that a child finds its parent's weights."""

from __future__ import annotations

import math
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

from evonas.encodings.net_layout import upwards
from evonas.encodings.net_plan import Convolution, Pair, Part, Plan, Stem

SMALLEST = 5e-4  # added to the variance of a direction before its root is taken, as airbench does
MAXIMA = 0.25  # times a maximum of ReLUs is about their mean
PATCHES = 2**16  # as many as a covariance is taken of


def conv(one: Convolution, padding: Pair | None = None) -> nn.Conv2d:
    around = (one.kernel[0] // 2, one.kernel[1] // 2) if padding is None else padding
    return nn.Conv2d(one.inputs, one.outputs, one.kernel, one.stride, around, groups=one.groups, bias=False)


class Whitening(nn.Module):
    """Patches in the directions of their highest variance, each divided by its deviation, with both signs; then ReLU.

    A frozen first layer (Jordan 2024, "94 % on CIFAR-10 in 3.29 seconds", arXiv 2404.00498, section 3.2, after Page's
    ResNet, 2019). Until `whiten` has seen images its directions are orthogonal ones of a fixed seed. They are a
    buffer: saved with the weights and never learned.
    """

    weight: torch.Tensor

    def __init__(self, one: Convolution):
        super().__init__()
        self.stride = one.stride
        numbers = one.inputs * math.prod(one.kernel)
        drawn = torch.randn(numbers, one.outputs // 2, generator=torch.Generator().manual_seed(0))
        directions = torch.linalg.qr(drawn)[0].T.reshape(one.outputs // 2, one.inputs, *one.kernel)
        self.register_buffer("weight", torch.cat([directions, -directions]))  # twice the filters cost less than a copy

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, c, h, w) -> (n, 2 · directions, h', w')."""
        return F.conv2d(x, self.weight, None, self.stride).relu_()

    @torch.no_grad()
    def whiten(self, images: torch.Tensor) -> None:
        """Set the directions from (n, c, h, w) images as they come here; unless all are finite, nothing changes.

        Directions without variance stay short ones: `SMALLEST` keeps noise from being blown up.
        """
        kernel = (self.weight.shape[2], self.weight.shape[3])
        places = math.prod(
            (side - k) // by + 1 for side, k, by in zip(images.shape[2:], kernel, self.stride, strict=True)
        )
        few = images[: max(1, PATCHES // places)].float()
        patches = F.unfold(few, kernel, stride=self.stride).movedim(1, -1).flatten(0, 1)  # (n · places, numbers)
        patches = patches - patches.mean(0)
        covariance = (patches.T @ patches / len(patches)).cpu().double()
        if not torch.isfinite(covariance).all():
            return
        variances, vectors = torch.linalg.eigh(covariance)  # rising
        strongest = list(range(len(variances) - 1, len(variances) - 1 - len(self.weight) // 2, -1))
        rows = vectors[:, strongest].T
        largest = rows.gather(1, rows.abs().argmax(1, keepdim=True))
        rows = rows * torch.where(largest < 0, -1.0, 1.0)  # a sign of its own makes eigenvectors the same everywhere
        rows = rows / (variances[strongest].clamp(min=0) + SMALLEST).sqrt()[:, None]
        self.weight.copy_(torch.cat([rows, -rows]).reshape(self.weight.shape))


class StemLayer(nn.Module):
    """Average pooling where the picture is large, and the first convolution."""

    def __init__(self, stem: Stem):
        super().__init__()
        self.pool = nn.AvgPool2d(stem.pool, ceil_mode=True) if max(stem.pool) > 1 else nn.Identity()
        if stem.kind == "white":
            self.add_module(stem.kind, Whitening(stem.convolution))
        else:
            layers: OrderedDict[str, nn.Module] = OrderedDict(
                convolution=conv(stem.convolution, stem.padding),
                norm=nn.BatchNorm2d(stem.convolution.outputs),
                relu=nn.ReLU(inplace=True),
            )
            self.add_module(stem.kind, nn.Sequential(layers))
        self.kind = stem.kind

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.get_submodule(self.kind)(self.pool(x))


class PartLayer(nn.Module):
    """Convolutions with their normalisation, and the input added where the plan says so."""

    def __init__(self, part: Part):
        super().__init__()
        layers: dict[str, nn.Module] = {}
        for place, one in enumerate(part.body, 1):
            layers[f"convolution{place}"] = conv(one)
            if place == 1 and max(part.pool) > 1:  # before the normalisation, which then has a quarter to do
                layers["pool"] = nn.MaxPool2d(part.pool, ceil_mode=upwards(one.size))
            layers[f"norm{place}"] = nn.BatchNorm2d(one.outputs)
            if place < len(part.body) or part.joined != "before":
                layers[f"relu{place}"] = nn.ReLU(inplace=True)
        self.body = nn.Sequential(OrderedDict(layers))
        self.joined = part.joined
        if part.shortcut:
            way: OrderedDict[str, nn.Module] = OrderedDict(
                convolution=conv(part.shortcut), norm=nn.BatchNorm2d(part.shortcut.outputs)
            )
            self.shortcut: nn.Module = nn.Sequential(way)
        else:
            self.shortcut = nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.joined == "not":
            return self.body(x)
        if self.joined == "after":
            return x + self.body(x)
        return (self.shortcut(x) + self.body(x)).relu_()


class Head(nn.Module):
    """(n, c, h, w) -> (n, numbers): means, means and maxima, or the pixels of a small grid.

    Maxima and pixels are scaled to about the length that means have together: the linear layer learns at one rate, and
    from vectors some times as long its first steps would be as many times squared too large.
    """

    def __init__(self, plan: Plan):
        super().__init__()
        self.kind = plan.head
        self.scale = 1 / math.sqrt(math.prod(plan.grid)) if plan.head == "flatten" else MAXIMA
        self.grid = nn.Identity() if plan.grid == plan.stages[-1][-1].size else nn.AdaptiveAvgPool2d(plan.grid)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.kind == "flatten":
            return self.grid(x).flatten(1) * self.scale
        mean = x.mean((2, 3))
        return mean if self.kind == "mean" else torch.cat([mean, x.amax((2, 3)) * self.scale], 1)


class NetNetwork(nn.Sequential):
    """Stem, stages, head, dropout, a linear layer: (n, c, h, w) floats in, (n, classes) logits out."""

    def __init__(self, plan: Plan, dropout: float, classes: int):
        layers: dict[str, nn.Module] = {"stem": StemLayer(plan.stem)}
        for number, stage in enumerate(plan.stages, 1):
            for place, part in enumerate(stage, 1):
                layers[f"stage{number}-{place}"] = PartLayer(part)
        layers["pool"] = Head(plan)
        layers["dropout"] = nn.Dropout(dropout)
        layers["linear"] = nn.Linear(plan.numbers, classes)
        super().__init__(OrderedDict(layers))

    def calibrate(self, images: torch.Tensor) -> None:
        """Set the whitening, where there is one, from (n, c, h, w) normalised training images."""
        stem = self.get_submodule("stem")
        for layer in stem.modules():
            if isinstance(layer, Whitening):
                layer.whiten(stem.get_submodule("pool")(images))
