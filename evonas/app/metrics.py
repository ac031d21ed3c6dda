"""Metrics of a user's own: named on the command line and in files, or given as objects; tried before a search."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.goals import Goal
from evonas.core.optional import MeasuresOwn, NamesMetrics
from evonas.core.own_metrics import ANSWERS, GENOME, NETWORK, OwnMetric, load, split_name
from evonas.core.scores import asked
from evonas.core.types import Encoding, Task
from evonas.domains.domain import Domain

Given = Mapping[str, Callable[..., float] | str] | Sequence[str] | str | None


def written(metrics: Given, spec_of: Callable[[Any], str]) -> tuple[list[str], dict[str, Any]]:
    """As options have them, `energy=my.py:joules`, and those that are objects by their names.

    Raises EvonasError where a function has no name, or one that is none.
    """
    if metrics is not None and not isinstance(metrics, Mapping | Sequence):
        raise EvonasError(f"metrics={metrics!r} has no name; give metrics={{'energy': …}}")
    if not isinstance(metrics, Mapping):
        return [metrics] if isinstance(metrics, str) else list(metrics or ()), {}
    if odd := next((name for name in metrics if not (isinstance(name, str) and name.isidentifier())), None):
        raise EvonasError(
            f"{odd!r} is no name of a metric of yours; give one as Python has them: metrics={{'energy': …}}"
        )
    texts = [f"{name}={spec_of(one)}" for name, one in metrics.items()]
    return texts, {name: one for name, one in metrics.items() if not isinstance(one, str)}


def loaded(texts: Sequence[str], given: Mapping[str, Any]) -> tuple[OwnMetric, ...]:
    """The metrics that an option names, or that were given. Raises EvonasError where one is none, or named twice."""
    names = [split_name(text)[0] for text in texts]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise EvonasError(f"--metric {twice} is named twice; give one another name: {twice}2=FILE.py:FUNCTION")
    return tuple(load(text, given.get(name)) for name, text in zip(names, texts, strict=True))


def check_tried(own: Sequence[OwnMetric], kind: Domain, encoding: Encoding[Any], task: Task, seed: int) -> None:
    """Try those of a genome, of an untrained network and, with made ones, of answers. Raises EvonasError where one
    raises or gives no number, or evonas trains no networks."""
    if own and not kind.trains:
        raise EvonasError(
            f"--metric {own[0].name}: nothing is measured where an {kind.name} of your own trains; let it return it"
        )
    for one in (one for one in own if one.kind == ANSWERS):
        probabilities = np.random.default_rng(seed).dirichlet(np.ones(task.n_classes), 2 * task.n_classes)
        y_true = np.arange(task.n_classes).repeat(2)
        one(y_true=y_true, y_pred=probabilities.argmax(1), probabilities=probabilities, task=task)
    tried = [one for one in own if one.kind in (GENOME, NETWORK)]
    if not tried:
        return
    from evonas.training.building import build, seeded

    genome = encoding.sample(np.random.default_rng(seed))
    with seeded(seed):
        network = build(encoding, genome, task).eval()
    for one in tried:
        one(genome=genome, network=network, task=task)


def check_measured(own: Sequence[OwnMetric], trainer: Any) -> None:
    """Raises EvonasError where an installed domain's trainer measures none."""
    if own and not isinstance(trainer, MeasuresOwn):
        raise EvonasError(
            f"--metric {own[0].name}: a {type(trainer).__name__} measures no metric of your own; leave it out"
        )


def with_scores(own: Sequence[OwnMetric], goal: Goal, kind: Domain) -> tuple[OwnMetric, ...]:
    """A user's own, and those of answers that the goal is on and the kind of data has."""
    there = set(kind.metrics) if isinstance(kind, NamesMetrics) else set()
    return (*own, *asked(there.intersection(goal.metrics)))
