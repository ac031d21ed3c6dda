# type: ignore
"""Triton kernels for the layers that small networks are made of, where torch's own take several times the least time.

Numbers lie channels last: an image set (n, height, width, channels) is a matrix of `rows` pixels by channels. Imported
on CUDA only (`fused.py`), as the import takes a second; with TRITON_INTERPRET=1 they run on a CPU, for tests.
"""

from __future__ import annotations

import triton
import triton.language as tl

# what changes with the number of images: a kernel that knew more of it would be compiled anew for a smaller batch
VARIES = ["rows", "share", "programs", "height", "width"]


@triton.jit(do_not_specialize=VARIES)
def moments(x, partial, rows, share, channels, CHANNELS: tl.constexpr, BLOCK: tl.constexpr):
    """Of each program's `share` of the rows the sums, by channel, of x - x₀ and of its square; x₀ is the first row:
    sums of numbers far from zero would lose what they differ by."""
    program, columns = tl.program_id(0), tl.arange(0, CHANNELS)
    there = columns < channels
    first = tl.load(x + columns, mask=there, other=0.0).to(tl.float32)
    sums, squares = tl.zeros((BLOCK, CHANNELS), tl.float32), tl.zeros((BLOCK, CHANNELS), tl.float32)
    for start in range(program * share, program * share + share, BLOCK):
        lines = start + tl.arange(0, BLOCK)
        inside = (lines < rows)[:, None] & there[None, :]
        value = tl.load(x + lines[:, None] * channels + columns[None, :], mask=inside, other=0.0).to(tl.float32)
        value = tl.where(inside, value - first[None, :], 0.0)
        sums += value
        squares += value * value
    place = partial + program * 2 * channels + columns
    tl.store(place, tl.sum(sums, 0), mask=there)
    tl.store(place + channels, tl.sum(squares, 0), mask=there)


@triton.jit
def summed(partial, columns, there, channels, programs, CHANNELS: tl.constexpr):
    """The two sums of all programs, a few of them at a time."""
    FEW: tl.constexpr = 16
    first, second = tl.zeros((FEW, CHANNELS), tl.float32), tl.zeros((FEW, CHANNELS), tl.float32)
    for start in range(0, programs, FEW):
        places = (start + tl.arange(0, FEW))[:, None] * 2 * channels + columns[None, :]
        inside = (start + tl.arange(0, FEW) < programs)[:, None] & there[None, :]
        first += tl.load(partial + places, mask=inside, other=0.0)
        second += tl.load(partial + places + channels, mask=inside, other=0.0)
    return tl.sum(first, 0), tl.sum(second, 0)


@triton.jit(do_not_specialize=VARIES)
def normalise(
    x, y, partial, mean_out, scale_out, running_mean, running_var, weight, bias, rows, share, channels, programs,
    momentum, eps, CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """y = (x - mean) / deviation · weight + bias, by the `moments` of all; the first program also keeps mean and
    1 / deviation, and moves the running statistics."""
    program, columns = tl.program_id(0), tl.arange(0, CHANNELS)
    there = columns < channels
    sums, squares = summed(partial, columns, there, channels, programs, CHANNELS)
    first = tl.load(x + columns, mask=there, other=0.0).to(tl.float32)
    off = sums / rows
    variance = tl.maximum(squares / rows - off * off, 0.0)
    mean, scale = first + off, 1.0 / tl.sqrt(variance + eps)
    if program == 0:
        tl.store(mean_out + columns, mean, mask=there)
        tl.store(scale_out + columns, scale, mask=there)
        before = tl.load(running_mean + columns, mask=there, other=0.0)
        tl.store(running_mean + columns, before + momentum * (mean - before), mask=there)
        before = tl.load(running_var + columns, mask=there, other=0.0)
        tl.store(running_var + columns, before + momentum * (variance * (rows / (rows - 1)) - before), mask=there)
    slope = scale * tl.load(weight + columns, mask=there, other=0.0)
    offset = tl.load(bias + columns, mask=there, other=0.0) - mean * slope
    for start in range(program * share, program * share + share, BLOCK):
        lines = start + tl.arange(0, BLOCK)
        inside = (lines < rows)[:, None] & there[None, :]
        places = lines[:, None] * channels + columns[None, :]
        value = tl.load(x + places, mask=inside, other=0.0).to(tl.float32)
        value = value * slope[None, :] + offset[None, :]
        tl.store(y + places, value.to(y.dtype.element_ty), mask=inside)


@triton.jit(do_not_specialize=VARIES)
def gradient_sums(dy, x, mean, scale, partial, rows, share, channels, CHANNELS: tl.constexpr, BLOCK: tl.constexpr):
    """Of each program's share of the rows the sums, by channel, of dy and of dy times the normalised x."""
    program, columns = tl.program_id(0), tl.arange(0, CHANNELS)
    there = columns < channels
    middle = tl.load(mean + columns, mask=there, other=0.0)
    sums, products = tl.zeros((BLOCK, CHANNELS), tl.float32), tl.zeros((BLOCK, CHANNELS), tl.float32)
    for start in range(program * share, program * share + share, BLOCK):
        lines = start + tl.arange(0, BLOCK)
        inside = (lines < rows)[:, None] & there[None, :]
        places = lines[:, None] * channels + columns[None, :]
        slope = tl.load(dy + places, mask=inside, other=0.0).to(tl.float32)
        value = tl.load(x + places, mask=inside, other=0.0).to(tl.float32)
        sums += slope
        products += slope * (value - middle[None, :])
    place = partial + program * 2 * channels + columns
    tl.store(place, tl.sum(sums, 0), mask=there)
    tl.store(place + channels, tl.sum(products, 0) * tl.load(scale + columns, mask=there, other=0.0), mask=there)


@triton.jit(do_not_specialize=VARIES)
def denormalise(
    dy, x, dx, mean, scale, weight, partial, dweight, dbias, rows, share, channels, programs,
    CHANNELS: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """The gradient of x by the `gradient_sums` of all; the first program also keeps those of weight and bias, which
    they are."""
    program, columns = tl.program_id(0), tl.arange(0, CHANNELS)
    there = columns < channels
    sums, products = summed(partial, columns, there, channels, programs, CHANNELS)
    if program == 0:
        tl.store(dbias + columns, sums, mask=there)
        tl.store(dweight + columns, products, mask=there)
    middle, length = tl.load(mean + columns, mask=there, other=0.0), tl.load(scale + columns, mask=there, other=0.0)
    slope = length * tl.load(weight + columns, mask=there, other=0.0)
    for_x, constant = slope * length * products / rows, slope * sums / rows
    for start in range(program * share, program * share + share, BLOCK):
        lines = start + tl.arange(0, BLOCK)
        inside = (lines < rows)[:, None] & there[None, :]
        places = lines[:, None] * channels + columns[None, :]
        value = tl.load(x + places, mask=inside, other=0.0).to(tl.float32) - middle[None, :]
        made = tl.load(dy + places, mask=inside, other=0.0).to(tl.float32) * slope[None, :]
        made -= value * for_x[None, :] + constant[None, :]
        tl.store(dx + places, made.to(dx.dtype.element_ty), mask=inside)


@triton.jit(do_not_specialize=VARIES)
def convolve(
    x, weight, y, rows, height, width, inputs, outputs, by_output, by_input, by_tap,
    KERNEL: tl.constexpr, TURNED: tl.constexpr, INPUTS: tl.constexpr, OUTPUTS: tl.constexpr, BLOCK: tl.constexpr,
    NUMBER: tl.constexpr,
):  # fmt: skip
    """Each program BLOCK pixels of y (rows, outputs), from x (rows, inputs): a product of matrices for each of the
    kernel's places. `by_…` are the steps in weight; `TURNED` turns the kernel round, as the gradient of x wants it."""
    lines = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    ins, outs = tl.arange(0, INPUTS), tl.arange(0, OUTPUTS)
    line, column = (lines // width) % height, lines % width
    total = tl.zeros((BLOCK, OUTPUTS), tl.float32)
    for tap in tl.static_range(KERNEL * KERNEL):
        down, right = tap // KERNEL - KERNEL // 2, tap % KERNEL - KERNEL // 2
        inside = (lines < rows) & (line + down >= 0) & (line + down < height)
        inside &= (column + right >= 0) & (column + right < width)
        places = (lines + down * width + right)[:, None] * inputs + ins[None, :]
        value = tl.load(x + places, mask=inside[:, None] & (ins < inputs)[None, :], other=0.0)
        at = (KERNEL * KERNEL - 1 - tap) if TURNED else tap
        places = outs[None, :] * by_output + ins[:, None] * by_input + at * by_tap
        kernel = tl.load(weight + places, mask=(ins < inputs)[:, None] & (outs < outputs)[None, :], other=0.0)
        total = tl.dot(value.to(NUMBER), kernel.to(NUMBER), total)
    places = lines[:, None] * outputs + outs[None, :]
    tl.store(y + places, total.to(y.dtype.element_ty), mask=(lines < rows)[:, None] & (outs < outputs)[None, :])


@triton.jit(do_not_specialize=VARIES)
def correlate(
    x, dy, partial, rows, share, height, width, inputs, outputs,
    KERNEL: tl.constexpr, INPUTS: tl.constexpr, OUTPUTS: tl.constexpr, BLOCK: tl.constexpr, NUMBER: tl.constexpr,
):  # fmt: skip
    """The gradient of one place of a kernel, from each program's share of the pixels: (programs, outputs, places,
    inputs)."""
    program, tap = tl.program_id(0), tl.program_id(1)
    down, right = tap // KERNEL - KERNEL // 2, tap % KERNEL - KERNEL // 2
    ins, outs = tl.arange(0, INPUTS), tl.arange(0, OUTPUTS)
    total = tl.zeros((INPUTS, OUTPUTS), tl.float32)
    for start in range(program * share, program * share + share, BLOCK):
        lines = start + tl.arange(0, BLOCK)
        line, column = (lines // width) % height, lines % width
        inside = (lines < rows) & (line + down >= 0) & (line + down < height)
        inside &= (column + right >= 0) & (column + right < width)
        places = (lines + down * width + right)[None, :] * inputs + ins[:, None]
        value = tl.load(x + places, mask=inside[None, :] & (ins < inputs)[:, None], other=0.0)
        places = lines[:, None] * outputs + outs[None, :]
        slope = tl.load(dy + places, mask=inside[:, None] & (outs < outputs)[None, :], other=0.0)
        total = tl.dot(value.to(NUMBER), slope.to(NUMBER), total)
    places = ((program * outputs + outs[None, :]) * KERNEL * KERNEL + tap) * inputs + ins[:, None]
    tl.store(partial + places, total, mask=(ins < inputs)[:, None] & (outs < outputs)[None, :])
