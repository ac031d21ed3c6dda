"""The rows of the list of all runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from evonas.app.results import recorded_goal
from evonas.app.underway import underway
from evonas.core.goals import metric
from evonas.memory.archive import Archive, RunRecord
from evonas.memory.locks import status


class Listing:
    """Of one archive."""

    def __init__(self, archive: Archive):
        self._archive = archive
        self._best: dict[tuple[str, str], tuple[str, str]] = {}  # run and when it began -> state, its best then

    def rows(self) -> list[dict[str, Any]]:
        """A row for each run, the newest first; what its cells show, and the `address` of its page."""
        counts, found = self._archive.counts(), []
        for record in reversed(self._archive.runs()):
            record = replace(record, status=status(self._archive, record.name, record.status))
            count = counts.get(record.name, 0)
            running = len(underway(self._archive, record.name)[0]) if record.status == "running" else 0
            found.append(
                {
                    "name": record.name,
                    "address": f"run/{quote(record.name, safe='')}/",
                    "status": record.status,
                    "trials": count,
                    "running": running or "",
                    "best": self._best_of(record, count),
                    "test": figure("test_accuracy", (record.result or {}).get("test_accuracy")),
                    "task": record.task.name,
                    "encoding": record.encoding,
                    "method": record.method,
                    "begun": record.created.replace("T", " ")[:16],
                }
            )
        return found

    def _best_of(self, record: RunRecord, count: int) -> str:
        """Its first objective, `val_accuracy 98.1 %`; of a run that goes on looked for when it has new trials."""
        key, state = (record.name, record.created), f"{count} {record.status}"
        known, text = self._best.get(key, ("", ""))
        if known != state:
            goal = recorded_goal(record)
            name, metrics = goal.first.name, (record.result or {}).get("metrics")
            if metrics is None and count:
                best = goal.best(self._archive.trials(record.name))
                metrics = best.evaluation.metrics if best else {}
            text = figure(name, (metrics or {}).get(name))
            text = f"{text} {metric(name).label}" if text else ""
            self._best[key] = state, text
        return text


def figure(name: str, value: Any) -> str:
    """A metric's value in words; nothing where there is none."""
    return metric(name).text(value) if isinstance(value, (int, float)) else ""
