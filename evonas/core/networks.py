"""Networks before anything is trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def with_sizes(network: nn.Module, input_shape: tuple[int, ...]) -> nn.Module:
    """The network, its lazy layers given their sizes by two empty inputs."""
    import torch
    from torch.nn.parameter import is_lazy

    if any(map(is_lazy, network.parameters())) or any(map(is_lazy, network.buffers())):
        was_training = network.training
        with torch.no_grad():
            network.eval()(torch.zeros(2, *input_shape))
        network.train(was_training)
    return network
