"""`--track tensorboard,mlflow`: trackers of experiments by their names; none is imported unless it is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evonas.app.callbacks import missing_method
from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas.core.goals import Goal
from evonas.core.optional import Concluding
from evonas.core.tracking import Tracked, flat
from evonas.core.types import Callback, Encoding
from evonas.memory.archive import RunRecord

GROUP = "evonas.trackers"
UNTOLD = ("archive", "out", "track", "first", "start", "timetable", "grouped", "name")  # a URL may hold a password


def check_trackers(specs: Sequence[str]) -> None:
    """Raises EvonasError where one is unknown, or what it needs is not installed: before a search begins."""
    for spec in specs:
        plugins.resolve(GROUP, spec)
        if specs.count(spec) > 1:
            raise EvonasError(f"--track names {spec!r} {specs.count(spec)} times; leave all but one out")


def trackers(
    specs: Sequence[str],
    record: RunRecord,
    folder: Path,
    goal: Goal,
    encoding: Encoding[Any],
    before: Sequence[str] = (),
) -> list[Callback]:
    """Those of a run, whose tracking by those `before` goes on. Raises EvonasError where an option is none."""
    made, key = [], re.sub(r"[^\w-]", "-", f"{record.name}-{record.created}")
    parameters = flat({"task": record.task.name, **_told(record.config)})
    for spec in specs:
        tracked = Tracked(record.name, key, folder.absolute(), goal, encoding, parameters, spec in before)
        tracker = plugins.make(GROUP, spec, tracked)
        if missing := missing_method(tracker):
            raise EvonasError(f"tracker {spec!r} has no {missing}(); inherit evonas.core.tracking.Tracker")
        made.append(tracker)
    return made


def conclude(callbacks: Sequence[Callback], status: str, result: Mapping[str, Any] | None = None) -> None:
    """Tell those who want to know how a search ended."""
    for callback in callbacks:
        if isinstance(callback, Concluding):
            callback.concluded(status, result or {})


def _told(options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in options.items()
        if name not in UNTOLD and not (value is None or value is False or value == "" or value == [])
    }
