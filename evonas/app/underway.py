"""What a search is at, for those who watch it from elsewhere: in the file of its run's lock, which ends with it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from shutil import rmtree
from typing import Any

from evonas.core.optional import CallbackDefaults
from evonas.core.parsing import parse_json
from evonas.core.types import Candidate, Trial
from evonas.memory import locks
from evonas.memory.archive import Archive
from evonas.report.words import genome_text

LETTERS = 300  # of a genome
POINTS = 100  # of a curve, the last ones among them


class Underway(CallbackDefaults):
    """A callback that keeps up to date which trials are running, and what was noted last."""

    def __init__(self, archive: Archive, run: str):
        self._archive, self._run = archive, run
        self._running: dict[int, Mapping[str, Any]] = {}
        self._curves: dict[int, Path] = {}
        self._note = ""

    def asked(self, number: int, candidate: Candidate[Any]) -> None:
        from evonas.training.watching import curve_file

        genome = genome_text(candidate.genome)[:LETTERS]
        file = self._curves[number] = curve_file(curves_folder(self._archive, self._run), candidate.genome)
        told = {"genome": genome, "fidelity": candidate.fidelity, "began": time.time(), "curve": file.name}
        self._running[number] = told
        self._say()

    def told(self, trial: Trial[Any]) -> None:
        self._running.pop(trial.number, None)
        if (file := self._curves.pop(trial.number, None)) is not None:
            with suppress(OSError):
                file.unlink(missing_ok=True)
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


@contextmanager
def curves_of(archive: Archive, run: str) -> Iterator[Path | None]:
    """The folder where the run's trainings say how far they have come, while it lasts; None where there can be none.
    It is this user's and this machine's."""
    folder = curves_folder(archive, run)
    try:
        rmtree(folder, ignore_errors=True)  # of a process that was killed
        folder.mkdir(parents=True)
        made: Path | None = folder
    except OSError:
        made = None
    try:
        yield made
    finally:
        rmtree(folder, ignore_errors=True)


def curves_folder(archive: Archive, run: str) -> Path:
    """Where they would be. What is there and nobody works on the run is of a process that was killed."""
    from platformdirs import user_state_path

    place = archive.where if archive.file is None else archive.file.resolve()  # by whatever path it was named
    key = sha256(f"{place}\n{run}".encode("utf-8", "surrogateescape")).hexdigest()[:24]
    return user_state_path("evonas", appauthor=False) / "underway" / key


def _curve(file: Path) -> list[list[float]]:
    """[share that is done, loss, accuracy] after each epoch by now, evenly spaced ones of many."""
    try:
        lines = file.read_text(encoding="ascii").splitlines()
        found = [[float(value) for value in parse_json(line)] for line in lines if line.endswith("]")]
    except (OSError, ValueError, TypeError):
        return []
    step = -(-len(found) // POINTS)
    return found[::-1][::step][::-1] if found else []


def underway(archive: Archive, run: str) -> tuple[list[dict[str, Any]], str]:
    """The trials that a search of any process runs now, each with its `genome`, its `fidelity`, for how many `seconds`,
    and its `curve` so far; the final training among them, of which only the curve is known. And what was noted last.
    Nothing of a search on another machine."""
    try:
        said = parse_json(locks.said(archive, run))
        now, folder = time.time(), curves_folder(archive, run)
        names = [str(one.get("curve", "")) for one in said["running"]]
        running = [
            {
                "genome": str(one["genome"]),
                "fidelity": float(one["fidelity"]),
                "seconds": max(0.0, now - float(one["began"])),
                "curve": _curve(folder / Path(name).name) if name else [],
            }
            for one, name in zip(said["running"], names, strict=True)
        ]
        if not running:  # the search itself has ended
            running = [
                {"genome": "the final training", "fidelity": 1.0, "seconds": None, "curve": _curve(file)}
                for file in sorted(folder.glob("*.jsonl"))
            ]
        return running, str(said["note"])
    except (ValueError, KeyError, TypeError, AttributeError):  # nothing is said, or not to its end
        return [], ""
