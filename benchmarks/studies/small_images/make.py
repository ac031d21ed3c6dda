"""Make the table `small-images`: 420 cells on five image sets, two fidelities, a fifth of the cells with two seeds.

    python benchmarks/studies/small_images/make.py --images FOLDER --out FOLDER [--workers 2]
    python benchmarks/studies/small_images/make.py --data digits --cells 3 --out FOLDER --table mine.parquet

`--images` holds mnist.npz, fashion_mnist.npz, kmnist_10k.npz and usps.npz with x_train, y_train, x_test, y_test.
Stop it whenever you like (Ctrl-C, a power cut): each finished training is a line of `OUT/trainings.jsonl`, and the same
command goes on. At the end it writes the table, and its card beside it.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from evonas.core import environment
from evonas.core.types import Candidate, Evaluation, Task
from evonas.execution.processes import Processes
from evonas.training.trainer import TorchTrainer
from evonas_benchmarks.tables import small_images, trainings_file
from studies.small_images import card
from studies.trainings import Records, check_part, exit_code, train_all

KEPT = ("val_accuracy", "val_loss", "train_accuracy", "params", "flops")


@dataclass(frozen=True)
class Training:
    """One network, trained once; what is measured after a third of it is the lower fidelity."""

    data: str
    cell: str
    seed: int

    def candidate(self) -> Candidate:
        return Candidate(self.cell)


def work(data: Sequence[str] = tuple(small_images.DATA), n: int = small_images.CELLS) -> list[Training]:
    """All trainings, the most useful first: every cell once on each data set, cell by cell, then the second seeds."""
    cells = small_images.cells()[:n]
    return [
        Training(name, cell, seed)
        for seed, some in enumerate((cells, cells[: small_images.TWICE]))
        for cell in some
        for name in data
    ]


@dataclass
class BothFidelities:
    """An evaluator: trains to a third, measures, goes on to the end, measures. The third's figures are `third NAME`.

    `seconds` are the processor time of this process, from the start of the training to each measurement.
    """

    trainers: dict[str, TorchTrainer]

    def __call__(self, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        trainer, found = self.trainers[task.name], {}
        start = time.process_time()
        for prefix, fidelity in (("third ", small_images.THIRD), ("", 1.0)):
            evaluation = trainer(Candidate(candidate.genome, fidelity), task, seed)
            if not evaluation.ok:
                return evaluation
            found |= {prefix + name: evaluation.metrics[name] for name in KEPT}
            found[f"{prefix}seconds"] = time.process_time() - start
        for file in Path(str(trainer.checkpoints)).glob("*.safetensors"):
            file.unlink()  # it has been gone on from
        return Evaluation(candidate, found, found["seconds"])


def evaluators(data: Sequence[str], images: Path | None, out: Path, workers: int) -> list[BothFidelities]:
    """One a worker, each with a folder of its own for what it trains on from."""
    trainers = {name: small_images.trainer(name, images) for name in data}
    return [
        BothFidelities({n: replace(t, checkpoints=out / f"checkpoints{i}" / n) for n, t in trainers.items()})
        for i in range(workers)
    ]


def opened(folder: Path) -> Records[Training]:
    """Raises EvonasError where the folder's trainings had another recipe."""
    return Records(folder, Training, recipe()).open()


def recipe() -> dict[str, Any]:
    """What decides a training's figures, besides versions and hardware."""
    sets = {name: asdict(data) for name, data in small_images.DATA.items()}
    return {"data": sets, "width": small_images.WIDTH, "third": small_images.THIRD, "draw": small_images.DRAW}


def write_table(todo: Sequence[Training], records: Records[Training], about: dict[str, Any], file: Path) -> None:
    """Two rows a training, one for each fidelity; a training that diverged has none of the figures."""
    rows = [
        {**asdict(training), "fidelity": fidelity, **{name: found.get(prefix + name) for name in small_images.MEASURED}}
        for training in todo
        for found in (records.lines[training],)
        for prefix, fidelity in (("third ", small_images.THIRD), ("", 1.0))
    ]
    whole = {"params", "flops"}
    types = {name: "int64" if name in whole else "float32" for name in small_images.MEASURED}
    keys = {"data": "word", "cell": "word", "seed": "int8", "fidelity": "float32"}
    trainings_file.write(rows, {**keys, **types}, about, file)
    file.with_suffix(".md").write_text(card.card(small_images.read(file), about), encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--images", type=Path, help="the folder of the npz files")
    parser.add_argument("--out", type=Path, required=True, help="where trainings are kept while it runs")
    parser.add_argument("--workers", type=int, default=environment.cores())
    parser.add_argument("--data", default=",".join(small_images.DATA), help="comma-separated")
    parser.add_argument("--cells", type=int, default=small_images.CELLS, help="only the first so many")
    parser.add_argument("--table", type=Path, default=small_images.FILE)
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the workers
    return exit_code(lambda: made(chosen), chosen.out)


def made(chosen: argparse.Namespace) -> list[str]:
    """The table and its card are written, or why they cannot be yet."""
    names = chosen.data.split(",")
    check_part(names, small_images.DATA, "--cells", chosen.cells, small_images.CELLS, chosen.table, small_images.FILE)
    todo, records = work(names, chosen.cells), opened(chosen.out)
    several = evaluators(names, chosen.images, chosen.out, chosen.workers)
    splits: dict[str, Any] = {name: trainer.data for name, trainer in several[0].trainers.items()}
    with Processes(several) as executor:
        weights = {name: data.epochs * data.train for name, data in small_images.DATA.items()}
        failed = train_all(todo, records, executor, {name: s.task for name, s in splits.items()}, weights)
    if not failed:
        write_table(todo, records, records.about() | {"images": card.images(splits)}, chosen.table)
        print(f"{chosen.table} and its card are written")
    return failed


if __name__ == "__main__":
    sys.exit(main())
