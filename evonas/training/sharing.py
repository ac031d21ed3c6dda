"""How many trainings share a device: as many as together train the most images a second, by measurement."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Evaluation, Task
from evonas.execution.processes import Processes
from evonas.training.trainer import TorchTrainer

MOST = 16  # trainings on one device
WORTH = 1.1  # twice as many must train so many times the images a second
SPARE = 0.1  # of the device's memory stays free: networks differ

log = logging.getLogger(__name__)


@dataclass
class Rate:
    """An Evaluator that trains for some seconds and says how fast: `images_per_second`, and `free_memory`, the share
    of the device's memory that nobody took meanwhile."""

    trainer: TorchTrainer
    seconds: float

    def __call__(self, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        return Evaluation(candidate, self.trainer.rate(candidate, seed, self.seconds), self.seconds)


def per_device(trainer: TorchTrainer, genome: Any, seed: int = 0, most: int = MOST, seconds: float = 3.0) -> int:
    """How many processes to give one device. Measures 1, 2, 4, … at a time, each training the same network, until
    twice as many are not worth it or the memory is used up; seconds a step, and the start of the processes.

    Raises EvonasError where not even one can train.
    """
    device = trainer.devices()[0]

    def measure(number: int) -> Sequence[Mapping[str, float]]:
        own = [Rate(one, seconds) for one in replace(trainer, device=device, _cache={}).for_workers(number)]
        with Processes(own) as executor:
            found: list[Evaluation] = []
            for _ in range(2):  # the first round starts the processes and brings the data to the device
                futures = [executor.submit(Candidate(genome), trainer.data.task, seed) for _ in own]
                found = [future.result() for future in futures]
        failed = next((evaluation.error for evaluation in found if not evaluation.ok), None)
        if failed and number == 1:
            raise EvonasError(f"no training to measure on {device}: {failed}")
        return [] if failed else [evaluation.metrics for evaluation in found]

    return choose(measure, most)


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
