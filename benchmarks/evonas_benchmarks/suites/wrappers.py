"""Hard cases by composition: `Noisy(Failing(table.evaluator("cora"), p=0.1), sd=0.02)`; and an encoding in disguise.

The evaluators are pure: what happens to a network is drawn from its genome, its fidelity and the seed. A suite names
them: `wrappers = ["failing(p=0.1)", "noisy(sd=0.02)", "permuted(seed=1)"]`, or a `module:attribute` of your own.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

import numpy as np

from evonas.core import plugins
from evonas.core.errors import EvonasError, choices
from evonas.core.types import Candidate, Encoding, Evaluation, Evaluator, Task


def _draws(what: str, candidate: Candidate, task: Task, seed: int) -> np.random.Generator:
    text = f"{what}\n{candidate.genome!r}\n{candidate.fidelity}\n{task.name}\n{seed}"
    return np.random.default_rng(int.from_bytes(sha256(text.encode()).digest()[:8], "big"))


@dataclass(frozen=True)
class Noisy:
    """Adds normal noise of deviation `sd` to a metric."""

    evaluator: Evaluator
    sd: float
    metric: str = "val_accuracy"

    def __call__(self, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        found = self.evaluator(candidate, task, seed)
        if not found.ok or self.metric not in found.metrics:
            return found
        noise = self.sd * _draws("noise", candidate, task, seed).standard_normal()
        return replace(found, metrics={**found.metrics, self.metric: found.metrics[self.metric] + float(noise)})


@dataclass(frozen=True)
class Failing:
    """A share `p` of all networks fails, always the same ones for a seed."""

    evaluator: Evaluator
    p: float

    def __call__(self, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        found = self.evaluator(candidate, task, seed)
        if not found.ok or _draws("failure", candidate, task, seed).random() >= self.p:
            return found
        return Evaluation.failure(candidate, "failed on purpose", found.seconds)


@dataclass(frozen=True)
class Delayed:
    """Takes wall-clock time: `seconds` on average, exponentially distributed, as trainings of many sizes do."""

    evaluator: Evaluator
    seconds: float

    def __call__(self, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        wait = float(_draws("delay", candidate, task, seed).exponential(self.seconds))
        time.sleep(wait)
        found = self.evaluator(candidate, task, seed)
        return replace(found, seconds=found.seconds + wait)


class Permuted:
    """An encoding whose features have their names shuffled: what was learned under the old names misleads.

    A surrogate that transfers must notice; one that learns from the target alone sees no difference.
    """

    def __init__(self, encoding: Encoding[Any], seed: int):
        self.encoding = encoding
        self.seed = seed
        self._order: np.ndarray | None = None

    def features(self, genome: Any) -> Mapping[str, float]:
        found = self.encoding.features(genome)
        if self._order is None:
            self._order = np.random.default_rng(self.seed).permutation(len(found))
        values = list(found.values())
        return {name: values[i] for name, i in zip(found, self._order, strict=True)}

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("encoding", "portfolio"):  # what is known beforehand is no disguise's
            raise AttributeError(name)
        return getattr(self.encoding, name)


NAMES = {"noisy": Noisy, "failing": Failing, "delayed": Delayed, "permuted": Permuted}


def wrapped(spec: str, evaluator: Evaluator, encoding: Encoding[Any], metric: str) -> tuple[Evaluator, Encoding[Any]]:
    """Evaluator and encoding, one of them wrapped as `spec` says.

    A wrapper whose first parameter is called `encoding` is an encoding's; one with a parameter `metric` is given the
    task's. Raises EvonasError where there is no such wrapper, or it does not take these options.
    """
    name, options = plugins.split_spec(spec)
    if name not in NAMES and ":" not in name:
        raise EvonasError(f"no wrapper named {name!r}; there are {choices(NAMES)}, or give 'module:attribute'")
    make: Any = NAMES.get(name) or plugins.resolve("evonas.wrappers", name)
    parameters = list(inspect.signature(make).parameters)
    if "metric" in parameters:
        options = {"metric": metric, **options}
    try:
        if parameters[:1] == ["encoding"]:
            return evaluator, make(encoding, **options)
        return make(evaluator, **options), encoding
    except TypeError as error:
        raise EvonasError(f"wrapper {name!r} does not take the options {options}: {error}") from error
