"""Make the table `net-images`: 160 genomes of `net` on 13 image sets, three lengths of training.

    python benchmarks/studies/net_images/make.py --images FOLDER --made FOLDER [--workers 2]
    python benchmarks/studies/net_images/make.py --data digits,chess --genomes 3 … --table mine.parquet

`--images` holds usps.npz, mnist.npz, fashion_mnist.npz, kmnist_10k.npz and cifar10.npz with x_train, y_train, x_test,
y_test; sets that evonas makes itself go to `--made`. Stop it whenever you like (Ctrl-C, a power cut): each finished
training is a line of `OUT/trainings.jsonl`, and the same command goes on. At the end it writes the table.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from evonas.core import environment
from evonas.core.types import Candidate, Evaluation, Task
from evonas.execution.processes import Processes
from evonas.training.trainer import TorchTrainer
from evonas_benchmarks.tables import net_images
from studies.trainings import Records, check_part, exit_code, train_all

KEPT = net_images.MEASURED
LENGTHS = "lengths.json"
OUT = Path(__file__).parents[2] / "results" / "net-images"  # in the repository: it takes several sittings


@dataclass(frozen=True)
class Training:
    """A genome on a data set, by its place in `net_images.genomes()`, in all lengths."""

    data: str
    genome: int
    seed: int

    def candidate(self) -> Candidate:
        return Candidate(net_images.genomes()[self.genome])


def work(data: Sequence[str], n: int) -> list[Training]:
    """All trainings, genome by genome: stopped anywhere, each set has the same genomes."""
    return [Training(name, genome, 0) for genome in range(n) for name in data]


@dataclass
class AllLengths:
    """An evaluator: trains in each length; figures of the shorter ones have `1/9 ` or `1/3 ` before their name.

    `seconds` are the wall clock's; the lengths are the processor's. A length that diverged has no figures. The first
    training on a data set is done twice: what a process does for the first time takes longer.
    """

    trainers: dict[str, TorchTrainer]
    warm: set[str] = field(default_factory=set)

    def __call__(self, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        found: dict[str, float] = {}
        if task.name not in self.warm:
            self.trainers[task.name](Candidate(candidate.genome, net_images.FIDELITIES[0]), task, seed)
            self.warm.add(task.name)
        seconds = 0.0
        for fidelity in net_images.FIDELITIES:
            one = self.trainers[task.name](Candidate(candidate.genome, fidelity), task, seed)
            found |= {net_images.prefix(fidelity) + name: one.metrics[name] for name in KEPT} if one.ok else {}
            seconds += one.seconds
        return Evaluation(candidate, found, seconds)


def seconds(file: Path, splits: Mapping[str, Any]) -> dict[str, float]:
    """Of the longest training on each set, on this processor: measured once, and the same in every sitting.

    The length is one in the fixed baseline's images, which the first processor's speed decides: on another one the
    seconds are those that its baseline takes for as many.
    """
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"images": {}, "seconds": {}}
    images, mine = known["images"], known["seconds"].setdefault(environment.processor(), {})
    for name, split in splits.items():
        if name not in mine:
            speed = net_images.speed(split)
            images.setdefault(name, round(min(net_images.IMAGES, net_images.MOST_SECONDS * speed)))
            mine[name] = round(images[name] / speed, 2)
            file.write_text(json.dumps(known), encoding="utf-8")
    return {name: mine[name] for name in splits}


def recipe() -> dict[str, Any]:
    """What decides a training's figures, besides versions and hardware."""
    sets = {name: asdict(data) for name, data in net_images.DATA.items()}
    names = ("IMAGES", "MOST_SECONDS", "FIDELITIES", "MADE", "DRAW")
    genomes = [list(genome) for genome in net_images.genomes()]
    return {"data": sets, "genomes": genomes, **{name: getattr(net_images, name) for name in names}}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=Path, required=True, help="the folder of the npz files")
    parser.add_argument("--made", type=Path, required=True, help="where sets are that evonas makes")
    parser.add_argument("--out", type=Path, default=OUT, help="where trainings are kept while it runs")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--data", default=",".join(net_images.DATA), help="comma-separated")
    parser.add_argument("--genomes", type=int, default=net_images.GENOMES, help="only the first so many")
    parser.add_argument("--table", type=Path, default=net_images.FILE)
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the workers
    return exit_code(lambda: made(chosen), chosen.out)


def made(chosen: argparse.Namespace) -> list[str]:
    """The table is written, or why it cannot be yet."""
    names = chosen.data.split(",")
    check_part(names, net_images.DATA, "--genomes", chosen.genomes, net_images.GENOMES, chosen.table, net_images.FILE)
    todo = work(names, chosen.genomes)
    records = Records(chosen.out, Training, recipe()).open()
    splits = {name: net_images.small_split(name, chosen.images, chosen.made) for name in names}
    tasks = {name: split.task for name, split in splits.items()}
    weights = seconds(chosen.out / LENGTHS, splits)
    trainers = {name: net_images.trainer(split, weights[name]) for name, split in splits.items()}
    print(", ".join(f"{name} {length:.1f} s" for name, length in weights.items()), flush=True)
    with Processes([AllLengths(trainers)] * chosen.workers) as executor:
        failed = train_all(todo, records, executor, tasks, weights)
    if not failed:
        lengths = json.loads((chosen.out / LENGTHS).read_text(encoding="utf-8"))
        about = records.about() | {"lengths": lengths, "tasks": {name: described(one) for name, one in tasks.items()}}
        net_images.write(todo_rows(todo, records), about, chosen.table)
        print(f"{chosen.table} is written")
    return failed


def described(task: Task) -> dict[str, Any]:
    """What is kept of a task: its shape, classes, descriptors, and the fingerprint of the whole data set."""
    return {
        "shape": task.input_shape,
        "classes": task.n_classes,
        "features": dict(task.features),
        "fingerprint": task.fingerprint,
    }


def todo_rows(todo: Sequence[Training], records: Records[Training]) -> list[dict[str, Any]]:
    """A row for each training and length."""
    return [
        {
            "data": training.data,
            "genome": training.genome,
            "fidelity": fidelity,
            **{name: records.lines[training].get(net_images.prefix(fidelity) + name) for name in KEPT},
        }
        for training in todo
        for fidelity in net_images.FIDELITIES
    ]


if __name__ == "__main__":
    sys.exit(main())
