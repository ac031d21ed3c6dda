"""A genome's network, ready for training."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from evonas.core.networks import with_sizes
from evonas.core.optional import Calibrated
from evonas.core.randomness import seeded_globals
from evonas.core.types import Encoding, Task
from evonas.training.accelerators import random_state, seed_generator, set_random_state


def build(encoding: Encoding[Any], genome: Any, task: Task) -> nn.Module:
    """What the encoding builds, its lazy layers given their sizes by two empty inputs.

    Raises TypeError where that is no network.
    """
    network = encoding.build(genome, task)
    if not isinstance(network, nn.Module):
        raise TypeError(f"build() returned a {type(network).__name__}, not a torch.nn.Module")
    return with_sizes(network, task.input_shape)


def calibrate(network: nn.Module, images: Callable[[], torch.Tensor]) -> None:
    """Show images to the layers that are set from them."""
    for module in network.modules():
        if isinstance(module, Calibrated):
            with torch.no_grad():
                module.calibrate(images())


@contextmanager
def seeded(seed: int, device: str = "cpu") -> Iterator[None]:
    """Within it torch's generators of the CPU and of `device`, Python's and numpy's are seeded; afterwards they are as
    they were before.

    A network may draw from any of them where it is built and where it is run.
    """
    state = random_state(device)
    with torch.random.fork_rng(devices=[]), seeded_globals(np.random.default_rng(seed)):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed reaches into devices that nobody asked for
        seed_generator(device, seed)
        try:
            yield
        finally:
            if state is not None:
                set_random_state(device, state)
