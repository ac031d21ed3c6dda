"""What a network is, whoever's encoding it comes from: numbers of the graph that one input goes through."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from evonas.training.profile import Operations, known_operations

KINDS = (
    "conv",
    "grouped",
    "pointwise",
    "linear",
    "attention",
    "pool",
    "norm",
    "activation",
    "sum",
    "product",
    "concat",
)
SIZES = (1, 2, 4, 8)  # stages: how many times smaller than the input, along a side
BY_NAME = {  # of torch's operations: what their names hold -> kind
    **dict.fromkeys(("max_pool", "avg_pool", "adaptive"), "pool"),
    "norm": "norm",
    **dict.fromkeys(("relu", "gelu", "silu", "sigmoid", "tanh", "hardswish", "elu", "mish", "softplus"), "activation"),
    "cat": "concat",
}


@dataclass
class _Way:
    """How a tensor came to be: the longest and the shortest way from the input in operations with weights, the
    logarithm of the number of ways, the receptive field and the distance of neighbours in inputs."""

    longest: int = 0
    shortest: int = 0
    log_ways: float = 0.0
    field: float = 1.0
    step: float = 1.0


@dataclass
class _Stage:
    """What is computed at one size."""

    operations: int = 0
    flops: float = 0.0
    params: float = 0.0
    width: int = 0


def graph_features(network: nn.Module, input_shape: tuple[int, ...]) -> dict[str, float]:
    """Numbers by name, the same names for every network: how many operations of which kind, the longest and the
    shortest way through it, how many ways there are, widths, receptive field, parameters, floating-point operations,
    and what of them lies at which size.

    One input, zeros of `input_shape`, goes through the network in eval mode, on the device where that is.
    """
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    modes = {module: module.training for module in network.modules()}
    x = torch.zeros(1, *input_shape, device=device)
    try:
        network.eval()
        with torch.no_grad(), known_operations(), _Walk(x) as walk:
            walk.ends(network(x))
    finally:
        for module, training in modes.items():
            module.training = training
    return walk.numbers(sum(p.numel() for p in network.parameters()))


@dataclass
class _Walk(Operations):
    """Follows what comes from the input; all else is weights."""

    x: torch.Tensor
    seen: dict[int, tuple[torch.Tensor, _Way]] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    stages: dict[int, _Stage] = field(default_factory=lambda: {size: _Stage() for size in SIZES})
    end: _Way = field(default_factory=_Way)
    last: tuple[int, int] = (1, 1)  # channels and pixels of the last tensor that has pixels
    numbers_made: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self.seen[id(self.x)] = self.x, _Way()
        self.pixels = math.prod(self.x.shape[2:])

    def done(self, func: Any, args: Any, kwargs: Any, out: Any, flops: int | None) -> None:
        given = list(_tensors((args, kwargs)))
        before = [self.seen[id(one)][1] for one in given if id(one) in self.seen]
        if before:
            name = func._overloadpacket.__name__
            self._note(name, args, given, before, float(flops or 0), next(_tensors(out), None))
            way = self._way(name, args, before, flops is not None)
            for one in _tensors(out):
                self.seen[id(one)] = one, way

    def ends(self, out: Any) -> None:
        for one in _tensors(out):
            if id(one) in self.seen:
                self.end = self.seen[id(one)][1]

    def _note(self, name: str, args: Any, given: Any, before: list[_Way], flops: float, out: Any) -> None:
        if not isinstance(out, torch.Tensor):
            return
        kind = _kind(name, args, flops > 0, len(before))
        if kind is None:
            return
        self.counts[kind] += 1
        self.numbers_made += out.numel()
        pixels = math.prod(out.shape[2:])
        if out.dim() > 2:
            self.last = int(out.shape[1]), pixels
        stage = self.stages[self._size(pixels if out.dim() > 2 else 1)]
        if flops:
            stage.operations += 1
            stage.flops += flops
            stage.params += sum(one.numel() for one in given if id(one) not in self.seen)
            stage.width = max(stage.width, int(out.shape[1]) if out.dim() > 1 else 1)

    def _size(self, pixels: int) -> int:
        dimensions = max(1, self.x.dim() - 2)
        times = (self.pixels / max(pixels, 1)) ** (1 / dimensions)
        return max((size for size in SIZES if size <= times * 1.2), default=1)

    def _way(self, name: str, args: Any, before: list[_Way], weighted: bool) -> _Way:
        ways = [one.log_ways for one in before]
        most = max(ways)
        way = _Way(
            max(one.longest for one in before) + weighted,
            min(one.shortest for one in before) + weighted,
            most + math.log(sum(math.exp(one - most) for one in ways)),
            max(one.field for one in before),
            max(one.step for one in before),
        )
        kernel, stride, dilation = _window(name, args)
        way.field = min(way.field + (kernel - 1) * dilation * way.step, 4.0 * max(self.x.shape[2:], default=1))
        way.step *= stride
        return way

    def numbers(self, params: int) -> dict[str, float]:
        flops = sum(stage.flops for stage in self.stages.values())
        weights = sum(stage.params for stage in self.stages.values())
        widths = [stage.width for stage in self.stages.values() if stage.width]
        found = {
            "log params": math.log1p(params),
            "log flops": math.log1p(flops),
            "log numbers": math.log1p(self.numbers_made),
            "longest way": float(self.end.longest),
            "shortest way": float(self.end.shortest),
            "log ways": self.end.log_ways,
            "log field": math.log(self.end.field),
            "log last pixels": math.log(self.last[1]),
            "log last width": math.log(self.last[0]),
            "log widest": math.log(max(widths, default=1)),
        }
        found |= {f"{kind}s": math.log1p(self.counts[kind]) for kind in KINDS}
        for size, stage in self.stages.items():
            found[f"operations at 1/{size}"] = math.log1p(stage.operations)
            found[f"flops at 1/{size}"] = stage.flops / max(flops, 1.0)
            found[f"params at 1/{size}"] = stage.params / max(weights, 1.0)
            found[f"width at 1/{size}"] = math.log1p(stage.width)
        return found


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from _tensors(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _tensors(one)


def _kind(name: str, args: Any, weighted: bool, inputs: int) -> str | None:
    if name.startswith("convolution"):
        weight, groups = args[1], args[8]
        if groups > 1:
            return "grouped"
        return "pointwise" if math.prod(weight.shape[2:]) == 1 else "conv"
    if weighted:
        return "linear" if inputs < 2 else "attention"
    for part, kind in BY_NAME.items():
        if part in name:
            return kind
    if inputs > 1 and name.startswith("add"):
        return "sum"
    return "product" if inputs > 1 and name.startswith("mul") else None


def _window(name: str, args: Any) -> tuple[float, float, float]:
    """Kernel, stride and dilation, the largest along a side; 1 of what has no window."""
    if name.startswith("convolution"):
        return max(args[1].shape[2:], default=1), max(args[3], default=1), max(args[5], default=1)
    if name.startswith(("max_pool", "avg_pool")) and len(args) > 1:
        kernel = max(args[1]) if isinstance(args[1], (list, tuple)) else args[1]
        stride = args[2] if len(args) > 2 else kernel
        return kernel, max(stride, default=kernel) if isinstance(stride, (list, tuple)) else stride, 1
    return 1, 1, 1
