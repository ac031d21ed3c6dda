"""Which devices and number formats there are. What would make a process take memory on a GPU is asked last."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

import torch
from torch import nn

from evonas.core.errors import EvonasError

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # as glibc's malloc.h numbers them
LARGEST_MMAP_THRESHOLD = 2**25  # bytes; glibc takes no more


def find_device(name: str) -> str:
    """Raises EvonasError, with the devices there are, where `name` is none of them."""
    there = ["cpu"]
    if torch.cuda.is_available():
        there = ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count())), *there]
    if torch.backends.mps.is_available():
        there = [*there, "mps"]
    if name == "auto":
        return "cuda" if "cuda" in there else "mps" if "mps" in there else "cpu"
    if name not in there:
        raise EvonasError(
            f"no device {name!r} on this machine; there are {', '.join(map(repr, there))}, or give 'auto'"
        )
    return name


def find_precision(name: str, device: str) -> str:
    """`float32` or `bfloat16`; on CUDA `auto` stays what it is: to ask the device would take memory on it.

    Raises EvonasError where `name` is none of the three.
    """
    if name not in ("auto", "float32", "bfloat16"):
        raise EvonasError(f"no precision {name!r}; there are 'auto', 'bfloat16' and 'float32'")
    if name != "auto" or device.startswith("cuda"):
        return name
    return "bfloat16" if device == "cpu" and _cpu_has_bfloat16() else "float32"


def precision_for(network: nn.Module, precision: str, device: str) -> torch.dtype:
    """What a network's convolutions compute in. On CUDA `auto` is settled here, in the process that trains."""
    if device == "cpu" and _has_groups(network):
        return torch.float32
    if precision == "auto":
        return torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float32
    return getattr(torch, precision)


@cache
def keep_freed_memory() -> None:
    """Have this process keep the memory that a training step frees, for the next step.

    glibc gives large blocks back to the system at once and asks for them again some milliseconds later, page by page: a
    tenth of a small network's training on a CPU. Nothing happens where there is no glibc, or the environment
    (`MALLOC_…`) says already what should be kept.
    """
    if any(name.startswith("MALLOC_") for name in os.environ):
        return
    with suppress(OSError, AttributeError, TypeError):  # another C library, or none that can be asked
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
        mallopt(TRIM_THRESHOLD, 2**31 - 1)


@contextmanager
def threads_of_torch(number: int) -> Iterator[None]:
    """Within it torch computes on the CPU with so many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _has_groups(network: nn.Module) -> bool:
    """Whether it convolves channels in groups: on a CPU their gradient in bfloat16 takes several times as long."""
    return any(
        isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)) and module.groups > 1 for module in network.modules()
    )


def _cpu_has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself; torch has no public word for it in all versions."""
    probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, probe, lambda: False)() for probe in probes)
