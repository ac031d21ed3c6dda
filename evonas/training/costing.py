"""What a genome's network costs, known before it is trained: counted, from the table of latencies, or a user's own; and
what of a user's own is known afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from torch import nn

from evonas.core.goals import Goal
from evonas.core.optional import canonical_form
from evonas.core.own_metrics import ANSWERS, GENOME, TRAINED, OwnMetric
from evonas.core.quality import Answers
from evonas.core.types import Encoding
from evonas.training import profile
from evonas.training.building import build, seeded
from evonas.training.latency_table import NAME, LatencyTable


class Costed(Protocol):
    """What is needed of a trainer."""

    encoding: Encoding[Any]
    own: tuple[OwnMetric, ...]

    @property
    def data(self) -> Any: ...

    def latency_table(self) -> LatencyTable: ...


def known(trainer: Costed, genome: Any, names: Sequence[str]) -> dict[str, float]:
    """Those of the names that are known before training, with any weights."""
    encoding, task = trainer.encoding, trainer.data.task
    found = profile.costs_at_once(encoding, genome, task, [name for name in names if name in profile.KNOWN])
    if NAME in names:
        with seeded(0):
            network = build(encoding, genome, task)
        found[NAME] = trainer.latency_table().milliseconds(network, task.input_shape)
    for one in trainer.own:
        if one.kind == GENOME and one.name in names:  # what is one network costs the same
            found[one.name] = one(genome=canonical_form(encoding)(genome), task=task)
    return found


def further(trainer: Costed, goal: Goal) -> tuple[str, ...]:
    """Names of what is known before training and not counted for every network anyway, but is to be recorded."""
    table = [NAME] if NAME in goal.metrics else []
    return (*table, *(one.name for one in trainer.own if one.kind == GENOME))


def of_trained(trainer: Costed, network: nn.Module) -> dict[str, float]:
    """A user's own metrics of a trained network."""
    task = trainer.data.task
    return {one.name: one(trained=network.eval(), task=task) for one in trainer.own if one.kind == TRAINED}


def asks_answers(trainer: Costed) -> bool:
    """Whether a metric is of a network's answers."""
    return any(one.kind == ANSWERS for one in trainer.own)


def of_answers(trainer: Costed, answers: Answers) -> dict[str, float]:
    """Metrics of a network's answers."""
    given = {"y_true": answers.labels, "y_pred": answers.said, "probabilities": answers.probabilities}
    return {one.name: one(**given, task=trainer.data.task) for one in trainer.own if one.kind == ANSWERS}
