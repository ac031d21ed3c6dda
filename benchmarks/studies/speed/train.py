"""evonas's trainer against the plain loop that people write (plain_loop.py), side by side in one run.

    python benchmarks/studies/speed/train.py [--quick] [--json] [--data digits npz:FILE] [--seeds 5] [--device cpu]
        [--networks cell slim …] [--seconds 60] [--record]

Five cells, three macro networks and three staged ones (of `net`), each with each seed, from the same initial weights;
the arms take turns, and the turn changes with every pair. The plain loop runs in a process of its own, whose memory is
kept as the system keeps it, with the fastest of its DataLoader workers and threads, chosen for each data set by
trainings that are not counted; evonas as it comes. On a CPU `--amp` adds the plain loop under autocast; on CUDA that is
the control of the ratio.

Seconds are those of a whole training, from the genome to the validation accuracy, without what evonas does once for
all trainings of a search (the images become tensors). `ratio` is plain / evonas: the geometric mean over data sets and
cells of the median of a cell's pairs; `ratio_staged` the same of macro and staged networks. Accuracies are compared by
seed: the mean difference over networks (and data sets), and its 95 % interval over seeds (Student's t): of these
networks on these images, for the split is one. Equal within 0.3 points is shown only by an interval inside of -0.3 to
0.3.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import time
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from scipy import stats

from evonas.core import environment
from evonas.core.types import Candidate, Encoding
from evonas.domains.images import Split, load_images, split
from evonas.encodings.cell import CellEncoding
from evonas.encodings.macro import MacroEncoding
from evonas.encodings.net import NetEncoding
from evonas.training.devices import threads_of_torch
from evonas.training.trainer import TorchTrainer
from studies.speed import plain_loop, results

BARS = {"cpu": (1.9, 2.5), "cuda": (5.0, 10.0)}  # bar and aim for cells
BARS_STAGED = {"cpu": (1.4, 2.0), "cuda": (5.0, 10.0)}
EQUAL = 0.3  # points of accuracy
RATIOS = {"plain": "ratio", "amp": "ratio_amp"}  # seconds of an arm to evonas's, as a row names them
KINDS = ("cell", "macro", "staged")
CELLS = {
    "dense": "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|",
    "residual": "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
    "mixed": "|nor_conv_1x1~0|+|avg_pool_3x3~0|skip_connect~1|+|nor_conv_3x3~0|nor_conv_1x1~1|none~2|",
    "narrow": "|nor_conv_1x1~0|+|nor_conv_1x1~0|skip_connect~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_1x1~2|",
    "light": "|skip_connect~0|+|none~0|none~1|+|nor_conv_3x3~0|skip_connect~1|avg_pool_3x3~2|",
}
MACROS = {  # (depth, width, kernel, expansion, squeeze-excite, stride) of three stages
    "slim": (1, 16, 3, 1, 0, 1, 1, 24, 3, 2, 0, 2, 1, 32, 3, 2, 0, 2),
    "deep": (2, 16, 3, 2, 0, 1, 3, 24, 3, 2, 0, 2, 2, 32, 3, 2, 0, 2),
    "attentive": (1, 16, 5, 2, 1, 1, 2, 24, 5, 2, 1, 2, 1, 32, 5, 4, 1, 2),
}
STAGED = {  # what differs from the fixed baseline of `net`
    "pool": {"stem": "conv"},
    "residual": {"stem": "conv", "block": "residual", "width": 16, "growth": 2.0},
    "depthwise": {"stem": "conv", "block": "depthwise", "width": 32, "depth": 2},
}


class Unfitted(NetEncoding):
    """Networks of `net`, trained like all others here: not by their genomes' recipes."""

    recipe = None  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]


@dataclass(frozen=True)
class Network:
    name: str
    kind: str
    encoding: Encoding[Any]
    genome: Any


@dataclass(frozen=True)
class Setting:
    """How much is trained of what; the plain loop's DataLoader workers and threads, once they are chosen."""

    data: Split
    epochs: int
    batch_size: int
    device: str
    networks: Sequence[Network]
    amp: bool = False
    workers: int = 0
    threads: int = 1
    lr: float = 0.1

    @property
    def arms(self) -> list[str]:
        """The control first: on a GPU the plain loop under autocast."""
        return [*(["plain"] if self.device == "cpu" else []), *(["amp"] if self.amp else []), "evonas"]

    @property
    def control(self) -> str:
        return self.arms[0]


def networks(device: str) -> list[Network]:
    """On a GPU the cells stand in the benchmark's own skeleton (C = 16, N = 5)."""
    cell, macro, net = CellEncoding(cells=1 if device == "cpu" else 5), MacroEncoding(), Unfitted()
    return [
        *(Network(name, "cell", cell, genome) for name, genome in CELLS.items()),
        *(Network(name, "macro", macro, genome) for name, genome in MACROS.items()),
        *(Network(name, "staged", net, net.genome(**choices)) for name, choices in STAGED.items()),
    ]


def initial(network: Network, data: Split, seed: int) -> torch.nn.Module:
    """With the weights that evonas starts from; a test says that they are the same."""
    torch.manual_seed(seed)
    return network.encoding.build(network.genome, data.task)


def plain(setting: Setting, network: Network, seed: int, amp: bool = False) -> tuple[float, float]:
    """(seconds, validation accuracy) of one training."""
    cudnn = torch.backends.cudnn.flags(enabled=True, benchmark=True)
    with threads_of_torch(setting.threads), cudnn, torch.random.fork_rng(devices=[]):
        start = time.perf_counter()
        accuracy = plain_loop.train(
            initial(network, setting.data, seed),
            setting.data,
            epochs=setting.epochs,
            batch_size=setting.batch_size,
            lr=setting.lr,
            workers=setting.workers,
            device=setting.device,
            amp=amp,
        )
        return time.perf_counter() - start, accuracy


@contextmanager
def apart() -> Iterator[Executor]:
    """A process of its own for the plain loop: what evonas sets for a process is not the control's."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        yield process


def ours(trainer: TorchTrainer, network: Network, seed: int) -> tuple[float, float]:
    """(seconds, validation accuracy) of one training; the trainer keeps its images on the device."""
    start = time.perf_counter()
    trainer = replace(trainer, encoding=network.encoding)
    evaluation = trainer(Candidate(network.genome), trainer.data.task, seed)
    if not evaluation.ok:
        raise RuntimeError(evaluation.error)
    return time.perf_counter() - start, evaluation.metrics["val_accuracy"]


def make_trainer(setting: Setting, **options: Any) -> TorchTrainer:
    common: dict[str, Any] = {"batch_size": setting.batch_size, "lr": setting.lr, "device": setting.device}
    common |= {"epochs": setting.epochs} | options
    return TorchTrainer(setting.networks[0].encoding, setting.data, **common)


def tuned(setting: Setting, process: Executor) -> Setting:
    """With the plain loop's fastest DataLoader workers and threads on the middle cell; half of its epochs each."""
    network, few = setting.networks[min(2, len(setting.networks) - 1)], replace(setting, data=_few(setting), epochs=1)

    def seconds(setting: Setting, amp: bool = False) -> float:
        return process.submit(plain, setting, network, 99, amp).result()[0]

    seconds(few)
    alone = seconds(few)
    own = replace(few, threads=torch.get_num_threads())
    # threads that wait for one another on a busy machine take a hundred times as long: they are not tried at length
    threads = sorted({1, *([own.threads] if seconds(own) < 1.5 * alone else [])})
    some = (0, 1, 2, 4, 8, 16) if setting.device == "cpu" else (0, 4, 8, 16)  # 36 milliseconds a step wait for few
    workers = [w for w in some if w <= max(2, environment.cores())]
    short = replace(setting, epochs=-(-setting.epochs // 2))
    trials = [replace(short, workers=w, threads=t) for t in threads for w in workers]
    best = min(trials, key=lambda trial: seconds(trial, setting.device != "cpu"))
    return replace(setting, workers=best.workers, threads=best.threads)


def compare(setting: Setting, seeds: int, seconds: float, process: Executor) -> dict[str, Any]:
    """Figures of one data set. No further seed is begun when so many seconds are over."""
    start = time.perf_counter()
    trainer = make_trainer(setting)
    warm = setting.networks if setting.device != "cpu" else setting.networks[:1]
    for network in warm:  # the images are on the device from then on, and its kernels are compiled
        ours(replace(trainer, epochs=1), network, 99)
    found: dict[Network, list[dict[str, tuple[float, float]]]] = {network: [] for network in setting.networks}
    for seed in range(seeds):
        if seed and time.perf_counter() - start > seconds:
            break
        for i, network in enumerate(setting.networks):
            arms = setting.arms if (seed + i) % 2 else setting.arms[::-1]
            found[network].append({arm: once(arm, setting, trainer, network, seed, process) for arm in arms})
    return summary(setting, found, trainer)


def once(
    arm: str, setting: Setting, trainer: TorchTrainer, network: Network, seed: int, process: Executor
) -> tuple[float, float]:
    if arm == "evonas":
        return ours(trainer, network, seed)
    return process.submit(plain, setting, network, seed, arm == "amp").result()


def summary(
    setting: Setting, found: dict[Network, list[dict[str, tuple[float, float]]]], trainer: TorchTrainer
) -> dict[str, Any]:
    """A row a network, their means, and how far apart accuracies are."""
    images = setting.epochs * len(setting.data.y_train)
    rows = []
    for network in setting.networks:
        pairs = found[network]
        row: dict[str, Any] = {"network": f"{network.kind} {network.name}", "kind": network.kind, "n": len(pairs)}
        for arm in setting.arms:
            row[f"{arm}_images_a_second"] = round(images / statistics.median(pair[arm][0] for pair in pairs))
            row[f"{arm}_accuracy"] = round(statistics.mean(pair[arm][1] for pair in pairs), 4)
        for arm in setting.arms[:-1]:
            row[RATIOS[arm]] = round(statistics.median(pair[arm][0] / pair["evonas"][0] for pair in pairs), 3)
        rows.append(row)
    by_seed = [
        100 * statistics.mean(pair["evonas"][1] - pair[setting.control][1] for pair in pairs)
        for pairs in zip(*found.values(), strict=True)
    ]
    return {
        "data": setting.data.task.name,
        "images": len(setting.data.y_train),
        "image_shape": setting.data.task.input_shape,
        "epochs": setting.epochs,
        "batch_size": setting.batch_size,
        "plain_workers": setting.workers,
        "plain_threads": setting.threads,
        "evonas_precision": trainer.precision,
        "seeds": len(by_seed),
        "accuracy_difference_points": round(statistics.mean(by_seed), 2),
        "accuracy_interval_points": interval(by_seed),
        "accuracy_difference_by_seed": [round(difference, 3) for difference in by_seed],
        "rows": rows,
    }


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """95 % for the mean, by Student's t; None of a single value."""
    if len(values) < 2:
        return None
    half = float(stats.t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / len(values) ** 0.5
    return round(statistics.mean(values) - half, 2), round(statistics.mean(values) + half, 2)


def measure(options: argparse.Namespace) -> dict[str, Any]:
    cuda = options.device.startswith("cuda")
    kind = "cuda" if cuda else "cpu"
    seconds = 20 if options.quick else options.seconds
    with apart() as process:
        found = [compare(tuned(each, process), options.seeds, seconds, process) for each in settings(options)]
    key = "ratio_amp" if cuda else "ratio"
    return {
        "ratio": mean_ratio(found, ["cell"], key),
        "ratio_staged": mean_ratio(found, ["macro", "staged"], key),
        "control": f"plain loop, {'bfloat16 autocast' if cuda else 'float32'}",
        "bar": BARS[kind],
        "bar_staged": BARS_STAGED[kind],
        "accuracy_difference_points": round(statistics.mean(f["accuracy_difference_points"] for f in found), 2),
        "accuracy_interval_points": interval(over_data(found)),
        "seeds": found[0]["seeds"],
        "data_sets": found,
        "hardware": results.hardware(options.device),
        "versions": environment.versions(),
    }


def over_data(found: Sequence[dict[str, Any]]) -> list[float]:
    """The accuracy difference of each seed, mean over data sets."""
    return [
        statistics.mean(seed) for seed in zip(*(data["accuracy_difference_by_seed"] for data in found), strict=True)
    ]


def mean_ratio(found: Sequence[dict[str, Any]], kinds: Collection[str], key: str) -> float | None:
    """None where no network of these kinds was trained."""
    ratios = [row[key] for data in found for row in data["rows"] if row["kind"] in kinds]
    return round(statistics.geometric_mean(ratios), 3) if ratios else None


def settings(options: argparse.Namespace) -> Iterator[Setting]:
    """Sizes: a quick look lasts half a minute; else a few steps a second of a CPU make some minutes a data set."""
    cpu = options.device == "cpu"
    for spec in ["digits"] if options.quick else options.data:
        found = setting(spec, options.device, options.batch or (64 if cpu else 256), options.train_size)
        epochs = options.epochs or (3 if options.quick or spec != "digits" else 12)
        wanted = options.networks or KINDS
        chosen = [network for network in found.networks if {network.name, network.kind} & set(wanted)]
        yield replace(found, epochs=epochs, amp=options.amp or not cpu, networks=chosen)


def setting(spec: str, device: str, batch_size: int, train_size: int | None = None) -> Setting:
    """All networks on these images, `train_size` of them at most."""
    images = load_images(spec)
    most = len(images.y) * 4 // 5
    data = split(images, seed=0, train_size=min(train_size or most, most))
    return Setting(data, 3, batch_size, device, networks(device))


COLUMNS = {
    "network": "{network}",
    "n": "{n}",
    "plain, images/s": "{plain_images_a_second:,}",
    "plain AMP, images/s": "{amp_images_a_second:,}",
    "evonas, images/s": "{evonas_images_a_second:,}",
    "ratio": "**{ratio:.2f}**",
    "ratio to AMP": "{ratio_amp:.2f}",
    "accuracy, plain": "{plain_accuracy:.1%}",
    "accuracy, plain AMP": "{amp_accuracy:.1%}",
    "accuracy, evonas": "{evonas_accuracy:.1%}",
}


def text(found: dict[str, Any]) -> str:
    kinds = {
        "cells": (found["ratio"], found["bar"]),
        "staged and macro networks": (found["ratio_staged"], found["bar_staged"]),
    }
    means = [
        f"{kind} **{ratio:.2f} ×** (bar {bar:g}, aim {aim:g})" for kind, (ratio, (bar, aim)) in kinds.items() if ratio
    ]
    parts = [
        f"Geometric mean against the {found['control']}: {', '.join(means)}. Accuracy, evonas less the control: "
        f"{difference(found)} (to be within {EQUAL:g})."
    ]
    for data in found["data_sets"]:
        absent = [arm for arm, name in RATIOS.items() if name not in data["rows"][0]]
        columns = {
            k: v for k, v in COLUMNS.items() if not any(f"{{{arm}_" in v or f"{{{RATIOS[arm]}:" in v for arm in absent)
        }
        parts += [
            f"**{data['data']}**, {data['images']:,} images of {'×'.join(map(str, data['image_shape']))}, "
            f"{data['epochs']} epochs, batch {data['batch_size']}; the plain loop with {data['plain_workers']} "
            f"DataLoader workers and {data['plain_threads']} threads, the best of those tried; evonas as it comes, "
            f"convolutions in {data['evonas_precision']}. Accuracy, evonas less the control: {difference(data)}.",
            results.table(data["rows"], columns),
        ]
    return "\n\n".join(parts)


def difference(found: dict[str, Any]) -> str:
    """Of accuracies, in words."""
    low_high = found["accuracy_interval_points"]
    within = f", 95 % interval {low_high[0]:+.2f} to {low_high[1]:+.2f}" if low_high else ""
    return f"{found['accuracy_difference_points']:+.2f} points{within} ({found['seeds']} seeds)"


def _few(setting: Setting) -> Split:
    """Two batches."""
    d, n = setting.data, 2 * setting.batch_size
    return replace(d, x_train=d.x_train[:n], y_train=d.y_train[:n], x_val=d.x_val[:64], y_val=d.y_val[:64])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="digits, few epochs: within a minute")
    parser.add_argument("--json", action="store_true", help="print one object")
    parser.add_argument("--data", nargs="+", default=["digits"], help="digits, npz:FILE, …")
    parser.add_argument("--train-size", type=int, help="train on so many images only")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batch", type=int, help="images a step: 64, on a GPU 256")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="a data set: then no further seed is begun")
    parser.add_argument("--networks", nargs="+", help="only these: dense, slim, …; or cell, macro, staged")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--amp", action="store_true", help="on a CPU too, the plain loop under autocast")
    parser.add_argument("--record", action="store_true", help="write its section of benchmarks/results/speed.md")
    options = parser.parse_args()
    options.seeds = options.seeds or (2 if options.quick else 5)
    found = measure(options)
    print(json.dumps(found) if options.json else text(found))
    if options.record:
        results.record("One training", options.device, text(found), waiting=WAITING)


WAITING = (
    "Images/s of NAS-Bench-201 networks (C = 16, N = 5, batch 256, 32×32) against the plain AMP loop: bar 5 ×, aim "
    "10 ×. `python benchmarks/studies/speed/train.py --device cuda --data npz:cifar10.npz --record` measures it."
)

if __name__ == "__main__":
    main()
