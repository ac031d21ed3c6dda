"""A network's latency from a table of its operations, each measured once a device and kept: no network is measured.

What is added up are the times of all modules without children, of the functions that are called beside them, and of a
module's call (Cai et al. 2019, ProxylessNAS, ICLR, predict latency by a table likewise). It leaves out what operations
do to one another (caches), so its error against whole networks is for a measurement to say:
`benchmarks/studies/speed/latency_table.py`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_flatten, tree_map

from evonas.core import environment
from evonas.core.files import write_text
from evonas.core.parsing import read_json
from evonas.training import profile
from evonas.training.devices import threads_of_torch

NAME = "latency_table_ms"
LEAF, CALL = "a module", "a module with one child"  # the difference is what a module's call takes
REPEATS = 50
_PLAIN = (bool, int, float, str, type(None))


@dataclass(frozen=True)
class Operation:
    """What is measured once: `key` says all that its time depends on."""

    key: str
    run: Callable[[], Any] = field(repr=False, compare=False)


@dataclass
class LatencyTable:
    """Milliseconds of operations on one device, for one image.

    Args:
        device: one of torch's names.
        threads: of a CPU.
        folder: where it is kept, by device, version of torch and threads; None keeps it in memory.
        measure: what is done in turn, the device and how many repeats -> seconds of each.
    """

    device: str = "cpu"
    threads: int = 1
    folder: Path | None = None
    measure: Callable[[Sequence[Callable[[], Any]], str, int], list[float]] = profile.undisturbed_seconds_each
    _known: dict[str, float] = field(default_factory=dict, repr=False)

    @classmethod
    def kept(cls, device: str) -> LatencyTable:
        """The one in the user's cache folder."""
        from platformdirs import user_cache_path

        return cls(device, folder=user_cache_path("evonas", appauthor=False) / "latency")

    @property
    def path(self) -> Path | None:
        if self.folder is None:
            return None
        words = f"{_device_name(self.device)} torch {torch.__version__} threads {self.threads}"
        return self.folder / f"{re.sub(r'[^A-Za-z0-9.]+', '-', words)}.json"

    def milliseconds(self, network: nn.Module, input_shape: tuple[int, ...]) -> float:
        """What a network in eval mode is expected to take for one image; what is missing in the table is measured. The
        network is moved to the device and stays."""
        was_training = network.training
        try:
            network.to(self.device).eval()
            with threads_of_torch(self.threads), torch.inference_mode():
                found, calls = operations(network, input_shape, self.device)
                self._learn(found)
        finally:
            network.train(was_training)
        call = max(0.0, self._known[CALL] - self._known[LEAF])
        return sum(self._known[one.key] for one in found) + calls * call

    def _learn(self, found: list[Operation]) -> None:
        """Measure what is missing: among all that the network does, in its order, as they meet there."""
        works = [*found, *_call()]
        if any(one.key not in self._known for one in works):
            self._known |= self._read()  # another process may have measured it since
        if any(one.key not in self._known for one in works):
            seconds = self.measure([one.run for one in works], self.device, REPEATS)
            measured: dict[str, float] = {}
            for one, value in zip(works, seconds, strict=True):
                if one.key not in self._known:
                    measured.setdefault(one.key, 1000 * value)
            self._write(measured)

    def _read(self) -> dict[str, float]:
        """What is kept; nothing where there is no file or it is none of ours."""
        if self.path is None:
            return {}
        try:
            content = read_json(self.path)
            return {str(key): float(value) for key, value in content["milliseconds"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _write(self, measured: dict[str, float]) -> None:
        """Add to what is kept. Of two that measured the same the first holds, so that all say the same from then on."""
        self._known |= {**measured, **self._read()}
        if self.path is None:
            return
        about = {"device": _device_name(self.device), "torch": str(torch.__version__), "threads": self.threads}
        with suppress(OSError):  # a home that cannot be written: it is measured again another day
            write_text(self.path, json.dumps({**about, "milliseconds": self._known}, indent=0) + "\n")


def operations(network: nn.Module, input_shape: tuple[int, ...], device: str) -> tuple[list[Operation], int]:
    """What a network in eval mode does for one image on its device, in order, and how many modules with children it
    calls."""
    found: list[Operation] = []
    calls = 0
    images = torch.zeros(1, *input_shape, device=device)
    watch = _Functions(found)

    def enter(module: nn.Module, args: Any, kwargs: Any) -> None:
        watch.depth += 1

    def leave(module: nn.Module, args: Any, kwargs: Any, output: Any) -> None:
        found.append(Operation(f"{_described(module)} {_shapes(args, kwargs)}", _again(module, args, kwargs)))
        watch.depth -= 1

    def counted(module: nn.Module, args: Any) -> None:
        nonlocal calls
        calls += 1

    hooks: list[Any] = []
    for module in network.modules():
        if next(module.children(), None) is not None:
            hooks.append(module.register_forward_pre_hook(counted))
        else:
            hooks.append(module.register_forward_pre_hook(enter, with_kwargs=True))
            hooks.append(module.register_forward_hook(leave, with_kwargs=True))
    try:
        with watch:
            network(images)
    finally:
        for hook in hooks:
            hook.remove()
    return found, calls


class _Functions(TorchFunctionMode):
    """Notes the functions of torch that give tensors, but for those within a module that is measured whole."""

    def __init__(self, found: list[Operation]):
        super().__init__()
        self.found, self.depth = found, 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        name = getattr(func, "__qualname__", None) or str(func)
        if self.depth or name.endswith("__get__"):  # a property: a shape, say
            return func(*args, **kwargs)
        key, again = f"{name} {_shapes(args, kwargs)}", _again(func, args, kwargs)  # before it works in place
        out = func(*args, **kwargs)
        if any(isinstance(one, torch.Tensor) for one in tree_flatten(out)[0]):
            self.found.append(Operation(key, again))
        return out


def _again(function: Any, args: Any, kwargs: Any) -> Callable[[], Any]:
    """The call, to be made again: with zeros of the same shapes and strides."""
    args, kwargs = tree_map(lambda one: torch.zeros_like(one) if isinstance(one, torch.Tensor) else one, (args, kwargs))
    return lambda: function(*args, **kwargs)


def _described(module: nn.Module) -> str:
    """All of a module without children that its time may depend on."""
    kind = type(module)
    plain = {k: v for k, v in sorted(vars(module).items()) if not k.startswith("_") and _is_plain(v)}
    plain.pop("training", None)
    learned = [tuple(one.shape) for one in module.parameters(recurse=False)]
    return f"{kind.__module__}.{kind.__qualname__}({module.extra_repr()}) {plain} {learned}"


def _is_plain(value: Any) -> bool:
    return isinstance(value, _PLAIN) or (isinstance(value, tuple | list) and all(map(_is_plain, value)))


def _shapes(args: Any, kwargs: Any) -> str:
    """Tensors by shape, kind and stride, plain values as they are, all else by its type."""
    words = list(map(str, kwargs))
    for one in tree_flatten((args, kwargs))[0]:
        if isinstance(one, torch.Tensor):
            words.append(f"{tuple(one.shape)}{str(one.dtype).removeprefix('torch.')}{one.stride()}")
        else:
            words.append(repr(one) if isinstance(one, _PLAIN) else type(one).__name__)
    return " ".join(words)


def _call() -> list[Operation]:
    """A module that does nothing, alone and within another one."""
    leaf, nothing = nn.Identity(), torch.zeros(1)
    within = nn.Sequential(leaf)
    return [Operation(LEAF, lambda: leaf(nothing)), Operation(CALL, lambda: within(nothing))]


def _device_name(device: str) -> str:
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    return environment.processor() if device == "cpu" else device
