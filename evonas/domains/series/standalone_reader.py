"""What `model.py` of `evonas export --format standalone` reads series with: the text below the line goes there."""

from __future__ import annotations

from typing import Any

import torch

SHAPE = (1, 128)

# --- of model.py


def read(examples: Any) -> torch.Tensor:
    """(n, *SHAPE) floats of a tensor (n, *SHAPE), channels before length, or of nested lists of that shape. Raises
    ValueError where they are others, or a value is missing."""
    values = torch.as_tensor(examples, dtype=torch.float64)
    if tuple(values.shape[1:]) != SHAPE or not bool(values.isfinite().all()):
        raise ValueError(f"series of shape {tuple(values.shape)}; this network wants (n, *{SHAPE}) finite numbers")
    return values
