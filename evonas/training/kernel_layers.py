"""Layers that learn by `kernels`: a batch normalisation and a convolution. Imported on CUDA only, as Triton is.

Numbers of a tile and of a share, programs and warps are the fastest of those tried on an H200, for the tensors of
NAS-Bench-201's networks (16 to 64 channels) with 256 images.
"""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd.function import once_differentiable

from evonas.training import kernels as untyped

kernels: Any = untyped  # type checkers do not know the language of kernels
SHARE = 16384  # numbers that a program of a normalisation sums up
TILE = 4096  # numbers that it holds at one time
PROGRAMS = 256  # of a normalisation at most; each reads the sums of all
PIXELS = 128  # that a program of a convolution computes
SUMMING = 96  # programs for each place of a kernel's gradient at most


class Normalisation(torch.autograd.Function):
    """Batch normalisation (Ioffe & Szegedy 2015, ICML), by two kernels each way."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor,
        running_mean: torch.Tensor,
        running_var: torch.Tensor,
        momentum: float,
        eps: float,
    ) -> torch.Tensor:
        """(n, channels, height, width), channels last -> the same, normalised; the running statistics are moved."""
        rows, channels, tile, share, programs = _shares(x)
        wide = _power_of_2(channels)
        partial = torch.empty(programs, 2, channels, device=x.device)
        mean, scale = (torch.empty(channels, device=x.device) for _ in range(2))
        y = torch.empty_like(x)
        kernels.moments[(programs,)](x, partial, rows, share, channels, wide, tile)
        kernels.normalise[(programs,)](
            x, y, partial, mean, scale, running_mean, running_var, weight, bias, rows, share, channels, programs,
            momentum, eps, wide, tile,
        )  # fmt: skip
        ctx.save_for_backward(x, weight, mean, scale)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: torch.Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight, mean, scale = ctx.saved_tensors
        rows, channels, tile, share, programs = _shares(x)
        wide = _power_of_2(channels)
        dy = dy.contiguous(memory_format=torch.channels_last)
        partial = torch.empty(programs, 2, channels, device=x.device)
        dx, dweight, dbias = torch.empty_like(x), torch.empty_like(weight), torch.empty_like(weight)
        kernels.gradient_sums[(programs,)](dy, x, mean, scale, partial, rows, share, channels, wide, tile)
        kernels.denormalise[(programs,)](
            dy, x, dx, mean, scale, weight, partial, dweight, dbias, rows, share, channels, programs, wide, tile
        )
        return dx, dweight, dbias, None, None, None, None


def _shares(x: torch.Tensor) -> tuple[int, int, int, int, int]:
    """(rows, channels, rows of a tile, rows of a program's share, programs)."""
    channels = x.shape[1]
    rows, tile = x.numel() // channels, max(1, TILE // _power_of_2(channels))
    programs = max(1, min(PROGRAMS, rows * channels // SHARE))
    share = -(-rows // (programs * tile)) * tile
    return rows, channels, tile, share, -(-rows // share)


class Convolution(torch.autograd.Function):
    """A convolution with an odd square kernel that keeps the size: products in bfloat16, sums in float32."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """(n, inputs, height, width), channels last, and (outputs, inputs, k, k) -> (n, outputs, height, width)."""
        ctx.save_for_backward(x, weight)
        shape = (x.shape[0], weight.shape[0], *x.shape[2:])
        last = {"device": x.device, "memory_format": torch.channels_last}
        return _convolve(x, weight, torch.empty(shape, dtype=torch.bfloat16, **last), turned=False)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: torch.Tensor) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        x, weight = ctx.saved_tensors
        dy = dy.contiguous(memory_format=torch.channels_last)
        dx = _convolve(dy, weight, torch.empty_like(x), turned=True) if ctx.needs_input_grad[0] else None
        return dx, _correlate(x, dy, weight) if ctx.needs_input_grad[1] else None


def _convolve(x: torch.Tensor, weight: torch.Tensor, y: torch.Tensor, turned: bool) -> torch.Tensor:
    """y; `turned` is the gradient of the input from that of the output."""
    outputs, inputs, size = weight.shape[:3]
    weight = weight.contiguous(memory_format=torch.channels_last)
    by_output, by_input, _, by_tap = weight.stride()
    if turned:
        outputs, inputs, by_output, by_input = inputs, outputs, by_input, by_output
    rows, wide = y.numel() // outputs, (_side(inputs), _side(outputs))
    kernels.convolve[(-(-rows // PIXELS),)](
        x, weight, y, rows, x.shape[2], x.shape[3], inputs, outputs, by_output, by_input, by_tap,
        size, turned, *wide, PIXELS, _number(x), num_warps=8 if max(wide) > 32 else 4,
    )  # fmt: skip
    return y


def _correlate(x: torch.Tensor, dy: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The gradient of the weights, in float32."""
    outputs, inputs, size = weight.shape[:3]
    rows, wide = dy.numel() // outputs, (_side(inputs), _side(outputs))
    tile = 32 if max(wide) > 32 else 128
    share = max(1, -(-rows // (SUMMING * tile))) * tile
    programs = -(-rows // share)
    partial = torch.empty(programs, outputs, size, size, inputs, device=x.device)
    kernels.correlate[(programs, size * size)](
        x, dy, partial, rows, share, x.shape[2], x.shape[3], inputs, outputs, size, *wide, tile, _number(x), num_warps=4
    )
    return partial.sum(0).permute(0, 3, 1, 2)


def _power_of_2(number: int) -> int:
    return 1 << (number - 1).bit_length()


def _side(channels: int) -> int:
    """A product of matrices has at least 16 numbers a side, and a power of two."""
    return max(16, _power_of_2(channels))


def _number(x: torch.Tensor) -> Any:
    """What products are of; Triton's interpreter, on a CPU, cannot multiply bfloat16."""
    return kernels.tl.float32 if x.device.type == "cpu" else kernels.tl.bfloat16
