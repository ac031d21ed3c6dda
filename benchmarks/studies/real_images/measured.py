"""What a figure depends on besides its inputs: how many threads, which code, which machine; and what it cost."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from evonas.core.environment import PACKAGES, processor, versions


def origin() -> dict[str, Any]:
    """The commit, the processor and the versions, for a row. Taken before anything is measured: a later commit is not
    what was imported. The processor's name says where seconds are those of a process's own time."""
    where = processor() + (OWN_TIME if time.monotonic is time.process_time else "")
    return {"commit": commit(), "processor": where, "versions": versions((*PACKAGES, "optuna"))}


def by_own_time(arguments: Sequence[str]) -> None:
    """Begin this script anew, in a Python whose clock is the process's own processor time: whatever else runs on the
    machine then takes none of a system's seconds. Nothing has read the clock by then."""
    if time.monotonic is not time.process_time:
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-c", _BEGIN, *arguments])


def on_the_wall(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The rows whose seconds are the wall clock's: only they say whether a deadline is kept."""
    return [row for row in rows if not row["processor"].endswith(OWN_TIME)]


def commit(folder: Path = Path(__file__).parent) -> str:
    """Of the repository that a folder is in: short, with + where the tree differs from it. What is being recorded does
    not count."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, text=True, cwd=folder).stdout.strip()

    changed = git("status", "--porcelain", "-uno", "--", ":/", ":(top,exclude)benchmarks/results")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")


OWN_TIME = "; seconds of its own time"
_BEGIN = (
    "import runpy, sys, time; time.monotonic = time.perf_counter = time.process_time; "
    "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
)


@dataclass
class Watch:
    """Seconds since it was made: of the wall clock, and of this process's processor time with all threads and of what
    it started and waited for."""

    _wall: float = field(default_factory=time.monotonic)
    _cpu: float = field(default_factory=lambda: _processor_seconds())

    def seconds(self) -> dict[str, float]:
        return {"wall_seconds": time.monotonic() - self._wall, "cpu_seconds": _processor_seconds() - self._cpu}


def _processor_seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


@cache
def warm() -> None:
    """Once a process: import what a search needs, its memory too, and train for a moment. What is done for the first
    time takes longer, and the first row of a sitting must not pay for all."""
    from evonas.app.config import SearchConfig
    from evonas.app.job import prepare
    from evonas.app.searcher import make_searcher
    from evonas.core.plugins import available
    from evonas.domains import export  # noqa: F401
    from evonas.report import page  # noqa: F401

    for group in ("evonas.sections", "evonas.rankers"):
        for entry in available(group).values():
            entry.load()
    if find_spec("optuna"):
        from evonas_benchmarks.peers import with_optuna  # noqa: F401
    with tempfile.TemporaryDirectory() as folder:
        own = {"out": str(Path(folder) / "out"), "archive": str(Path(folder) / "archive.db")}
        make_searcher(prepare(SearchConfig.make({"data": "digits", "device": "cpu", "deadline": 60.0, **own})))


@contextmanager
def threads(number: int) -> Iterator[None]:
    """Within it torch, scikit-learn, numpy and evonas compute with so many threads."""
    import sklearn.ensemble  # noqa: F401, what limits threads has to be loaded
    from threadpoolctl import threadpool_limits

    from evonas.training.devices import threads_of_torch

    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = str(number)
    try:
        with threadpool_limits(number), threads_of_torch(number):
            yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before
