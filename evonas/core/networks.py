"""Networks before anything is trained."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
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


Stored = tuple[str, str, tuple[int, ...]]  # a tensor's name, its type as safetensors calls it, its shape
BYTES = {"I64": 8, "F64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2, "U8": 1, "I8": 1, "BOOL": 1}
WIDE_FIRST = ("U64", "I64", "F64", "F32", "U32", "I32", "BF16", "F16", "U16", "I16", "I8", "U8", "BOOL")


def weights_kb(tensors: Iterable[Stored]) -> float:
    """What a file of safetensors takes for these tensors and the table of their names, in 1024 bytes: eight bytes, a
    table in JSON, filled up to a multiple of eight, and the numbers (the format's own description in its README)."""
    table, end = {}, 0
    for name, kind, shape in sorted(tensors, key=lambda one: (WIDE_FIRST.index(one[1]), one[0])):
        start, end = end, end + BYTES[kind] * math.prod(shape)
        table[name] = {"dtype": kind, "shape": list(shape), "data_offsets": [start, end]}
    written = len(json.dumps(table, separators=(",", ":"), ensure_ascii=False).encode())
    return (8 + -(-written // 8) * 8 + end) / 1024
