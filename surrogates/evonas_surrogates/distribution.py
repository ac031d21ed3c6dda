"""Meta-training: a search on each task of a distribution, and what was learned there judged by leaving one task out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

from evonas.app import job
from evonas.app.config import SearchConfig
from evonas.app.paths import absolute
from evonas.app.preparation import counted
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.goals import Goal, Objective
from evonas.core.specs import plain_name
from evonas.core.types import Trial
from evonas.domains.domain import takes_root
from evonas.encodings.make import make_encoding
from evonas.memory.archive import Archive
from evonas_surrogates import source_data
from evonas_surrogates.evaluation import others_of
from evonas_surrogates.meta import MetaSurrogate
from evonas_surrogates.policy import PolicySearch
from evonas_surrogates.remembered import Remembered
from evonas_surrogates.source_data import SourceData

FIRST = 5
# of a run that goes on
SAME = ("data", "encoding", "method", "surrogate", "objectives", "epochs", "train_size", "seed")


@dataclass(frozen=True)
class FirstChoices:
    """The best of a task's first choices, by those who know the other tasks alone, among its own `trainings`.

    In the metric's own unit: `best` of all trainings, `random` as expected of a random choice, the `ranker`'s and the
    `generator`'s.
    """

    task: str
    trainings: int
    best: float
    random: float
    ranker: float
    generator: float


class OfRuns:
    """The part of an archive that these runs are."""

    def __init__(self, archive: Archive, names: Sequence[str]):
        self._archive, self._names = archive, names

    def append(self, trial: Trial) -> None:
        self._archive.append(trial)

    def runs(self, name: str | None = None) -> Sequence[Any]:
        return [self._archive.run(one) for one in self._names if name in (None, one)]

    def trials(
        self, run: str | None = None, *, encoding: str | None = None, task: str | None = None
    ) -> Sequence[Trial]:
        return [trial for one in self._names if run in (None, one) for trial in self._archive.trials(one)]


def meta_train(tasks: Sequence[str], *, first: int = FIRST, **options: Any) -> list[FirstChoices]:
    """Search on each task, a run in the archive each, and judge what they teach: see `work` and `leave_one_out`.

    Args:
        tasks: sources of data: `digits`, `torchvision:MNIST`, ….
        first: how many choices of each task are judged.
        options: those of `evonas search` but `data`; `name` begins the names of the runs, `out` is the folder of
            their folders.
    """
    names = []
    for name, prepared, carry_out in work(tasks, **options):
        names.append(name)
        if prepared is not None:
            carry_out(prepared)
    return leave_one_out(names, first, options.get("archive"))


def work(tasks: Sequence[str], name: str = "meta", **options: Any) -> Iterator[tuple[str, Any, Any]]:
    """Of each task its run's name, and the job and what carries it out where something is left to do, else None twice.

    A run is called after `name` and its data. One that was begun goes on, with more trials if more are asked for.
    Unless a `method` is given networks are drawn at random: so they say most about a space, and judge fairly who would
    have chosen which.

    Raises EvonasError where tasks or options are not valid, or a run of such a name was made otherwise.
    """
    options = {"encoding": "net", "method": "random", "surrogate": "none", "trials": 40, **options}
    PolicySearch(SearchContext(make_encoding(options["encoding"])))  # says now what it would say in the end
    names, out = [f"{name}-{_named(task)}" for task in tasks], options.pop("out", "runs")
    root = options.pop("root", None)
    if root is not None and not any(map(takes_root, tasks)):
        raise EvonasError(
            f"--root {root} is where torchvision's data sets lie, and none of {','.join(tasks)!r} is one; leave it out"
        )
    configs = [
        SearchConfig.make(
            {**options, "data": task, "name": run, "out": f"{out}/{run}", "root": root if takes_root(task) else None}
        )
        for task, run in zip(tasks, names, strict=True)
    ]
    if len(set(names)) < len(names) or len(names) < 2:
        raise EvonasError(
            f"tasks {','.join(tasks)!r} are not two or more that differ by name; give digits,torchvision:MNIST"
        )
    archive = Archive(options.get("archive"))
    for config in configs:
        run = str(config.name)
        if not archive.runs(run):
            yield run, job.prepare(config), job.carry_out
            continue
        record, trials = archive.run(run), counted(archive.trials(run))
        _check_same(run, record.config, absolute(config))
        if record.status == "done" and trials >= (config.trials or 0):
            yield run, None, None
        else:
            more = max(config.trials or 0, trials)
            yield run, job.prepare_resume(run, archive=options.get("archive"), trials=more), job.go_on


def leave_one_out(names: Sequence[str], first: int = FIRST, archive: str | None = None) -> list[FirstChoices]:
    """For each run's task: what would have been chosen first, among its trainings, by a ranker and a generator that
    learned from the other runs alone. Tasks with fewer than two results are left out."""
    store = Archive(archive)
    record = store.run(names[0])
    spec, objective = record.encoding, Goal.parse(str(record.config.get("objectives", "val_accuracy"))).first
    rows = source_data.read(OfRuns(store, names), spec, None, objective)
    found = (_judged(rows, label, spec, objective, first) for label in dict.fromkeys(rows.groups.tolist()))
    return [one for one in found if one is not None]


def _judged(rows: SourceData, label: str, spec: str, objective: Objective, first: int) -> FirstChoices | None:
    own, others = rows.of({label}), rows.of(others_of(rows, label))
    y = np.where(np.isfinite(own.y), own.y, np.nanmin(own.y) if np.isfinite(own.y).any() else np.nan)
    if len(y) < 2 or not np.isfinite(y).all():
        return None
    encoding = make_encoding(spec)
    ranker = MetaSurrogate().fit(others.X, others.y, others.groups, feature_names=others.feature_names)
    ranker.described_ = {name: task.features for name, task in others.tasks.items()}
    ranker.remembered_ = Remembered(others.genomes, encoding, others.results)
    policy = PolicySearch(SearchContext(encoding, Goal((objective,)), rows.tasks[label], encoding_name=spec))
    policy.advised(ranker)
    k = min(first, len(y))

    def best(worth: np.ndarray) -> float:
        return float(objective.signed(y[np.argsort(-worth, kind="stable")[:k]].max()))

    return FirstChoices(
        label,
        len(y),
        best(y),
        float(objective.signed(expected_best(y, k))),
        best(ranker.predict(own.X)),
        best(policy.preferences(list(own.results[label]))),
    )


def expected_best(values: np.ndarray, k: int) -> float:
    """The mean of the greatest of k values drawn from (n,) without replacement."""
    ordered, n = np.sort(values), len(values)
    return float(sum(value * comb(i, k - 1) for i, value in enumerate(ordered)) / comb(n, k))


def _check_same(run: str, before: Any, config: SearchConfig) -> None:
    for key in SAME:
        had, wanted = before.get(key), getattr(config, key)
        if key == "method":  # it is recorded in full
            had, wanted = str(had).partition("+")[0], str(wanted).partition("+")[0]
        if wanted is not None and had != wanted:
            raise EvonasError(
                f"the run {run!r} was begun with {key} {had!r}, not {wanted!r}; give the same, or another --name"
            )


def _named(task: str) -> str:
    """`torchvision:MNIST` -> `MNIST`, `npz:some/where.npz` -> `where`."""
    what = task.partition(":")[2].partition("?")[0] or plain_name(task)
    return what.rstrip("/").rpartition("/")[2].partition(".")[0] or what
