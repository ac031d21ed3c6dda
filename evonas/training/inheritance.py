"""Weights that a child takes over from a parent: the part of each tensor that both networks have."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn


def named_tensors(network: nn.Module) -> dict[str, torch.Tensor]:
    """Weights and running statistics by name; a shared one once."""
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}


def inherit(network: nn.Module, parent: Mapping[str, torch.Tensor]) -> float:
    """Overwrite in place what the parent's tensors of the same name cover; returns the share of numbers taken over.

    Of two different widths the first channels are shared, of two kernels the centre; the rest keeps its start. So an
    encoding's networks inherit what they call by the same name: name layers by their place in the genome.
    """
    taken = whole = 0
    with torch.no_grad():
        for name, tensor in named_tensors(network).items():
            whole += tensor.numel()
            value = parent.get(name)
            if value is not None and value.ndim == tensor.ndim:
                part = tensor[_window(tensor, value)]
                part.copy_(value[_window(value, tensor)])
                taken += part.numel()
    return taken / max(whole, 1)


def _window(tensor: torch.Tensor, other: torch.Tensor) -> tuple[slice, ...]:
    """What of `tensor` lies over `other`: their first channels, and the centre of what is behind them."""
    windows = []
    for axis, (size, others) in enumerate(zip(tensor.shape, other.shape, strict=True)):
        common = min(size, others)
        start = (size - common) // 2 if axis >= 2 else 0
        windows.append(slice(start, start + common))
    return tuple(windows)
