"""What a network costs: parameters, floating-point operations, bytes of weights, time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from evonas.core import networks
from evonas.core.optional import KnowsCosts
from evonas.core.types import Encoding, Task
from evonas.training.accelerators import wait_for
from evonas.training.building import build, seeded
from evonas.training.inheritance import named_tensors

KINDS = {  # as safetensors calls them
    **{torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.bool: "BOOL"},
    **{torch.int64: "I64", torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8"},
}
KNOWN = ("params", "flops", "model_kb")  # before training


def count_params(network: nn.Module) -> int:
    """Learned numbers; a shared parameter counts once."""
    return sum(parameter.numel() for parameter in network.parameters())


def count_flops(network: nn.Module, input_shape: tuple[int, ...]) -> int:
    """Floating-point operations of one image, as torch counts them: a multiply-add of a convolution or a matrix
    product is two; everything else is none. Half of it is what NAS-Bench-201 publishes as its FLOPs."""
    return _looked_at(network, input_shape)[0]


def _looked_at(network: nn.Module, input_shape: tuple[int, ...]) -> tuple[int, Any]:
    """The operations of one image, and what the network gives for it."""
    was_training = network.training
    device = next((p.device for p in network.parameters()), torch.device("cpu"))
    try:
        network.eval()
        with torch.no_grad(), known_operations(), _Flops() as counter:
            given = network(torch.zeros(1, *input_shape, device=device))
    finally:
        network.train(was_training)
    return counter.total, given


@contextmanager
def known_operations() -> Iterator[None]:
    """Within it attention and recurrent layers are computed by matrix products, whose operations torch knows how to
    count, and not by kernels of their own, of which it counts none."""
    fast = torch.backends.mha.get_fastpath_enabled()
    cpu, cuda = torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled
    try:
        torch.backends.mha.set_fastpath_enabled(False)
        torch.backends.mkldnn.enabled = torch.backends.cudnn.enabled = False
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
        torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled = cpu, cuda


def _checked_flops(network: nn.Module, task: Task) -> int:
    """`count_flops`. Raises ValueError where the network gives no logits: more of them than classes would train."""
    flops, given = _looked_at(network, task.input_shape)
    if not isinstance(given, torch.Tensor) or given.shape != (1, task.n_classes):
        found = tuple(given.shape) if isinstance(given, torch.Tensor) else f"a {type(given).__name__}"
        expected = (1, task.n_classes)
        raise ValueError(f"the network gives {found} for 1 input of {task.input_shape}, not logits of shape {expected}")
    return flops


class Operations(TorchDispatchMode):
    """Tells `done` of each operation, with its floating-point operations by torch's own formulas, as its
    FlopCounterMode counts them; that one imports the compiler, a second a process. What is made of other operations is
    told as those."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        formula = flop_registry.get(func._overloadpacket)
        if formula is None and func is not torch.ops.prim.device.default:
            with self:
                made = func.decompose(*args, **kwargs)
            if made is not NotImplemented:
                return made
        out = func(*args, **kwargs)
        self.done(func, args, kwargs, out, None if formula is None else int(formula(*args, **kwargs, out_val=out)))
        return out

    def done(self, func: Any, args: Any, kwargs: Any, out: Any, flops: int | None) -> None:
        """`flops` is None where the operation has no formula."""
        raise NotImplementedError


class _Flops(Operations):
    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def done(self, func: Any, args: Any, kwargs: Any, out: Any, flops: int | None) -> None:
        self.total += flops or 0


def weights_kb(network: nn.Module) -> float:
    """What `model.safetensors` takes of the network's numbers and the table of their names, in 1024 bytes; the
    description that evonas writes into the same file, a kilobyte or two, is not counted."""
    stored = network.state_dict()
    tensors = {name: one for name, one in named_tensors(network).items() if name in stored}
    return networks.weights_kb((name, KINDS[one.dtype], tuple(one.shape)) for name, one in tensors.items())


def costs(encoding: Encoding[Any], genome: Any, task: Task, names: Sequence[str] = KNOWN) -> dict[str, float]:
    """Those of `params`, `flops` and `model_kb` of a genome's network that are named, counted in it, the operations
    with one image on the CPU.

    Raises TypeError or ValueError where what is built is no network, or one that gives no logits.

    On the meta device nothing would be computed, but its first use in a process imports the compiler, which takes
    longer than hundreds of images.
    """
    with seeded(0):
        network = build(encoding, genome, task)
        counts: dict[str, Callable[[], float]] = {
            "params": lambda: count_params(network),
            "flops": lambda: _checked_flops(network, task),
            "model_kb": lambda: weights_kb(network),
        }
        return {name: counts[name]() for name in names}


def costs_at_once(encoding: Encoding[Any], genome: Any, task: Task, names: Sequence[str] = KNOWN) -> dict[str, float]:
    """The same by the encoding's word where it knows them without building the network (`KnowsCosts`)."""
    known = encoding.costs(genome, task) if isinstance(encoding, KnowsCosts) else {}
    missing = [name for name in names if name not in known]
    found = {name: known[name] for name in names if name in known}
    return {**found, **costs(encoding, genome, task, missing)} if missing else found


def latency(network: nn.Module, input_shape: tuple[int, ...], device: str, batch: int = 1, repeats: int = 50) -> float:
    """Seconds that a network in eval mode takes for `batch` images: `undisturbed_seconds`. The network must be on the
    device."""
    was_training = network.training
    images = torch.zeros(batch, *input_shape, device=device)
    try:
        network.eval()
        with torch.inference_mode():
            return undisturbed_seconds(lambda: network(images), device, repeats)
    finally:
        network.train(was_training)


def undisturbed_seconds(work: Callable[[], Any], device: str, repeats: int) -> float:
    """What some work takes: the shortest but a tenth of `repeats` after a warm-up.

    What else the machine does only makes times longer. Where it is busy, two such figures of one network are nearer to
    each other than two medians.

    On CUDA the device's own clock is read, elsewhere the wall's when the device has done its work.
    """
    return undisturbed_seconds_each([work], device, repeats)[0]


def undisturbed_seconds_each(works: Sequence[Callable[[], Any]], device: str, repeats: int) -> list[float]:
    """The same of each of several that are done in turn, so that each finds the caches as the others leave them."""
    clock = _cuda_seconds if device.startswith("cuda") else _wall_seconds
    for _ in range(max(3, repeats // 5)):
        for work in works:
            work()
    rounds = [[clock(work, device) for work in works] for _ in range(repeats)]
    return [sorted(times)[repeats // 10] for times in zip(*rounds, strict=True)]


def _wall_seconds(work: Callable[[], Any], device: str) -> float:
    wait_for(device)
    start = time.perf_counter()
    work()
    wait_for(device)
    return time.perf_counter() - start


def _cuda_seconds(work: Callable[[], Any], device: str) -> float:
    start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    with torch.cuda.device(device):
        start.record()
        work()
        end.record()
        end.synchronize()
    return start.elapsed_time(end) / 1000


def free_memory(device: str) -> float:
    """Share of a GPU's memory that no process holds; 1 on other devices, which use the host's."""
    if not device.startswith("cuda"):
        return 1.0
    free, total = torch.cuda.mem_get_info(device)
    return free / total
