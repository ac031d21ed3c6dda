"""evonas's trainer against the plain loop that people write (plain_loop.py), side by side in one run.

    python benchmarks/speed/train.py [--quick] [--json] [--npz FASHION.npz] [--seeds 5] [--device cpu] [--record]

Same network, images, epochs and batch size; both train, turn about, each network with each seed. The plain loop runs
with the fastest of 0, 1 and 2 DataLoader workers and of torch's own number of threads and one, evonas's with the
faster number of threads, chosen for each data set by trials that are not counted. Prints a table, or with `--json` an
object: `ratio` (plain seconds / evonas
seconds: the geometric mean over data sets of the median of all pairs), `ratio_two_workers` (trainings an hour of two
worker processes of one thread each, against the plain loop one at a time), the accuracies, and each data set's row.
`--quick`: digits only, within a minute, no files. `--record` writes benchmarks/results/speed.md.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).parents[1]))

from speed import plain_loop

from evonas import environment
from evonas.encodings.cell import CellEncoding
from evonas.executors import Processes
from evonas.tasks import Split, load_images, split
from evonas.training.trainer import TorchTrainer
from evonas.types import Candidate

BAR, AIM = 1.5, 2.5
CELLS = {
    "dense": "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|",
    "mixed": "|nor_conv_1x1~0|+|avg_pool_3x3~0|skip_connect~1|+|nor_conv_3x3~0|nor_conv_1x1~1|none~2|",
    "light": "|skip_connect~0|+|none~0|none~1|+|nor_conv_3x3~0|skip_connect~1|avg_pool_3x3~2|",
}


@dataclass(frozen=True)
class Setting:
    """How much is trained; the plain loop's workers and threads once they are chosen."""

    name: str
    data: Split
    epochs: int
    batch_size: int = 64
    lr: float = 0.1
    device: str = "cpu"
    workers: int = 0
    threads: int = 1


def plain(setting: Setting, cell: str, seed: int) -> tuple[float, float]:
    """(seconds, validation accuracy) of one training."""
    with _threads(setting.threads):
        torch.manual_seed(seed)
        start = time.perf_counter()
        network = CellEncoding().build(CELLS[cell], setting.data.task)
        accuracy = plain_loop.train(
            network,
            setting.data,
            epochs=setting.epochs,
            batch_size=setting.batch_size,
            lr=setting.lr,
            workers=setting.workers,
            device=setting.device,
        )
        return time.perf_counter() - start, accuracy


def ours(setting: Setting, trainer: TorchTrainer, cell: str, seed: int) -> tuple[float, float]:
    """(seconds, validation accuracy) of one training."""
    start = time.perf_counter()
    evaluation = trainer(Candidate(CELLS[cell]), setting.data.task, seed)
    if not evaluation.ok:
        raise RuntimeError(evaluation.error)
    return time.perf_counter() - start, evaluation.metrics["val_accuracy"]


def make_trainer(setting: Setting, **options: Any) -> TorchTrainer:
    return TorchTrainer(
        CellEncoding(),
        setting.data,
        epochs=setting.epochs,
        batch_size=setting.batch_size,
        lr=setting.lr,
        device=setting.device,
        **options,
    )


def tuned(setting: Setting) -> Setting:
    """With the plain loop's fastest workers and threads."""
    few = replace(setting, data=_few(setting.data), epochs=1)
    threads = _promising(lambda threads: plain(replace(few, threads=threads), "mixed", 99)[0])
    trials = [replace(setting, epochs=2, workers=w, threads=t) for t in threads for w in (0, 1, 2)]
    seconds = [plain(trial, "mixed", 99)[0] for trial in trials]
    best = trials[seconds.index(min(seconds))]
    return replace(best, epochs=setting.epochs)


def tuned_trainer(setting: Setting) -> TorchTrainer:
    """With the faster number of threads, and the data on the device, which is done once for all trainings."""
    if setting.device != "cpu":
        trainer = make_trainer(setting)
        ours(setting, trainer, "mixed", 99)
        return trainer
    few = replace(setting, data=_few(setting.data), epochs=1)
    threads = _promising(lambda threads: ours(few, make_trainer(few, threads=threads), "mixed", 99)[0])
    trainers = [make_trainer(setting, threads=number) for number in threads]
    short = [
        replace(trainer, epochs=2) for trainer in trainers
    ]  # they share what is on the device with their long ones
    for trainer in short:
        ours(setting, trainer, "mixed", 99)
    seconds = [ours(setting, trainer, "mixed", 99)[0] for trainer in short]
    return trainers[seconds.index(min(seconds))]


def _promising(seconds: Callable[[int], float]) -> list[int]:
    """One thread, and torch's own number unless a short trial with it takes far longer: on a busy machine threads that
    wait for one another take a hundred times as long."""
    numbers = sorted({1, torch.get_num_threads()})
    seconds(1)
    alone = seconds(1)
    return [number for number in numbers if number == 1 or seconds(number) < 1.5 * alone]


def _few(data: Split) -> Split:
    """Two batches."""
    return replace(
        data, x_train=data.x_train[:128], y_train=data.y_train[:128], x_val=data.x_val[:64], y_val=data.y_val[:64]
    )


def compare(setting: Setting, seeds: int) -> dict[str, Any]:
    """The row of one data set: medians over all pairs of trainings, turn about."""
    setting = tuned(setting)
    trainer = tuned_trainer(setting)
    pairs = [
        (plain(setting, cell, seed), ours(setting, trainer, cell, seed)) for seed in range(seeds) for cell in CELLS
    ]
    differences = [o[1] - p[1] for p, o in pairs]
    images = setting.epochs * len(setting.data.y_train)
    row = {
        "data": setting.name,
        "trainings": len(pairs),
        "epochs": setting.epochs,
        "images": len(setting.data.y_train),
        "plain_workers": setting.workers,
        "plain_threads": setting.threads,
        "evonas_threads": trainer.threads,
        "precision": trainer.precision,
        "plain_images_a_second": round(images / statistics.median(p[0] for p, _ in pairs)),
        "evonas_images_a_second": round(images / statistics.median(o[0] for _, o in pairs)),
        "ratio": round(statistics.median(p[0] / o[0] for p, o in pairs), 3),
        "plain_accuracy": round(statistics.mean(p[1] for p, _ in pairs), 4),
        "evonas_accuracy": round(statistics.mean(o[1] for _, o in pairs), 4),
        "accuracy_difference_points": round(100 * statistics.mean(differences), 2),
        "standard_error_points": round(100 * statistics.stdev(differences) / len(differences) ** 0.5, 2),
        "plain_trainings_an_hour": round(3600 / statistics.mean(p[0] for p, _ in pairs)),
    }
    row["evonas_trainings_an_hour_two_workers"] = round(two_workers(setting, len(pairs)))
    row["ratio_two_workers"] = round(row["evonas_trainings_an_hour_two_workers"] / row["plain_trainings_an_hour"], 3)
    return row


def two_workers(setting: Setting, trainings: int) -> float:
    """Trainings an hour of two worker processes of one thread each, started and warm."""
    trainer = make_trainer(setting)
    workers = trainer.for_workers(2)
    with Processes([replace(worker, threads=1) for worker in workers]) as pool:
        for future in [pool.submit(Candidate(CELLS["light"]), setting.data.task, 99) for _ in range(2)]:
            future.result()
        start = time.perf_counter()
        cells = list(CELLS.values())
        futures = [
            pool.submit(Candidate(cells[i % len(cells)]), setting.data.task, i // len(cells)) for i in range(trainings)
        ]
        if not all(future.result().ok for future in futures):
            raise RuntimeError("a training failed")
        return 3600 * trainings / (time.perf_counter() - start)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def settings(options: argparse.Namespace) -> list[Setting]:
    digits = split(load_images("digits"), seed=0)
    found = [Setting("digits 8×8", digits, 3 if options.quick else 12, device=options.device)]
    if options.npz and not options.quick:
        fashion = split(load_images(f"npz:{options.npz}"), seed=0, train_size=2000)
        found.append(Setting(f"{fashion.task.name} 28×28", fashion, 3, device=options.device))
    return found


def measure(options: argparse.Namespace) -> dict[str, Any]:
    rows = [compare(setting, options.seeds) for setting in settings(options)]
    return {
        "ratio": round(statistics.geometric_mean(row["ratio"] for row in rows), 3),
        "ratio_two_workers": round(statistics.geometric_mean(row["ratio_two_workers"] for row in rows), 3),
        "bar": BAR,
        "aim": AIM,
        "accuracy_difference_points": round(statistics.mean(row["accuracy_difference_points"] for row in rows), 2),
        "seeds": options.seeds,
        "cells": len(CELLS),
        "rows": rows,
        "device": environment.processor() if options.device == "cpu" else torch.cuda.get_device_name(options.device),
        "versions": environment.versions(),
    }


COLUMNS = {
    "data": "{data}",
    "images × epochs": "{images:,} × {epochs}",
    "n": "{trainings}",
    "plain: workers, threads": "{plain_workers}, {plain_threads}",
    "evonas: threads": "{evonas_threads}",
    "plain, images/s": "{plain_images_a_second:,}",
    "evonas, images/s": "{evonas_images_a_second:,}",
    "ratio": "**{ratio:.2f}**",
    "accuracy, plain": "{plain_accuracy:.1%}",
    "accuracy, evonas": "{evonas_accuracy:.1%}",
    "difference, points": "{accuracy_difference_points:+.2f} ± {standard_error_points:.2f}",
    "trainings/h, plain": "{plain_trainings_an_hour:,}",
    "trainings/h, evonas with two workers": "{evonas_trainings_an_hour_two_workers:,}",
    "their ratio": "**{ratio_two_workers:.2f}**",
}


def table(found: dict[str, Any]) -> str:
    rows = [COLUMNS, dict.fromkeys(COLUMNS, "---")]
    rows += [{title: text.format(**row) for title, text in COLUMNS.items()} for row in found["rows"]]
    lines = ["| " + " | ".join(row if row is COLUMNS else row.values()) + " |" for row in rows]
    means = (
        f"Geometric means: one training {found['ratio']:.2f} × (bar {BAR}, aim {AIM}), two workers "
        f"{found['ratio_two_workers']:.2f} ×. {found['cells']} cells, {found['seeds']} seeds; ± is the standard error."
    )
    return "\n".join([*lines, "", means])


def record(found: dict[str, Any]) -> None:
    """Rewrite the section of this device in the results file."""
    command = " ".join(["python benchmarks/speed/train.py", *(Path(a).name if "/" in a else a for a in sys.argv[1:])])
    versions = ", ".join(f"{k} {v}" for k, v in found["versions"].items())
    gpu = (
        "Open: the machine that made this file has no CUDA device, so nothing about GPUs has been measured. The rows "
        "that wait: images/s of NAS-Bench-201 networks against the plain AMP loop (bar 5 ×, aim 10 ×), trainings an "
        "hour with a shared device (bar 2 ×, aim 4 ×), time to the first step (bar 15 s, aim 8 s), Spearman with the "
        "published 12-epoch accuracies (bar .9, aim .97). `python benchmarks/speed/train.py --device cuda` measures "
        "the first."
    )
    text = (
        "# Speed of training\n\nevonas's trainer against the plain loop that people write "
        "([plain_loop.py](../speed/plain_loop.py)), turn about in one run: same network (cell encoding as it stands), "
        "images,\nepochs, batch size and schedule. Both have the fastest of their own settings. Ratios are "
        f"medians over pairs of trainings.\n\n## {found['device']}\n\n{table(found)}\n\nConvolutions compute in "
        f"{found['rows'][0]['precision']} in evonas (its `auto` for this processor) and in float32 in the plain loop."
        f"\n\nMade by `{command}`; {versions}.\n\n## GPU\n\n{gpu}\n"
    )
    (Path(__file__).parents[1] / "results" / "speed.md").write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--npz", help="a file of images, as of Fashion-MNIST, besides digits")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--record", action="store_true", help="write benchmarks/results/speed.md")
    options = parser.parse_args()
    options.seeds = options.seeds or (2 if options.quick else 5)
    found = measure(options)
    print(json.dumps(found) if options.json else table(found))
    if options.record:
        record(found)


if __name__ == "__main__":
    main()
