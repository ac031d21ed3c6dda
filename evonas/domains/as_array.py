"""A NumPy array of whatever a user holds data in."""

from __future__ import annotations

from typing import Any

import numpy as np

from evonas.core.errors import EvonasError, first_line
from evonas.domains.mapped import Mapped


def as_array(values: Any, what: str) -> np.ndarray:
    """A NumPy array of an array, a tensor on whatever device, or a nested list; bfloat16 becomes float32.

    Raises EvonasError, one line, where there is no regular array in it.
    """
    if isinstance(values, (list, tuple)) and values and all(hasattr(value, "detach") for value in values):
        values = [as_array(value, what) for value in values]
    try:
        if hasattr(values, "detach"):
            values = _of_tensor(values)
        array = values if isinstance(values, Mapped) else np.asarray(values)
    except (ValueError, TypeError, RuntimeError, OverflowError) as error:
        raise EvonasError(
            f"{what} is no regular array: {first_line(error)}; give one array, all of one size"
        ) from error
    if np.ma.is_masked(values):
        raise EvonasError(f"{what} holds masked values; fill them, or leave those images out")
    if array.dtype.kind == "V" and array.dtype.fields is None and array.dtype.name != f"void{8 * array.dtype.itemsize}":
        array = array.astype(np.float32)  # bfloat16 and other small types of ml_dtypes
    return array


def _of_tensor(tensor: Any) -> np.ndarray:
    tensor = tensor.detach()
    if tensor.is_sparse:
        tensor = tensor.to_dense()
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.is_floating_point() and str(tensor.dtype) not in ("torch.float16", "torch.float32", "torch.float64"):
        tensor = tensor.float()  # bfloat16 and smaller: NumPy has none of them
    return tensor.numpy(force=True)
