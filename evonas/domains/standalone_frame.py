"""What `model.py` of `evonas export --format standalone` ends with: the text below the line goes there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import torch

CLASSES: tuple[str, ...] = ()
MEAN, DEVIATION, SCALE = (0.0,), (1.0,), 1.0
WEIGHTS = Path(__file__).with_name("weights.safetensors")


def read(examples: Any) -> torch.Tensor:
    raise NotImplementedError


def network(w: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    raise NotImplementedError


# --- of model.py


def predict_proba(examples: Any) -> torch.Tensor:
    """(n, classes) probabilities of examples as `read` takes them."""
    return of_read(read(examples))


def predict(examples: Any) -> list[str]:
    """The n classes by name."""
    return [CLASSES[code] for code in predict_proba(examples).argmax(1).tolist()]


def of_read(x: torch.Tensor) -> torch.Tensor:
    """(n, classes) probabilities of (n, *SHAPE) as `read` gives them."""
    each = (1, -1, *[1] * (x.ndim - 2))
    mean, deviation = (torch.tensor(values, dtype=x.dtype).view(each) for values in (MEAN, DEVIATION))
    with torch.inference_mode():
        parts = ((part / SCALE - mean) / deviation for part in x.split(256))
        return torch.cat([network(weights(), part.float()).softmax(1) for part in parts])


@cache
def weights() -> dict[str, torch.Tensor]:
    """By name, from the file beside this one, in the format of safetensors: it holds numbers and runs nothing."""
    types = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "BOOL": "bool", "U8": "uint8"}
    types |= {"I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8"}
    data = WEIGHTS.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    found = {}
    for name, one in json.loads(data[8:start]).items():
        if name != "__metadata__":
            first, last = (start + offset for offset in one["data_offsets"])
            kind = getattr(torch, types[one["dtype"]])
            held = bytearray(data[first:last])
            found[name] = (torch.frombuffer(held, dtype=kind) if held else torch.empty(0, dtype=kind)).view(
                one["shape"]
            )
    return found
