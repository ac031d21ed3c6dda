"""Many trainings for a table, kept one a line of JSON, so that the making can be stopped and goes on where it was."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from evonas.core import environment
from evonas.core.errors import EvonasError, choices
from evonas.core.types import Candidate, Task
from evonas.execution.processes import Processes

RECIPE = "recipe.json"
TRAININGS = "trainings.jsonl"


def exit_code(work: Callable[[], Sequence[str]], kept: Path) -> int:
    """Of a script that does this work: 0; 1 with a line for each thing that failed, which `work` returns; 2 with an
    EvonasError's line; 130 where it was stopped, what is finished being `kept`."""
    try:
        failed = work()
    except EvonasError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"stopped; what is finished is kept in {kept}, the same command goes on", file=sys.stderr)
        return 130
    if failed:
        print("\n".join(failed), file=sys.stderr)
    return 1 if failed else 0


def check_part(
    names: Sequence[str], sets: Collection[str], option: str, n: int, most: int, table: Path, whole: Path
) -> None:
    """Raises EvonasError where there is no such data set, `n` networks are none or more than there are, or a part would
    take the place of the whole table."""
    for name in names:
        if name not in sets:
            raise EvonasError(f"no data set {name!r}; there are {choices(sets)}")
    if not 1 <= n <= most:
        raise EvonasError(f"{option} {n} is not valid; give 1 to {most}")
    if table == whole and (n < most or set(names) < set(sets)):
        raise EvonasError("a part of the table would take the place of the whole; give --table FILE.parquet")


class Training(Protocol):
    """A frozen dataclass of JSON values that names one training; `data` is its data set."""

    @property
    def data(self) -> str: ...

    @property
    def seed(self) -> int: ...

    def candidate(self) -> Candidate: ...


T = TypeVar("T", bound=Training)


@dataclass
class Records(Generic[T]):
    """The finished trainings of a folder, a line of JSON each.

    Args:
        folder: where they are.
        kind: the dataclass of a training.
        recipe: what decides a training's figures, besides versions and hardware; JSON values.
    """

    folder: Path
    kind: Callable[..., T]
    recipe: Mapping[str, Any]
    lines: dict[T, dict[str, Any]] = field(default_factory=dict)

    def open(self) -> Records[T]:
        """Take up what is there. Raises EvonasError where the folder's trainings had another recipe."""
        self.folder.mkdir(parents=True, exist_ok=True)
        mine, kept = json.loads(json.dumps(self.recipe)), self.folder / RECIPE
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
        names = list(getattr(self.kind, "__dataclass_fields__", ()))
        for line in whole.decode("utf-8").splitlines():
            values = json.loads(line)
            self.lines[self.kind(*(values.pop(name) for name in names))] = values
        return self

    def about(self) -> dict[str, Any]:
        """Recipe, versions and processor of the first run."""
        return json.loads((self.folder / RECIPE).read_text(encoding="utf-8"))

    def append(self, training: T, values: dict[str, Any]) -> None:
        with (self.folder / TRAININGS).open("a", encoding="utf-8") as file:
            file.write(json.dumps({**asdict(training), **values}) + "\n")  # type: ignore[call-overload]
        self.lines[training] = values


def train_all(
    todo: Sequence[T],
    records: Records[T],
    executor: Processes,
    tasks: Mapping[str, Task],
    weights: Mapping[str, float],
) -> list[str]:
    """Train what is missing; returns why some could not be, and that a later call tries these again.

    `weights` are how long a training on each data set takes, in any unit.
    """
    missing = [training for training in todo if training not in records.lines]
    progress, failed = Progress(missing, len(todo), weights), []
    queue = iter(missing)

    def submit(n: int) -> Iterator[tuple[Any, T]]:
        for training in islice(queue, n):
            yield executor.submit(training.candidate(), tasks[training.data], training.seed), training

    running = dict(submit(executor.slots))
    while running:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            training, evaluation = running.pop(future), future.result()
            if evaluation.ok or (evaluation.error or "").startswith("diverged"):
                records.append(training, dict(evaluation.metrics) or {"error": evaluation.error})
            else:
                failed.append(f"{training}: {evaluation.error}")
            progress.tell(training)
        running |= dict(submit(len(done)))
    return [*failed, "the same command tries these again"] if failed else []


class Progress:
    """A line every half minute: how many are done, and how long the rest will take at the pace so far."""

    EVERY = 30.0

    def __init__(self, missing: Sequence[Training], total: int, weights: Mapping[str, float]):
        self.total = total
        self.left = Counter(training.data for training in missing)
        self.begun = self.said = time.monotonic()
        self.weights = weights
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
