"""What a search is at, for those who watch it from elsewhere: in the file of its run's lock, which ends with it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

from evonas.core.optional import CallbackDefaults
from evonas.core.parsing import parse_json
from evonas.core.types import Candidate, Trial
from evonas.memory import locks
from evonas.memory.archive import Archive
from evonas.report.words import genome_text

LETTERS = 300  # of a genome


class Underway(CallbackDefaults):
    """A callback that keeps up to date which trials are running, and what was noted last."""

    def __init__(self, archive: Archive, run: str):
        self._archive, self._run = archive, run
        self._running: dict[int, Mapping[str, Any]] = {}
        self._note = ""

    def asked(self, number: int, candidate: Candidate[Any]) -> None:
        genome = genome_text(candidate.genome)[:LETTERS]
        self._running[number] = {"genome": genome, "fidelity": candidate.fidelity, "began": time.time()}
        self._say()

    def told(self, trial: Trial[Any]) -> None:
        self._running.pop(trial.number, None)
        self._say()

    def ended(self, reason: str) -> None:
        self._running.clear()
        self._note = reason
        self._say()

    def note(self, text: str) -> None:
        self._note = " ".join(text.split())
        self._say()

    def _say(self) -> None:
        locks.say(self._archive, self._run, json.dumps({"running": [*self._running.values()], "note": self._note}))


def underway(archive: Archive, run: str) -> tuple[list[dict[str, Any]], str]:
    """The trials that a search of any process runs now, each with its `genome`, its `fidelity` and for how many
    `seconds`, and what was noted last. Nothing of a search on another machine."""
    try:
        said = parse_json(locks.said(archive, run))
        now = time.time()
        running = [
            {
                "genome": str(one["genome"]),
                "fidelity": float(one["fidelity"]),
                "seconds": max(0.0, now - float(one["began"])),
            }
            for one in said["running"]
        ]
        return running, str(said["note"])
    except (ValueError, KeyError, TypeError):  # nothing is said, or not to its end
        return [], ""
