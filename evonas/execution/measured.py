"""What was measured of a network holds for all its trainings: it is measured once, also by a search that goes on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from evonas.core.types import Candidate, Evaluation, Task, Trial


class MeasuredOnce:
    """An executor whose candidates know what was measured of their networks before (`Candidate.known`).

    Args:
        executor: evaluates.
        names: of what is measured.
        network: a genome -> what of it decides its network; the rest is how it is trained.
        observed: trials of the same run from before.
    """

    def __init__(
        self,
        executor: Any,
        names: Collection[str],
        network: Callable[[Any], Hashable],
        observed: Sequence[Trial] = (),
    ):
        self.executor, self.names, self.network = executor, names, network
        self._known: dict[Hashable, Mapping[str, float]] = {}
        for trial in observed:
            self._learn(trial.evaluation)

    @property
    def slots(self) -> int:
        return self.executor.slots

    def submit(self, candidate: Candidate, task: Task, seed: int) -> Future[Evaluation]:
        known = self._known.get(self.network(candidate.genome), {})
        future = self.executor.submit(replace(candidate, known=known), task, seed)
        future.add_done_callback(self._arrived)
        return future

    def _arrived(self, future: Future[Evaluation]) -> None:
        if not future.cancelled() and future.exception() is None:
            self._learn(future.result())

    def _learn(self, evaluation: Evaluation) -> None:
        found = {name: evaluation.metrics[name] for name in self.names if name in evaluation.metrics}
        if found:
            self._known.setdefault(self.network(evaluation.candidate.genome), found)

    def __enter__(self) -> MeasuredOnce:
        self.executor.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        self.executor.__exit__(*exception)
