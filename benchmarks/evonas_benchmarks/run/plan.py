"""What is to be run of a suite: its benchmark runs, each one method on one task with one seed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from evonas.core.errors import EvonasError
from evonas.core.trust import given
from evonas.domains.domain import takes_root
from evonas.search.methods import check_method
from evonas_benchmarks.suites.suite import Suite


@dataclass(frozen=True)
class BenchmarkRun:
    """One method on one task with one seed."""

    task: str
    method: str
    seed: int

    def __str__(self) -> str:
        return f"{self.task}, {self.method}, seed {self.seed}"

    @property
    def file(self) -> str:
        """The name of its file, in a folder of benchmark runs."""
        words = re.sub(r"[^\w.+-]+", "-", f"{self.task}--{self.method}")[:80]
        key = sha256(f"{self.task}\n{self.method}".encode()).hexdigest()[:8]
        return f"{words}--{key}--{self.seed}.json"


@dataclass(frozen=True)
class Plan:
    """What is to be run, and where it is kept."""

    suite: Suite
    tasks: Sequence[str]
    methods: Sequence[str]
    trials: int
    seeds: Sequence[int]
    out: Path
    root: Path | None = None

    def benchmark_runs(self) -> list[BenchmarkRun]:
        return [
            BenchmarkRun(task, method, seed) for seed in self.seeds for task in self.tasks for method in self.methods
        ]


def plan(
    suite: Suite,
    out: Path,
    *,
    methods: Sequence[str] | None = None,
    tasks: Sequence[str] | None = None,
    trials: int | None = None,
    seeds: int | None = None,
    root: Path | None = None,
) -> Plan:
    """The suite's own numbers where none are given. Raises EvonasError where a name is unknown."""
    chosen = tuple(dict.fromkeys(suite.methods if methods is None else methods))
    if not chosen:
        raise EvonasError("methods names none; give for example random,aging, or leave it out for the suite's own")
    given(*methods or ())
    for method in chosen:
        check_method(method)
    for name, number in (("trials", trials), ("seeds", seeds)):
        if number is not None and number < 1:
            raise EvonasError(f"{name}={number} leaves nothing to do; give at least 1")
    names = suite.chosen(None if tasks is None else list(tasks))
    if root is not None and not any(one.data and takes_root(suite.data_of(one)) for one in suite.tasks):
        raise EvonasError(
            f"--root {root} is where torchvision's data sets lie, and the suite {suite.name!r} has none; leave it out"
        )
    return Plan(suite, names, chosen, trials or suite.trials, range(seeds or suite.seeds), out, root)
