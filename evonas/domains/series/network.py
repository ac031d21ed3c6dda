"""Series as a finished network reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from evonas.core.errors import EvonasError
from evonas.domains import network
from evonas.domains.series.arrays import complete, to_values


@dataclass(frozen=True)
class Network(network.Network):
    """A network of series: (n, length, channels) numbers, (n, length) of one channel, a list of series, or one series.

    What is missing is completed as it was for the training; longer series than those are refused.
    """

    held: ClassVar[torch.dtype] = torch.float64

    @property
    def values(self) -> str:
        return f"(n, {', '.join(map(str, self.input_shape))}) values as the training series have, (n, channels, length)"

    def read(self, examples: Any) -> torch.Tensor:
        """(n, channels, length). Raises EvonasError where the shape is not that of `input_shape` (channels, length),
        or the values are not valid."""
        channels, length = self.input_shape
        if not isinstance(examples, (list, tuple)) and np.ndim(examples) <= 2:
            shape = np.shape(examples)
            if shape[-1:] == (channels,) and len(shape) == 2 and (channels > 1 or shape[0] == length):
                examples = examples[None]  # (length, channels)
            elif channels == 1 and len(shape) == 1:
                examples = examples[None, :, None]
        if len(examples) == 0:
            return torch.zeros(0, channels, length)
        array = to_values(examples, "the input")
        if array.shape[2] != channels or array.shape[1] > length:
            raise EvonasError(
                f"cannot predict for series of shape {array.shape}; this network wants (n, {length}, {channels}), "
                "or shorter ones"
            )
        return torch.from_numpy(np.ascontiguousarray(np.moveaxis(complete(array, length, "the input"), -1, 1)))

    def standalone_reader(self) -> tuple[str, Mapping[str, Any]]:
        from evonas.domains.standalone import below_the_line

        return below_the_line("series/standalone_reader.py"), {}
