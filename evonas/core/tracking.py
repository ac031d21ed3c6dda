"""What a tracker of experiments (MLflow, TensorBoard, …) is told of a search: a row a trial, and the result."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evonas.core.genomes import plain
from evonas.core.goals import Goal
from evonas.core.optional import CallbackDefaults, HasSpace
from evonas.core.types import Encoding, Task, Trial

ARTIFACTS = ("report.html", "result.json", "genome.json")
Value = bool | int | float | str


@dataclass(frozen=True)
class Row:
    """A trial. `step` counts those that were told, from 1; `number` is the trial's own; `metrics` are finite numbers,
    few where it failed, with `error` in a line; `best` are the objectives of the best trial so far."""

    step: int
    number: int
    parameters: Mapping[str, Value]
    metrics: Mapping[str, float]
    best: Mapping[str, float]
    error: str | None = None

    @property
    def name(self) -> str:
        return f"trial-{self.number:04}"

    @property
    def flat(self) -> dict[str, Value]:
        """All of it by name, for clients that take a trial as one step of a run."""
        parameters = {f"genome/{name}": value for name, value in self.parameters.items()}
        best = {f"best/{name}": value for name, value in self.best.items()}
        failed = {} if self.error is None else {"error": self.error}
        return {"trial": self.number, **self.metrics, **best, **parameters, **failed}


@dataclass(frozen=True)
class Tracked:
    """A run as it begins.

    Args:
        name: of the run.
        key: the same when the run is resumed, another for every other run; letters, digits, _ and -.
        folder: where the results will be.
        parameters: the options of the search, without what may hold a password.
        resumed: whether it was tracked before by the same tracker, which has the trials from then.
    """

    name: str
    key: str
    folder: Path
    goal: Goal
    encoding: Encoding[Any]
    parameters: Mapping[str, Value] = field(default_factory=dict)
    resumed: bool = False

    @property
    def artifacts(self) -> list[Path]:
        """Those files of the results that are there."""
        return [self.folder / name for name in ARTIFACTS if (self.folder / name).is_file()]

    def values(self, genome: Any) -> Mapping[str, Value]:
        """A genome as named values: its genes where it has a space, its pairs where it is made of such, else itself."""
        if isinstance(self.encoding, HasSpace):
            space = self.encoding.space()
            return flat(dict(zip(space.names, space.split(genome), strict=True)))
        pairs = isinstance(genome, tuple) and genome and all(isinstance(one, tuple) and len(one) == 2 for one in genome)
        if pairs and all(isinstance(name, str) for name, _ in genome):
            return flat(dict(genome))
        return flat({"genome": genome})


def flat(values: Mapping[str, Any]) -> dict[str, Value]:
    """What trackers take: numbers, flags and texts; other values as their text, None left out."""
    found = {name: plain(value) for name, value in values.items() if value is not None}
    return {name: value if isinstance(value, bool | int | float | str) else str(value) for name, value in found.items()}


def finite(values: Mapping[str, Any]) -> dict[str, float]:
    """The numbers among them."""
    return {
        name: float(value)
        for name, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }


class Tracker(CallbackDefaults, ABC):
    """A callback for one search: `open` once, `row` for each trial, `close` at the end.

    It is found by an entry point of the group `evonas.trackers`, a factory `(tracked, **options)`. What it raises is
    said in a line and ends its tracking, never the search.
    """

    def __init__(self, tracked: Tracked):
        self.tracked = tracked
        self._step, self._best, self._is_open = 0, None, False

    @abstractmethod
    def open(self) -> None:
        """Find the run where it is `resumed`, or make it, with its parameters."""

    @abstractmethod
    def row(self, row: Row) -> None: ...

    @abstractmethod
    def close(self, status: str, result: Mapping[str, Any]) -> None:
        """`status` is done, interrupted or failed; `result` what `result.json` holds, empty unless it is done."""

    def started(self, task: Task, observed: Sequence[Trial[Any]]) -> None:
        self.open()
        self._is_open = True
        for trial in observed:
            row = self._row(trial)
            if row is not None and not self.tracked.resumed:
                self.row(row)

    def told(self, trial: Trial[Any]) -> None:
        row = self._row(trial)
        if row is not None:
            self.row(row)

    def concluded(self, status: str, result: Mapping[str, Any]) -> None:
        if self._is_open:
            self.close(status, result)

    def _row(self, trial: Trial[Any]) -> Row | None:
        """None of what is no trial."""
        evaluation, goal = trial.evaluation, self.tracked.goal
        if evaluation.status == "absent":
            return None
        self._step += 1
        self._best = goal.best([one for one in (self._best, trial) if one is not None])
        best = self._best.evaluation.metrics if self._best else {}
        return Row(
            self._step,
            trial.number,
            self.tracked.values(evaluation.candidate.genome),
            finite({**evaluation.metrics, "fidelity": evaluation.candidate.fidelity, "seconds": evaluation.seconds}),
            finite({one.name: best.get(one.name) for one in goal.objectives}),
            evaluation.error if evaluation.status == "failed" else None,
        )


def figures(result: Mapping[str, Any]) -> dict[str, float]:
    """The numbers of a result, with those of the best trial's metrics."""
    return finite({**(result.get("metrics") or {}), **result})
