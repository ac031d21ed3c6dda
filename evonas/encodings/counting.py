"""What layers cost, added up without building them, as `evonas.training.profile` counts them in a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass
class Counting:
    """Convolutions of odd kernels that keep the size but for their stride, one after the other, and what is learned
    beside them. `height` and `width` are the pixels where the next one begins; a multiply-add is two operations."""

    height: int
    width: int
    params: int = 0
    flops: int = 0

    def convolution(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> None:
        """A convolution without bias; the next begins where it ends."""
        self.height, self.width = -(-self.height // stride), -(-self.width // stride)
        self.beside(inputs // groups, outputs, kernel)

    def beside(self, inputs: int, outputs: int, kernel: int = 1) -> None:
        """A convolution of stride 1 without bias."""
        weights = inputs * outputs * kernel**2
        self.params += weights
        self.flops += 2 * weights * self.height * self.width

    def normalisation(self, channels: int) -> None:
        self.params += 2 * channels

    def linear(self, inputs: int, outputs: int) -> None:
        """A linear layer, or a convolution of one pixel, with bias."""
        self.params += (inputs + 1) * outputs
        self.flops += 2 * inputs * outputs

    @property
    def costs(self) -> dict[str, float]:
        return {"params": self.params, "flops": self.flops}


def one_less(named: Mapping[str, Any], gene: str, choices: Sequence[Any]) -> dict[str, Any] | None:
    """The choices with one gene a step earlier in its own; None where it has the first."""
    place = choices.index(named[gene])
    return {**named, gene: choices[place - 1]} if place else None
