"""A user's own evaluator as a domain: any function `(candidate, task, seed) -> metrics`, with any data and loss.

There are no data to load and no network that evonas trains: the function does all of it. What it returns, a mapping of
names to numbers or an `Evaluation`, is recorded, remembered and reported as that of any training.
"""

from __future__ import annotations

import inspect
import json
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from evonas.core import plugins
from evonas.core.environment import processor, versions
from evonas.core.errors import EvonasError, choices
from evonas.core.files import write_text
from evonas.core.goals import Goal
from evonas.core.own_metrics import plain_number
from evonas.core.types import Candidate, Encoding, Evaluation, Task
from evonas.domains.domain import FinalTraining, TrainingOptions

GROUP = "evonas.evaluators"

Score = Callable[[Candidate[Any], Task, int], Mapping[str, float] | Evaluation[Any]]


@dataclass(frozen=True)
class OwnEvaluator:
    """The function, and the task that it stands for: what it is called, and what it does by the content of its file."""

    domain: ClassVar[str] = "evaluator"

    score: Score
    name: str
    fingerprint: str

    @classmethod
    def of(cls, score: Score) -> OwnEvaluator:
        """Raises EvonasError where it cannot be called with a candidate, a task and a seed."""
        try:
            inspect.signature(score).bind(None, None, 0)
        except TypeError as error:
            raise EvonasError(
                f"the evaluator {score!r} cannot be called with (candidate, task, seed): {error}"
            ) from None
        except ValueError:  # a built-in one, whose parameters nobody knows
            pass
        named = score if hasattr(score, "__qualname__") else type(score)
        name = str(getattr(named, "__qualname__", "evaluator")).rpartition(".")[2]
        content = f"{name}\n{_source(named)}".encode()
        return cls(score, name, blake2b(content, digest_size=8, person=b"evaluator").hexdigest())

    @property
    def task(self) -> Task:
        """Without inputs and classes. A changed file makes another task: what was found with it before is remembered,
        as of another one."""
        return Task(self.name, (), 0, fingerprint=self.fingerprint, domain=self.domain)


def load_evaluator(spec: str) -> OwnEvaluator:
    """`file.py:function`, `module:function`, a class of either (with options), or an installed one by its name.

    Raises EvonasError where there is none, or it cannot be called as one.
    """
    found = plugins.resolve(GROUP, spec)
    _, options = plugins.split_spec(spec)
    if isinstance(found, type) or options:  # a class, or a function that makes an evaluator with these options
        found = plugins.make(GROUP, spec)
    return OwnEvaluator.of(found)


def _source(named: Any) -> str:
    """The file that defines it, whole; what a notebook or a terminal knows of it, where there is no file."""
    file = getattr(sys.modules.get(named.__module__), "__file__", None)
    try:
        return Path(file).read_text(encoding="utf-8") if file else inspect.getsource(named)
    except (OSError, TypeError, UnicodeDecodeError):
        return ""


@dataclass
class Scored:
    """An Evaluator that calls the user's function and checks what it returns.

    An exception is a failed trial, as is a result without finite numbers for the metrics that are searched for:
    `wanted`.
    """

    data: OwnEvaluator
    wanted: Sequence[str] = ()

    def __call__(self, candidate: Candidate[Any], task: Task, seed: int) -> Evaluation[Any]:
        start = time.perf_counter()
        found = self.data.score(candidate, task, seed)
        if isinstance(found, Evaluation):
            return found
        if not isinstance(found, Mapping):
            raise TypeError(f"the evaluator {self.data.name!r} returned a {type(found).__name__}, not a mapping")
        metrics = {str(name): _number(name, value) for name, value in found.items()}
        missing = [name for name in self.wanted if name not in metrics]
        if missing:
            raise ValueError(
                f"the evaluator {self.data.name!r} gave no {missing[0]!r}, which is searched for; it gave "
                f"{choices(metrics) or 'nothing'}"
            )
        for name in self.wanted:
            if not math.isfinite(metrics[name]):
                raise ValueError(f"the metric {name!r}, which is searched for, is {metrics[name]}")
        return Evaluation(candidate, metrics, time.perf_counter() - start)

    def device_name(self) -> str:
        return processor()


def _number(name: Any, value: Any) -> float:
    try:
        return plain_number(value)
    except TypeError as error:
        raise TypeError(f"the metric {name!r} is a {error}, not a number") from None


class EvaluatorDomain:
    """A `Domain` of functions. A fidelity below 1 is handed on: what it means is the function's to decide."""

    name, encoding, trains, deadline = "evaluator", "", False, False
    without = (
        *("epochs", "train_size", "device", "inherit", "stop_early", "per_device", "together", "root", "strict"),
        *("deadline", "refit_all", "tta", "ensemble", "balance", "groups", "loss", "optimizer", "augment"),
    )

    def from_arrays(self, x: Any, y: Any, x_test: Any = None, y_test: Any = None, **options: Any) -> OwnEvaluator:
        raise EvonasError("an evaluator of your own loads its own data; search(evaluator=…) takes no arrays")

    def split(self, data: OwnEvaluator, *, seed: int, train_size: int | None = None) -> OwnEvaluator:
        return data

    def found(self, split: OwnEvaluator) -> Sequence[str]:
        return ()

    def check(self, encoding: Encoding[Any], task: Task, rng: np.random.Generator) -> None:
        """Genomes and features only: what an encoding builds, if anything, is the function's to use."""
        from evonas.encodings.check import check_encoding

        check_encoding(encoding, task, rng)

    def trainer(self, encoding: Encoding[Any], split: OwnEvaluator, options: TrainingOptions) -> Scored:
        return Scored(split)

    def evaluator(self, trainer: Scored, goal: Goal) -> Scored:
        return Scored(trainer.data, goal.metrics)

    def hand_over(
        self, trainer: Scored, evaluation: Evaluation[Any], encoding: str, folder: Path, *, test: bool = False
    ) -> Mapping[str, Any] | None:
        return None

    def finish(
        self, trainer: Scored, final: FinalTraining, encoding: str, seed: int, folder: Path
    ) -> Mapping[str, Any]:
        """`genome.json` names the best genome; there is no network of evonas' to train in full or to write."""
        description = {
            "format": 2,
            **versions(("evonas",)),
            "domain": self.name,
            "encoding": encoding,
            "genome": final.genome,
        }
        text = json.dumps({**description, "task": trainer.data.name}, indent=2, ensure_ascii=False)
        write_text(folder / "genome.json", text + "\n")
        return {"notes": ["networks of an evaluator of one's own are its own to keep: genome.json has the best genome"]}

    def add_program(self, folder: Path, encoding: Any = None) -> Sequence[str]:
        return ()

    def network(self, model: Any, preprocessing: Any, class_names: tuple[str, ...], shape: tuple[int, ...]) -> Any:
        raise EvonasError("a search with an evaluator of one's own leaves no network; genome.json has the best genome")

    def examples(self, split: OwnEvaluator) -> Mapping[str, Any]:
        return {}

    def sections(self, examples: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        return ()
