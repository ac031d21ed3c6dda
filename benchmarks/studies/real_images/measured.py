"""What a figure depends on besides its inputs: how many threads, which code, which machine; and what it cost."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evonas.core.environment import PACKAGES, processor, versions


def origin() -> dict[str, Any]:
    """The commit, the processor and the versions, for a row. Taken before anything is measured: a later commit is not
    what was imported."""
    return {"commit": commit(), "processor": processor(), "versions": versions((*PACKAGES, "optuna"))}


def commit(folder: Path = Path(__file__).parent) -> str:
    """Of the repository that a folder is in: short, with + where the tree differs from it. What is being recorded does
    not count."""

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, text=True, cwd=folder).stdout.strip()

    changed = git("status", "--porcelain", "-uno", "--", ":/", ":(top,exclude)benchmarks/results")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if changed else "")


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
