"""What a process has once for all that runs in it, put back where a user's code has changed it."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import numpy as np

STREAMS = ("stdin", "stdout", "stderr")


class Surroundings:
    """The working folder, the environment, the standard streams, the filters of warnings, what numpy does about errors
    of floating point, and how torch computes, as they are now.

    The states of random generators are none of it: whoever draws from one seeds it (`evonas.core.randomness`).
    """

    def __init__(self) -> None:
        self._folder = _folder()
        self._environment = dict(os.environ)
        self._streams = [getattr(sys, name) for name in STREAMS]
        self._filters, self._errors = list(warnings.filters), np.geterr()
        self._torch = TorchSettings()

    def bring_back(self) -> None:
        """Change back what differs. A folder that is gone by now stays left."""
        if self._folder is not None and _folder() != self._folder:
            with suppress(OSError):
                os.chdir(self._folder)
        if os.environ != self._environment:
            for name in os.environ.keys() - self._environment.keys():
                del os.environ[name]
            os.environ.update(self._environment)
        for name, stream in zip(STREAMS, self._streams, strict=True):
            setattr(sys, name, stream)
        if warnings.filters != self._filters:
            warnings.filters[:] = self._filters  # type: ignore[index]
            with warnings.catch_warnings():  # at whose end the module takes note of the change
                pass
        np.seterr(**self._errors)
        self._torch.bring_back()


class TorchSettings:
    """How torch computes. Where it is not imported yet nobody has changed it, and it stays so: that takes seconds."""

    def __init__(self) -> None:
        self._of = _of_torch(sys.modules.get("torch"))
        self._values = [get() for get, _ in self._of]

    def bring_back(self) -> None:
        for (get, put), value in zip(self._of, self._values, strict=True):
            if get() != value:
                put(value)


@contextmanager
def unchanged() -> Iterator[None]:
    """What is done within it leaves the surroundings as they were. Not for one of several threads that compute at the
    same time: they have the same ones."""
    before = Surroundings()
    try:
        yield
    finally:
        before.bring_back()


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # removed
        return None


def _of_torch(torch: Any) -> list[tuple[Callable[[], Any], Callable[[Any], Any]]]:
    """What reads each of torch's settings, and what sets it; of a half imported one none."""
    if torch is None or not hasattr(torch, "set_default_device"):
        return []
    cudnn = torch.backends.cudnn
    return [
        (torch.get_default_dtype, torch.set_default_dtype),
        (torch.get_default_device, lambda device: torch.set_default_device(None if device.type == "cpu" else device)),
        (torch.get_num_threads, torch.set_num_threads),
        (torch.get_deterministic_debug_mode, torch.set_deterministic_debug_mode),
        (torch.is_grad_enabled, torch.set_grad_enabled),
        (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly),
        *((_reader(cudnn, name), _writer(cudnn, name)) for name in ("enabled", "benchmark", "deterministic")),
    ]


def _reader(of: Any, name: str) -> Callable[[], Any]:
    return lambda: getattr(of, name)


def _writer(of: Any, name: str) -> Callable[[Any], Any]:
    return lambda value: setattr(of, name, value)
