"""The memory that a training takes on its device."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Made(TorchDispatchMode):
    """Counts the tensors that are made within it: `most` is the most bytes of them that were there at one time.

    For a single step: it looks at every operation, which takes some tens of microseconds. What an operation needs while
    it computes, and does not return, is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._there: dict[int, Any] = {}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in _tensors(made):
            storage = tensor.untyped_storage()
            if (key := storage._cdata) in self._there:
                continue
            if any(one.untyped_storage()._cdata == key for one in _tensors((args, kwargs))):
                continue  # a view of what was there before, or that itself, changed in place
            self._count(key, storage)
        return made

    def _count(self, key: int, storage: torch.UntypedStorage) -> None:
        size = storage.nbytes()

        def gone(_: object) -> None:
            del self._there[key]
            self.now -= size

        self._there[key] = weakref.ref(storage, gone)
        self.now += size
        self.most = max(self.most, self.now)


def _tensors(values: Any) -> Iterator[torch.Tensor]:
    """What an operation is given or gives: tensors, alone or in lists."""
    if isinstance(values, torch.Tensor):
        yield values
    elif isinstance(values, (tuple, list)):
        for value in values:
            yield from _tensors(value)
    elif isinstance(values, dict):
        yield from _tensors(list(values.values()))


def size_of(tensors: Iterable[torch.Tensor | None]) -> int:
    """Bytes of tensors, each as large as it is seen: of a view its own part."""
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors if tensor is not None)


class Peak:
    """The most memory that a training's tensors take on its device: weights, averaged ones, what the optimizer
    remembers, gradients, a batch and all that is computed of it. Neither the data set nor the process itself.

    On CUDA by torch's allocator, beyond what was there when this was made, right before the training, but for the
    network's own `held` bytes; all of the training is looked at, and so is what operations need while they compute.
    Elsewhere nobody counts; there the tensors of one step are added up (`Step.took`).
    """

    def __init__(self, device: str, held: int):
        self.device, self.before = device, 0
        if device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats(device)
            self.before = torch.cuda.memory_allocated(device) - held

    def mb(self, counted: int) -> float:
        """In 1,048,576 bytes, as the metric `peak_memory_mb`; `counted` bytes where the device does not count."""
        if self.device.startswith("cuda"):
            counted = torch.cuda.max_memory_allocated(self.device) - self.before
        return counted / 2**20
