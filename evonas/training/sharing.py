"""How many trainings share a device, in a process each or in one: as many as train the most images a second, by
measurement."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Evaluation, Task
from evonas.execution.processes import Processes
from evonas.training.trainer import TorchTrainer
from evonas.training.turns import Alone, InTurns, Turns, in_turns

MOST = 16  # trainings on one device
WORTH = 1.1  # twice as many must train so many times the images a second
SPARE = 0.1  # of the device's memory stays free: networks differ

log = logging.getLogger(__name__)


@dataclass
class Rate:
    """An Evaluator that trains for some seconds and says how fast: `images_per_second`, and `free_memory`, the share
    of the device's memory that nobody took meanwhile. Those `in_turns` begin with their seconds at the same time, and
    none can be measured where one has failed."""

    trainer: TorchTrainer
    seconds: float
    turns: Turns = field(default_factory=Alone)
    meeting: threading.Barrier | None = None

    def __call__(self, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        try:
            found = self.trainer.rate(candidate, seed, self.seconds, self._meet)
        except Exception:
            if self.meeting is not None:
                self.meeting.abort()
            raise
        return Evaluation(candidate, found, self.seconds)

    def in_turns(self, number: int) -> list[InTurns]:
        return in_turns(replace(self, meeting=threading.Barrier(number)), number, self.trainer.device)

    def with_turns(self, turns: Turns) -> Rate:
        return replace(self, trainer=self.trainer.with_turns(turns), turns=turns)

    def _meet(self) -> None:
        if self.meeting is not None:
            with self.turns.aside():
                self.meeting.wait()


def per_device(trainer: TorchTrainer, genome: Any, seed: int = 0, most: int = MOST, seconds: float = 3.0) -> int:
    """How many processes to give one device. Measures 1, 2, 4, … at a time, each training the same network, until
    twice as many are not worth it or the memory is used up; seconds a step, and the start of the processes.

    Raises EvonasError where not even one can train.
    """
    return choose(lambda number: measured(trainer, genome, seed, seconds, processes=number), most)


def together(trainer: TorchTrainer, genome: Any, seed: int = 0, most: int = MOST, seconds: float = 3.0) -> int:
    """How many trainings to give one process, found in the same way."""
    return choose(lambda number: measured(trainer, genome, seed, seconds, together=number), most)


def measured(
    trainer: TorchTrainer, genome: Any, seed: int, seconds: float, processes: int = 1, together: int = 1
) -> Sequence[Mapping[str, float]]:
    """What each of so many processes, or of so many trainings together in each of them, says of its `Rate` on one
    device; nothing where several do not fit. Raises EvonasError where one alone cannot train."""
    device = trainer.devices()[0]
    own = [Rate(one, seconds) for one in replace(trainer, device=device, _cache={}).for_workers(processes)]
    with Processes(own, together=together) as executor:
        found: list[Evaluation] = []
        for _ in range(2):  # the first round starts the processes and brings the data to the device
            futures = [executor.submit(Candidate(genome), trainer.data.task, seed) for _ in range(executor.slots)]
            found = [future.result() for future in futures]
    failed = next((evaluation.error for evaluation in found if not evaluation.ok), None)
    if failed and executor.slots == 1:
        raise EvonasError(f"no training to measure on {device}: {failed}")
    return [] if failed else [evaluation.metrics for evaluation in found]


def rate_apart(trainer: TorchTrainer, candidate: Candidate, seed: int, seconds: float) -> dict[str, float]:
    """`TorchTrainer.rate` in a process that ends then: this one takes no memory on a GPU by it.

    Raises RuntimeError where it cannot be trained.
    """
    with Processes([Rate(one, seconds) for one in trainer.for_workers(1)]) as executor:
        evaluation = executor.submit(candidate, trainer.data.task, seed).result()
    if not evaluation.ok:
        raise RuntimeError(evaluation.error)
    return dict(evaluation.metrics)


def choose(measure: Callable[[int], Sequence[Mapping[str, float]]], most: int) -> int:
    """The best number by what `measure(number)` says of each of so many; nothing where they do not fit."""
    best, rate, number = 1, 0.0, 1
    while number <= most:
        found = measure(number)
        together = sum(metrics["images_per_second"] for metrics in found)
        free = min((metrics["free_memory"] for metrics in found), default=0.0)
        log.info("%d at a time: %.0f images a second, %.0f %% of the memory free", number, together, 100 * free)
        if together < WORTH * rate:
            break
        if number > 1 and free < SPARE:
            break
        best, rate, number = number, together, 2 * number
    return best
