"""What CUDA and MPS have both, each by a name of its own, and a CPU has not: a generator, a queue, memory."""

from __future__ import annotations

import torch


def kind_of(device: str) -> str:
    """`cuda` of `cuda:1`."""
    return torch.device(device).type


def random_state(device: str) -> torch.Tensor | None:
    """That of the device's own generator, on the host; None of a CPU, whose is torch's global one."""
    kind = kind_of(device)
    if kind == "cuda":
        return torch.cuda.get_rng_state(device)
    return torch.mps.get_rng_state() if kind == "mps" else None


def set_random_state(device: str, state: torch.Tensor) -> None:
    """As `random_state` gave it."""
    if kind_of(device) == "cuda":
        torch.cuda.set_rng_state(state, device)
    else:
        torch.mps.set_rng_state(state)


def seed_generator(device: str, seed: int) -> None:
    """Seed the device's own generator; nothing on a CPU."""
    kind = kind_of(device)
    if kind == "cuda":
        with torch.cuda.device(device):
            torch.cuda.manual_seed(seed)
    elif kind == "mps":
        torch.mps.manual_seed(seed)


def wait_for(device: str) -> None:
    """Until it has done what it was told, on CUDA by this thread's stream; a CPU has."""
    kind = kind_of(device)
    if kind == "cuda":
        torch.cuda.current_stream(device).synchronize()
    elif kind == "mps":
        torch.mps.synchronize()


def empty_cache(device: str) -> None:
    """Give back what is kept for tensors to come."""
    kind = kind_of(device)
    if kind == "cuda":
        torch.cuda.empty_cache()
    elif kind == "mps":
        torch.mps.empty_cache()


def memory(device: str) -> tuple[int, int]:
    """Bytes that this process may have of a device's memory, what it has already included, and bytes of its tensors
    there now. What others leave of it on CUDA; what macOS recommends on MPS, which has the host's memory."""
    if kind_of(device) == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device), torch.cuda.memory_allocated(device)
    return torch.mps.recommended_max_memory(), torch.mps.current_allocated_memory()


def out_of_memory(error: BaseException) -> bool:
    """Whether a device had too little memory: MPS and CUDA's libraries have no type of their own for it."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(
        said in str(error) for said in ("out of memory", "CUBLAS_STATUS_ALLOC_FAILED")
    )
