"""What kernels of our own (evonas/training/fused.py) make of a step on a GPU: captured steps with and without them.

    python benchmarks/studies/speed/kernels.py [--data npz:cifar10.npz] [--repeats 30] [--json] [--record]

The same networks from the same weights on the same images, as one CUDA graph each; the two arms take turns, and a step
is the fastest of three times so many replays. `first` is the time to the captured step, in which Triton builds kernels
that it has not kept from an earlier process. The loss after a hundred steps on one batch says that both learn.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from contextlib import nullcontext
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import torch

from evonas.core import environment
from evonas.training import steps
from evonas.training.fused import Fused, fused
from studies.speed import results, train

LEARNED = 100  # steps


def step(setting: train.Setting, network: train.Network, ours: bool) -> tuple[steps.GraphedStep, float]:
    """A captured step, and the seconds until it was."""
    trainer = replace(train.make_trainer(setting), encoding=network.encoding)
    data = trainer.on_device("train")
    recipe = trainer.recipe(network.genome)
    images, labels = next(iter(data.augmented(recipe, torch.Generator().manual_seed(0))))
    built = train.initial(network, setting.data, 0).to(memory_format=torch.channels_last).to(trainer.device).train()
    torch.cuda.synchronize()
    start = time.perf_counter()
    with patch.object(steps, "fused", return_value=Fused() if ours else nullcontext()):
        made = steps.GraphedStep(built, recipe, torch.bfloat16, trainer.device, recipe.batch_size, images, labels)
    torch.cuda.synchronize()
    return made, time.perf_counter() - start


def milliseconds(one: steps.GraphedStep, repeats: int) -> float:
    """Of a replay."""
    torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(repeats):
        one.graph.replay()
    torch.cuda.synchronize()
    return (time.perf_counter() - start) / repeats * 1000


def row(setting: train.Setting, network: train.Network, repeats: int) -> dict[str, Any]:
    arms = {"ours": step(setting, network, True), "torch": step(setting, network, False)}
    times: dict[str, list[float]] = {arm: [] for arm in arms}
    for _ in range(3):
        for arm, (one, _) in arms.items():
            times[arm].append(milliseconds(one, repeats))
    found: dict[str, Any] = {"network": f"{network.kind} {network.name}"}
    for arm, (one, first) in arms.items():
        found[f"{arm}_ms"], found[f"{arm}_first"] = min(times[arm]), first
        for i in range(LEARNED):
            one.loss.zero_()
            one(one.images, one.targets, train.Setting.lr * (1 - i / LEARNED))
        found[f"{arm}_loss"] = float(one.loss)
    return {**found, "ratio": found["torch_ms"] / found["ours_ms"]}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    setting = train.setting(options.data, options.device, options.batch, 4 * options.batch)
    setting = replace(setting, batch_size=options.batch)
    if not isinstance(fused(options.device, torch.bfloat16), Fused):
        raise SystemExit(f"no kernels of our own on {options.device}; the log of evonas says why")
    rows = [row(setting, network, options.repeats) for network in setting.networks]
    return {
        "ratio_cells": statistics.geometric_mean(r["ratio"] for r in rows if r["network"].startswith("cell")),
        "ratio_others": statistics.geometric_mean(r["ratio"] for r in rows if not r["network"].startswith("cell")),
        "data": setting.data.task.name,
        "batch_size": options.batch,
        "rows": rows,
        "hardware": results.hardware(options.device),
        "versions": environment.versions(),
    }


COLUMNS = {
    "network": "{network}",
    "torch's, ms": "{torch_ms:.2f}",
    "our own, ms": "{ours_ms:.2f}",
    "ratio": "**{ratio:.2f}**",
    "torch's, first, s": "{torch_first:.1f}",
    "our own, first, s": "{ours_first:.1f}",
    "loss, torch's": "{torch_loss:.3f}",
    "loss, our own": "{ours_loss:.3f}",
}


def text(found: dict[str, Any]) -> str:
    return (
        f"**{found['data']}**, batch {found['batch_size']}. A captured step with torch's kernels takes "
        f"**{found['ratio_cells']:.2f} ×** the time of one with our own for cells, {found['ratio_others']:.2f} × for "
        f"macro and staged networks (geometric means).\n\n{results.table(found['rows'], COLUMNS)}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", default="digits", help="digits, npz:FILE, …")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--batch", type=int, default=256, help="images a step")
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--record", action="store_true", help="write its section of benchmarks/results/speed.md")
    options = parser.parse_args()
    if options.device == "cpu":  # nothing to compare: a trial of the script
        if options.record:
            results.leave_open("Kernels of our own", WAITING)
        print(json.dumps({"ratio_cells": None}) if options.json else "a CPU has torch's kernels only")
        return
    found = measure(options)
    print(json.dumps(found) if options.json else text(found))
    if options.record:
        results.record("Kernels of our own", options.device, text(found))


WAITING = (
    "Captured steps with kernels of our own and with torch's. `python benchmarks/studies/speed/kernels.py --data "
    "npz:cifar10.npz --record` measures it."
)

if __name__ == "__main__":
    main()
