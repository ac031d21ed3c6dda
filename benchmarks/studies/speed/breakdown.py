"""What a step of training is spent on, by torch.profiler, and which share of the device's measured ceiling it reaches.

    python benchmarks/studies/speed/breakdown.py [--device cpu] [--data digits] [--steps 18] [--json] [--record]

The ceiling is the best of a large matrix product and a large convolution, in the same precision, with the same
threads, in the same run. Operations are those of convolutions and matrix products, forward and backward, as torch
counts them; images a second are those of trainings without the profiler. The profiler sees single operators, which on
CUDA are not there once a step is one graph: so its step is the plain one, and `as a graph` is what a training takes.
A plain step whose kernels take less than half of its time is bound by their launches.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils.flop_counter import FlopCounterMode

from evonas.core import environment
from evonas.core.recipe import Recipe
from evonas.training import profile as costs
from evonas.training.data import DeviceData
from evonas.training.fitting import Fitting
from evonas.training.steps import Step
from evonas.training.trainer import TorchTrainer
from studies.speed import results, train

PHASES = ("augment", "forward", "backward", "optimiser", "other")
REPEATS = 5  # of every measurement of time


@dataclass
class Marked(DeviceData):
    """The same images; the profiler sees when a batch is asked for."""

    def augmented(self, recipe: Recipe, generator: torch.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        batches = super().augmented(recipe, generator)
        while True:
            with record_function("augment"):
                batch = next(batches, None)
            if batch is None:
                return
            yield batch


def fitting(trainer: TorchTrainer, network: train.Network, *, plain: bool = False) -> Fitting:
    """A training under way: its first epoch is done. `plain` is without a CUDA graph."""
    found = trainer.begin(network.genome, seed=0)
    found.data = Marked(**vars(found.data))
    if plain:
        found.step = Step(found.network, found.recipe, found.step.precision, trainer.device, trainer.batch_size)
    found.run(1)
    return found


def seconds(act: Callable[[], object], device: str) -> float:
    """The fastest of some repeats, device included."""
    taken = []
    for _ in range(REPEATS):
        synchronize(device)
        start = time.perf_counter()
        act()
        synchronize(device)
        taken.append(time.perf_counter() - start)
    return min(taken)


def synchronize(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


def ceiling(device: str, precision: torch.dtype) -> dict[str, float]:
    """Operations a second of a large matrix product and a large convolution."""
    size, width, batch = (1024, 64, 32) if device == "cpu" else (8192, 512, 256)
    a, b = (torch.randn(size, size, device=device, dtype=precision) for _ in range(2))
    images = torch.randn(batch, width, 16, 16, device=device, dtype=precision)
    images = images.to(memory_format=torch.channels_last)
    kernel = torch.randn(width, width, 3, 3, device=device, dtype=precision).to(memory_format=torch.channels_last)
    found = {}
    with torch.inference_mode():
        for name, act in {
            "matrix product": lambda: a @ b,
            "convolution": lambda: F.conv2d(images, kernel, padding=1),
        }.items():
            with FlopCounterMode(display=False) as counter:
                act()
            found[name] = counter.get_total_flops() / seconds(act, device)
    return found


def operations(net: nn.Module, shape: Sequence[int], images: int, device: str) -> int:
    """Floating-point operations of one step, forward and backward."""
    x = torch.zeros(images, *shape, device=device).to(memory_format=torch.channels_last)
    with FlopCounterMode(display=False) as counter:
        F.cross_entropy(net(x), torch.zeros(images, dtype=torch.long, device=device)).backward()
    return counter.get_total_flops()


def phases(training: Fitting, device: str) -> tuple[dict[str, float], float]:
    """The share of each of `PHASES` in an epoch, and the seconds that kernels took of it; on CUDA shares of those."""
    cuda = device.startswith("cuda")
    scopes: list[Any] = []

    def enter(*_: object) -> None:
        scopes.append(record_function("forward"))
        scopes[-1].__enter__()

    hooks = [
        training.network.register_forward_pre_hook(enter),
        training.network.register_forward_hook(lambda *_: scopes.pop().__exit__(None, None, None)),
    ]
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if cuda else [])]
    with profile(activities=activities) as profiler, record_function("epoch"):
        training.run(training.epoch + 1)
        synchronize(device)
    for hook in hooks:
        hook.remove()
    spent: dict[str, float] = dict.fromkeys((*PHASES, "epoch"), 0.0)
    for event in profiler.events() or ():
        if not str(event.device_type).endswith("CPU"):
            continue
        if cuda:  # backward is another thread's: not within the epoch
            spent["epoch"] += own_kernels(event)
        phase = phase_of(event.name)
        if phase and not (cuda and phase == "epoch"):
            spent[phase] += kernels(event) if cuda else event.cpu_time_total
    total = spent.pop("epoch")
    spent["other"] = total - sum(spent.values())
    return {phase: spent[phase] / total for phase in PHASES}, total / 1e6


def kernels(event: Any) -> float:
    """Microseconds of all that an event and those within it started on the device."""
    return own_kernels(event) + sum(map(kernels, event.cpu_children))


def own_kernels(event: Any) -> float:
    """A scope's own echo on the device is none."""
    return sum(kernel.duration for kernel in event.kernels if kernel.name != event.name)


def phase_of(event: str) -> str | None:
    """Of an event that lies in no other one with a phase."""
    if event in ("augment", "forward", "epoch"):
        return event
    if event.startswith("Optimizer."):
        return "optimiser"
    return "backward" if event.startswith("autograd::engine::evaluate_function") else None


def row(trainer: TorchTrainer, network: train.Network) -> dict[str, Any]:
    """One network's step."""
    trainer = replace(trainer, encoding=network.encoding)
    device, data, cuda = trainer.device, trainer.data, trainer.device.startswith("cuda")
    flops = costs.costs(network.encoding, network.genome, data.task)["flops"]
    with trainer.threads_for(flops):
        training = fitting(trainer, network)
        steps = -(-len(training.data) // trainer.batch_size)
        taken = seconds(lambda: training.run(training.epoch + 1), device) / steps
        done = operations(training.network, data.task.input_shape, trainer.batch_size, device)
        precision = training.step.precision
        best = max(ceiling(device, precision).values())
        plain = fitting(trainer, network, plain=True) if cuda else training
        alone = seconds(lambda: plain.run(plain.epoch + 1), device) / steps if cuda else taken
        shares, busy = phases(plain, device)
        threads = torch.get_num_threads()
    found: dict[str, Any] = {
        "network": f"{network.kind} {network.name}",
        "precision": str(precision).removeprefix("torch."),
        "step_ms": 1000 * taken,
        "images_a_second": trainer.batch_size / taken,
        "gflops_a_second": done / taken / 1e9,
        "ceiling_gflops_a_second": best / 1e9,
        "share_of_ceiling": done / taken / best,
        **{f"share_{phase}": share for phase, share in shares.items()},
    }
    if not cuda:
        return {**found, "threads": threads}
    share = busy / steps / alone
    return {
        **found,
        "plain_step_ms": 1000 * alone,
        "kernels_share": share,
        "launch_bound": "yes" if share < 0.5 else "no",
    }


def measure(setting: train.Setting) -> dict[str, Any]:
    trainer = train.make_trainer(setting)
    rows = [row(trainer, network) for network in setting.networks]
    return {
        "data": setting.data.task.name,
        "batch_size": setting.batch_size,
        "share_of_ceiling": statistics.median(r["share_of_ceiling"] for r in rows),
        "rows": rows,
        "hardware": results.hardware(setting.device),
        "versions": environment.versions(),
    }


COLUMNS = {
    "network": "{network}",
    "precision": "{precision}",
    "threads": "{threads}",
    "step, ms": "{step_ms:.2f}",
    "images/s": "{images_a_second:,.0f}",
    "plain step, ms": "{plain_step_ms:.2f}",
    "kernels' share of it": "{kernels_share:.0%}",
    "bound by launches": "{launch_bound}",
    **{phase: f"{{share_{phase}:.0%}}" for phase in PHASES},
    "GFLOP/s": "{gflops_a_second:,.0f}",
    "ceiling, GFLOP/s": "{ceiling_gflops_a_second:,.0f}",
    "share of the ceiling": "**{share_of_ceiling:.1%}**",
}


def text(found: dict[str, Any]) -> str:
    cuda = "plain_step_ms" in found["rows"][0]
    without = ("threads",) if cuda else ("plain step, ms", "kernels' share of it", "bound by launches")
    columns = {title: form for title, form in COLUMNS.items() if title not in without}
    return (
        f"**{found['data']}**, batch {found['batch_size']}. {'Kernel time' if cuda else 'Time'} by phase; the ceiling "
        "is the best of a large matrix product and a large convolution in the same precision. Median share of it: "
        f"{found['share_of_ceiling']:.1%}.\n\n{results.table(found['rows'], columns)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits", help="digits, npz:FILE, …")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch", type=int, help="images a step: 64, on a GPU 256")
    parser.add_argument("--steps", type=int, default=18, help="of an epoch")
    parser.add_argument("--networks", nargs="+", help="only these: dense, residual, slim, …")
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--record", action="store_true", help="write its section of benchmarks/results/speed.md")
    options = parser.parse_args()
    batch = options.batch or (64 if options.device == "cpu" else 256)
    setting = train.setting(options.data, options.device, batch, train_size=options.steps * batch)
    chosen = [n for n in setting.networks if not options.networks or n.name in options.networks]
    found = measure(replace(setting, networks=chosen))
    print(json.dumps(found) if options.json else text(found))
    if options.record:
        results.record("A step", options.device, text(found), waiting=WAITING)


WAITING = (
    "Where a step's time goes, whether it is bound by launches, and its share of the ceiling. "
    "`python benchmarks/studies/speed/breakdown.py --device cuda --data npz:cifar10.npz --record` measures it."
)

if __name__ == "__main__":
    main()
