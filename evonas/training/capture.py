"""Work on a CUDA device as one graph, which is started by a single call; and nothing left behind where that fails."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache

import numpy as np
import torch

WARM_UPS = 1  # on a side stream, as torch asks for, so that libraries choose their kernels before the capture


def captured(work: Callable[[], None], device: str) -> torch.cuda.CUDAGraph:
    """The graph of `work`, which has been done `WARM_UPS` times then; `replay` does it again.

    Random states are afterwards as before, so that the first replay draws what the work alone would have drawn.

    Raises RuntimeError where the work cannot be captured; torch.OutOfMemoryError is one. Streams, generators and the
    allocator are then as before; what the work has changed is the caller's to restore, and `torch.cuda.empty_cache()`
    to call when the exception, which holds tensors, is gone.
    """
    with torch.cuda.device(device):
        index, main, pool = torch.cuda.current_device(), torch.cuda.current_stream(), torch.cuda.graph_pool_handle()
        graph, generator = torch.cuda.CUDAGraph(), torch.cuda.default_generators[index]
        # graphs of one stream share cuBLAS's memory: a thread that has a stream of its own (`Turn`) captures on that
        side = _side_stream(index) if main == torch.cuda.default_stream() else main
        before = generator.clone_state()
        try:
            _warm_up(work, main, side)
            with torch.cuda.graph(graph, pool, side, "thread_local"):  # other threads may wait for their streams
                work()
        except BaseException:
            torch.cuda.set_stream(main)  # torch leaves that of a failed capture the current one
            _give_back(graph, pool, index)
            generator.graphsafe_set_state(before)  # another one: that of a failed capture may believe it still runs
            raise
        generator.set_state(before.get_state())  # the same one, which the graph knows
        return graph


@contextmanager
def drawing_nothing() -> Iterator[None]:
    """Raises RuntimeError where the host's global generators are drawn from within: a graph would repeat for ever what
    was drawn while it was captured. They are afterwards as before."""
    state, np_state, torch_state = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    try:
        yield
        np_now = np.random.get_state()  # noqa: NPY002
        same = random.getstate() == state and torch.equal(torch.get_rng_state(), torch_state)
        if not same or not all(np.array_equal(now, was) for now, was in zip(np_now, np_state, strict=True)):
            raise RuntimeError("it draws random numbers on the host, and a graph would repeat them")
    finally:
        random.setstate(state)
        np.random.set_state(np_state)  # noqa: NPY002
        torch.set_rng_state(torch_state)


def _warm_up(work: Callable[[], None], main: torch.cuda.Stream, side: torch.cuda.Stream) -> None:
    side.wait_stream(main)
    try:
        with torch.cuda.stream(side), drawing_nothing():
            for _ in range(WARM_UPS):
                work()
    finally:
        main.wait_stream(side)


def _give_back(graph: torch.cuda.CUDAGraph, pool: tuple[int, int], device: int) -> None:
    """The memory of a capture that failed. Before 2.14 torch itself keeps the pool for ever, and before 2.13 it also
    goes on as if the capture were under way (pytorch/pytorch#180395, #190348)."""
    graph.reset()
    if torch.__version__ < "2.14":
        for act in ("_cuda_endAllocateToPool", "_cuda_releasePool"):
            with suppress(RuntimeError, AttributeError):  # done already, or not begun
                getattr(torch._C, act)(device, pool)


@cache
def _side_stream(device: int) -> torch.cuda.Stream:
    """One for all trainings that are alone: cuBLAS takes some 32 MB for each stream that it was ever called on."""
    return torch.cuda.Stream(device)
