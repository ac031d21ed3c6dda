"""Make the table `small-images`: 420 cells on five image sets, two fidelities, a fifth of the cells with two seeds.

    python benchmarks/studies/small_images/make.py --images FOLDER --out FOLDER [--workers 2]
    python benchmarks/studies/small_images/make.py --data digits --cells 3 --out FOLDER --table mine.parquet

`--images` holds mnist.npz, fashion_mnist.npz, kmnist_10k.npz and usps.npz with x_train, y_train, x_test, y_test.
Stop it whenever you like (Ctrl-C, a power cut): each finished training is a line of `OUT/trainings.jsonl`, and the same
command goes on. At the end it writes the table, and its card beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from evonas.core import environment
from evonas.core.errors import EvonasError, choices
from evonas.core.types import Candidate, Evaluation, Task
from evonas.execution.processes import Processes
from evonas.training.trainer import TorchTrainer
from evonas_benchmarks.tables import small_images
from studies.small_images import card

KEPT = ("val_accuracy", "val_loss", "train_accuracy", "params", "flops")
RECIPE = "recipe.json"
TRAININGS = "trainings.jsonl"


@dataclass(frozen=True)
class Training:
    """One network, trained once; what is measured after a third of it is the lower fidelity."""

    data: str
    cell: str
    seed: int


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


@dataclass
class Records:
    """The finished trainings of a folder, a line of JSON each."""

    folder: Path
    lines: dict[Training, dict[str, Any]] = field(default_factory=dict)

    def open(self) -> Records:
        """Take up what is there. Raises EvonasError where the folder's trainings had another recipe."""
        self.folder.mkdir(parents=True, exist_ok=True)
        mine, kept = recipe(), self.folder / RECIPE
        if kept.is_file() and json.loads(kept.read_text(encoding="utf-8"))["recipe"] != mine:
            raise EvonasError(f"--out {str(self.folder)!r} holds trainings of another recipe; give another folder")
        if not kept.is_file():
            about = {"recipe": mine, "versions": environment.versions(), "processor": environment.processor()}
            kept.write_text(json.dumps(about, indent=1), encoding="utf-8")
        path = self.folder / TRAININGS
        path.touch()
        with path.open("rb+") as file:
            whole = file.read().rpartition(b"\n")[0]
            file.truncate(len(whole) + 1 if whole else 0)  # what follows was being written when it was stopped
        for line in whole.decode("utf-8").splitlines():
            values = json.loads(line)
            self.lines[Training(values.pop("data"), values.pop("cell"), values.pop("seed"))] = values
        return self

    def about(self) -> dict[str, Any]:
        """Recipe, versions and processor of the first run."""
        return json.loads((self.folder / RECIPE).read_text(encoding="utf-8"))

    def append(self, training: Training, values: dict[str, Any]) -> None:
        with (self.folder / TRAININGS).open("a", encoding="utf-8") as file:
            file.write(json.dumps({**asdict(training), **values}) + "\n")
        self.lines[training] = values


def recipe() -> dict[str, Any]:
    """What decides a training's figures, besides versions and hardware."""
    sets = {name: asdict(data) for name, data in small_images.DATA.items()}
    return {"data": sets, "width": small_images.WIDTH, "third": small_images.THIRD, "draw": small_images.DRAW}


def train_all(todo: Sequence[Training], records: Records, executor: Processes, tasks: dict[str, Task]) -> list[str]:
    """Train what is missing; returns why some could not be, which a later call tries again."""
    missing = [training for training in todo if training not in records.lines]
    progress, failed = Progress(missing, len(todo)), []
    queue = iter(missing)

    def submit(n: int) -> Iterator[tuple[Any, Training]]:
        for training in islice(queue, n):
            yield executor.submit(Candidate(training.cell), tasks[training.data], training.seed), training

    running = dict(submit(executor.slots))
    while running:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            training, evaluation = running.pop(future), future.result()
            if evaluation.ok or (evaluation.error or "").startswith("diverged"):
                records.append(training, dict(evaluation.metrics) or {"error": evaluation.error})
            else:
                failed.append(f"{training.data} {training.cell} seed {training.seed}: {evaluation.error}")
            progress.tell(training)
        running |= dict(submit(len(done)))
    return failed


class Progress:
    """A line every half minute: how many are done, and how long the rest will take at the pace so far."""

    EVERY = 30.0

    def __init__(self, missing: Sequence[Training], total: int):
        self.total = total
        self.left = Counter(training.data for training in missing)
        self.begun = self.said = time.monotonic()
        self.weights = {name: data.epochs * data.train for name, data in small_images.DATA.items()}
        self.work = self._work()
        print(f"{total - len(missing)} of {total} trainings are done already", flush=True)

    def tell(self, training: Training) -> None:
        self.left[training.data] -= 1
        now, left = time.monotonic(), self._work()
        if now - self.said < self.EVERY and left:
            return
        self.said = now
        seconds = (now - self.begun) * left / (self.work - left)
        done = self.total - sum(self.left.values())
        print(f"{done} of {self.total} trainings, {seconds / 60:.0f} minutes left", flush=True)

    def _work(self) -> float:
        return sum(self.weights[data] * n for data, n in self.left.items())


def write_table(todo: Sequence[Training], records: Records, about: dict[str, Any], file: Path) -> None:
    """Two rows a training, one for each fidelity; a training that diverged has none of the figures."""
    rows = [
        {**asdict(training), "fidelity": fidelity, **{name: found.get(prefix + name) for name in small_images.MEASURED}}
        for training in todo
        for found in (records.lines[training],)
        for prefix, fidelity in (("third ", small_images.THIRD), ("", 1.0))
    ]
    whole = {"params", "flops"}
    types = {name: pa.int64() if name in whole else pa.float32() for name in small_images.MEASURED}
    words = pa.dictionary(pa.int16(), pa.string())
    schema = pa.schema({"data": words, "cell": words, "seed": pa.int8(), "fidelity": pa.float32(), **types})
    table = pa.Table.from_pylist(rows, schema.with_metadata({"evonas": json.dumps(about)}))
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".unfinished")
    pq.write_table(table, unfinished, compression="zstd")
    unfinished.replace(file)
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
    names = chosen.data.split(",")
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the workers
    try:
        check(names, chosen)
        todo, records = work(names, chosen.cells), Records(chosen.out).open()
        several = evaluators(names, chosen.images, chosen.out, chosen.workers)
        splits: dict[str, Any] = {name: trainer.data for name, trainer in several[0].trainers.items()}
        with Processes(several) as executor:
            failed = train_all(todo, records, executor, {name: split.task for name, split in splits.items()})
    except EvonasError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"stopped; what is finished is kept in {chosen.out}, the same command goes on", file=sys.stderr)
        return 130
    if failed:
        print("\n".join([*failed, "the same command tries these again"]), file=sys.stderr)
        return 1
    write_table(todo, records, records.about() | {"images": card.images(splits)}, chosen.table)
    print(f"{chosen.table} and its card are written")
    return 0


def check(names: Sequence[str], chosen: argparse.Namespace) -> None:
    """Raises EvonasError where a name is unknown, or a part would take the place of the whole table."""
    for name in names:
        if name not in small_images.DATA:
            raise EvonasError(f"no data set {name!r}; there are {choices(small_images.DATA)}")
    if not 1 <= chosen.cells <= small_images.CELLS:
        raise EvonasError(f"--cells {chosen.cells} is not valid; give 1 to {small_images.CELLS}")
    part = chosen.cells < small_images.CELLS or set(names) < set(small_images.DATA)
    if part and chosen.table == small_images.FILE:
        raise EvonasError("a part of the table would take the place of the whole; give --table FILE.parquet")


if __name__ == "__main__":
    sys.exit(main())
