"""Convolutions and normalisations of small networks by kernels of our own, on CUDA, in bfloat16.

With up to 64 channels torch's take several times as long as it takes to read and write the numbers: cuDNN's tiles are
made for more channels, and torch's normalisation has no kernel for bfloat16 that keeps the device busy. `Fused` takes
the calls of a network, whatever it is made of, and answers those that have a kernel; all others go where they went.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import torch
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

log = logging.getLogger(__name__)

LARGEST = 2**31  # numbers of a tensor: the kernels count in 32 bits
NORMALISED = 512  # channels of a normalisation at most: a program holds all of them
CONVOLVED = 64  # channels of a convolution at most: with more cuDNN's tiles are full


class Fused(TorchFunctionMode):
    """Within it `F.conv2d` and `F.batch_norm` are computed by `kernel_layers` where they can be."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        answer = ANSWERS.get(func)
        made = None if answer is None else answer(*args, **(kwargs or {}))
        return func(*args, **(kwargs or {})) if made is None else made


def fused(device: str, precision: torch.dtype) -> AbstractContextManager[Any]:
    """`Fused` on a CUDA device that computes in bfloat16 and for which kernels can be built; else nothing."""
    if torch.device(device).type != "cuda" or precision != torch.bfloat16 or not _works(device):
        return nullcontext()
    return Fused()


@cache
def _works(device: str) -> bool:
    """Whether kernels can be built here: there is Triton, a compiler for it, and an answer."""
    if torch.cuda.get_device_capability(device) < (8, 0):  # products of bfloat16
        return False
    try:
        x = torch.arange(24.0, device=device).reshape(2, 1, 3, 4).contiguous(memory_format=torch.channels_last)
        one, zero = torch.ones(1, device=device), torch.zeros(1, device=device)
        made = batch_norm(x, zero.clone(), one.clone(), one, zero, True)
        right = made is not None and torch.allclose(made, (x - 11.5) / x.std(correction=0), atol=1e-4)
    except Exception as error:  # of whatever kind: torch's own layers are always there
        log.info("no kernels of our own on %s: %s", device, error)
        return False
    return right


def conv2d(
    x: torch.Tensor,
    weight: torch.Tensor,
    bias: torch.Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> torch.Tensor | None:
    """As torch's, for kernels of 1×1 and 3×3 that keep the size; None where torch's own is to be taken."""
    size = weight.shape[-1]
    square = weight.ndim == 4 and weight.shape[-2] == size and size in (1, 3)
    if bias is not None or groups != 1 or not square or _pair(padding) != (size // 2,) * 2:
        return None
    channels = max(weight.shape[:2])
    if _pair(stride) != (1, 1) or _pair(dilation) != (1, 1) or channels > CONVOLVED or weight.dtype != torch.float32:
        return None
    if not _suits(x) or x.numel() // x.shape[1] * channels >= LARGEST:
        return None
    from evonas.training.kernel_layers import Convolution

    return Convolution.apply(x, weight)  # type: ignore[no-any-return]


def batch_norm(
    x: torch.Tensor,
    running_mean: torch.Tensor | None,
    running_var: torch.Tensor | None,
    weight: torch.Tensor | None = None,
    bias: torch.Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> torch.Tensor | None:
    """As torch's, while it learns; None where torch's own is to be taken."""
    if not training or running_mean is None or running_var is None or weight is None or bias is None:
        return None
    if any(one.dtype != torch.float32 for one in (running_mean, running_var, weight, bias)):
        return None
    if not _suits(x) or x.shape[1] > NORMALISED or x.numel() < 2 * x.shape[1]:  # torch's own says what is wrong
        return None
    from evonas.training.kernel_layers import Normalisation

    return Normalisation.apply(x, weight, bias, running_mean, running_var, momentum, eps)  # type: ignore[no-any-return]


ANSWERS: dict[Any, Callable[..., torch.Tensor | None]] = {F.conv2d: conv2d, F.batch_norm: batch_norm}


def _pair(value: Any) -> Any:
    return (value, value) if isinstance(value, int) else tuple(value) if isinstance(value, (tuple, list)) else value


def _suits(x: torch.Tensor) -> bool:
    """Images, channels last."""
    last = x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last)
    return last and x.dtype in (torch.bfloat16, torch.float32) and 0 < x.numel() < LARGEST
