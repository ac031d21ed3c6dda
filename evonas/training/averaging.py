"""Weights averaged over the last part of a training."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import nn

from evonas.training.inheritance import named_tensors


class Averages:
    """An exponential average of weights and running statistics, updated every few steps.

    Args:
        network: whose weights; on its device.
        share: the time constant, as a share of the training.
    """

    EVERY = 4  # steps

    def __init__(self, network: nn.Module, share: float):
        self.network, self.share, self.last = network, share, 0.0
        self.values = {
            name: tensor.detach().clone()
            for name, tensor in named_tensors(network).items()
            if tensor.is_floating_point()
        }

    def update(self, progress: float) -> None:
        """After a step at a progress of 0 to 1."""
        weight = 1 - math.exp(-(progress - self.last) / self.share)
        self.last = progress
        own = named_tensors(self.network)
        with torch.no_grad():
            for name, value in self.values.items():
                value.lerp_(own[name].detach(), weight)

    def swap(self) -> None:
        """The network gets the averages, and they what it had; done again, it is as before."""
        own = named_tensors(self.network)
        with torch.no_grad():
            for name, value in self.values.items():
                had = own[name].clone()
                own[name].copy_(value)
                value.copy_(had)

    def restore(self, values: Mapping[str, torch.Tensor], last: float) -> None:
        """Raises ValueError where the values are another network's."""
        if values.keys() != self.values.keys():
            raise ValueError("the averages are of another network")
        for name, value in values.items():
            self.values[name].copy_(value)
        self.last = last
