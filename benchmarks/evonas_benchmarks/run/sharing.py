"""Equal trainings for all methods: a network that several of them suggest is trained once."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from evonas.core.errors import EvonasError
from evonas.core.genomes import freeze
from evonas.core.parsing import parse_json
from evonas.core.types import Candidate, Evaluation, Task
from evonas.search import loop


@dataclass
class SharedTrainings:
    """An executor that evaluates a network once for all methods that suggest it, on one task with one seed.

    Fair, for a training is a function of network, fidelity and seed alone: each method observes the same result and
    the same seconds as if it had been first. With a `path` trainings are kept there, a line of JSON each, so that
    whoever comes back after an interruption finds them.
    """

    executor: loop.Executor
    canonical: Callable[[Any], Hashable]
    path: Path | None = None
    known: dict[Hashable, Evaluation] = field(default_factory=dict)
    trained: int = 0
    shared: int = 0
    suggested: list[str] = field(default_factory=list)  # a key of each network, the same whoever suggests it

    def __post_init__(self) -> None:
        if self.path is not None and self.path.is_file():
            with self.path.open("rb+") as file:
                whole = file.read().rpartition(b"\n")[0]
                file.truncate(len(whole) + 1 if whole else 0)  # the rest was being written when it was stopped
            try:
                for line in whole.decode("utf-8").splitlines():
                    self._take(parse_json(line))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise EvonasError(
                    f"{str(self.path)!r} is damaged ({type(error).__name__}: {error}); delete it, and its networks are "
                    "trained again"
                ) from error

    @property
    def slots(self) -> int:
        return self.executor.slots

    def submit(self, candidate: Candidate, task: Task, seed: int) -> Future[Evaluation]:
        key = (self.canonical(candidate.genome), candidate.fidelity)
        self.suggested.append(sha256(repr(key).encode()).hexdigest()[:16])
        if key in self.known:
            self.shared += 1
            future: Future[Evaluation] = Future()
            future.set_result(replace(self.known[key], candidate=candidate))
            return future
        future = self.executor.submit(candidate, task, seed)
        future.add_done_callback(lambda done: self._keep(key, done.result()))
        return future

    def _keep(self, key: Hashable, evaluation: Evaluation) -> None:
        self.trained += 1
        self.known[key] = evaluation
        if self.path is not None:
            values = {**vars(evaluation), "metrics": dict(evaluation.metrics)}
            values["candidate"] = (evaluation.candidate.genome, evaluation.candidate.fidelity)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(values) + "\n")

    def _take(self, values: dict[str, Any]) -> None:
        genome, fidelity = values.pop("candidate")
        candidate = Candidate(freeze(genome), fidelity)
        self.known[self.canonical(candidate.genome), fidelity] = Evaluation(candidate, **values)
