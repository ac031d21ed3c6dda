"""From how much work a step on is a CPU's second thread worth having? The networks of train.py with one and with two.

    python benchmarks/studies/speed/threads.py --data digits npz:FILE [--train-size 2000] [--seconds 1.2] [--record]

Nothing else should run. Each network trains for so many seconds with one thread and with two in turn, twice; the better
of each counts. `OF_TWO` of `evonas.training.trainer` was chosen by it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from evonas.core.types import Candidate
from evonas.domains.images import load_images, split
from evonas.training import profile
from evonas.training.trainer import TorchTrainer
from studies.speed import results, train

TITLE, ROUNDS = "Threads", 2
COLUMNS = {
    "data": "{data}",
    "network": "{network}",
    "GFLOP a step": "{work:.2f}",
    "one thread, images/s": "{one:,.0f}",
    "two": "{two:,.0f}",
    "ratio": "**{ratio:.2f}**",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="+", default=["digits"])
    parser.add_argument("--train-size", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=1.2)
    parser.add_argument("--record", action="store_true", help="write benchmarks/results/speed.md")
    options = parser.parse_args()
    rows = []
    for data in options.data:
        for row in measured(data, options.train_size, options.seconds):
            print(" ".join(text.format(**row) for text in COLUMNS.values()), flush=True)
            rows.append(row)
    body = "A step is of 64 images, forward and backward; the second thread's worth by its work.\n\n"
    body += results.table(sorted(rows, key=lambda row: row["work"]), COLUMNS)
    if options.record:
        results.record(TITLE, "cpu", body)


def measured(source: str, size: int, seconds: float) -> Iterator[dict[str, Any]]:
    """A row a network."""
    whole = load_images(source)
    data = split(whole, seed=0)
    if size < len(data.y_train):
        data = split(whole, seed=0, train_size=size)
    for network in train.networks("cpu"):
        trainer = TorchTrainer(network.encoding, data, epochs=1, device="cpu")
        found: dict[int, list[float]] = {1: [], 2: []}
        for threads in [*found] * ROUNDS:
            rate = replace(trainer, threads=threads, _cache={}).rate(Candidate(network.genome), 0, seconds)
            found[threads].append(rate["images_per_second"])
        one, two = (max(rates) for rates in found.values())
        flops = profile.costs(network.encoding, network.genome, data.task)["flops"]
        yield {
            "data": data.task.name,
            "network": f"{network.kind} {network.name}",
            "work": 3e-9 * flops * trainer.batch_size,
            "one": one,
            "two": two,
            "ratio": two / one,
        }


if __name__ == "__main__":
    main()
