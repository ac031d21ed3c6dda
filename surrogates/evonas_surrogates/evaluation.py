"""How good a ranker is on tasks that it has not seen: each in turn is left out and then observed, result by result."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evonas_surrogates.quality import Quality, as_results_arrive, quality
from evonas_surrogates.source_data import SourceData, same_task

JUDGED = 2000  # results of a task at most that are observed or ranked; more would say the same at a higher price


@dataclass(frozen=True)
class Judged:
    """A ranker's quality on a task of which `observed` results were in: the mean over the seeds that drew them."""

    task: str
    ranker: str
    observed: int
    quality: Quality


def leave_one_task_out(
    rows: SourceData,
    rankers: dict[str, Callable[[SourceData, str], Any]],
    observed: Sequence[int] = (0, 10, 20, 50),
    earlier: int = 1000,
    seeds: Iterable[int] = (0, 1, 2),
    top: int = 10,
) -> Iterator[Judged]:
    """Task by task, for each ranker and so many results observed.

    Each seed draws `earlier` results of every other task, and the order in which the task's own are observed. Tasks
    with the same data are no earlier tasks of one another. `rankers` make one from the other tasks' rows and the
    task's name.
    """
    seeds = list(seeds)
    for task in dict.fromkeys(rows.groups.tolist()):
        found: dict[tuple[str, int], list[Quality]] = {}
        for seed in seeds:
            rng = np.random.default_rng(seed)
            others = _drawn(rows.of(others_of(rows, task)), earlier, rng)
            own = np.flatnonzero(rows.groups == task)
            own = rng.permutation(own)[:JUDGED]
            for name, make in rankers.items():
                for k, one in as_results_arrive(make(others, task), rows.X[own], rows.y[own], observed, top).items():
                    found.setdefault((name, k), []).append(one)
        for (name, k), several in found.items():
            yield Judged(task, name, k, _mean(several))


def held_out(make: Callable[[], Any], rows: SourceData, share: float = 0.2, seed: int = 0) -> dict[str, Quality]:
    """Task -> quality on a random share of its own rows, by a model of the rest: how well it is learned."""
    found = {}
    for task in dict.fromkeys(rows.groups.tolist()):
        own = rows.of({task})
        out = np.random.default_rng(seed).random(len(own.y)) < share
        if 2 <= out.sum() <= len(out) - 2:
            model = make().fit(own.X[~out], own.y[~out], own.groups[~out])
            found[task] = quality(model.predict(own.X[out]), own.y[out])
    return found


def others_of(rows: SourceData, task: str) -> set[str]:
    """The groups that are no results on the task's own data."""
    names = set(rows.groups.tolist()) - {task}
    mine = rows.tasks.get(task)
    return {name for name in names if mine is None or not same_task(rows.tasks[name], mine)}


def _drawn(rows: SourceData, n: int, rng: np.random.Generator) -> SourceData:
    """At most `n` random rows a task."""
    chosen = [np.zeros(0, dtype=int)]
    for name in dict.fromkeys(rows.groups.tolist()):
        own = np.flatnonzero(rows.groups == name)
        chosen.append(np.sort(rng.choice(own, n, replace=False)) if len(own) > n else own)
    kept = np.concatenate(chosen)
    return SourceData(rows.X[kept], rows.y[kept], rows.groups[kept], rows.feature_names, rows.tasks, rows.results)


def _mean(several: Sequence[Quality]) -> Quality:
    """NaN only where all are."""
    figures = {}
    for name in ("spearman", "kendall", "regret", "calibration"):
        known = [value for one in several if np.isfinite(value := getattr(one, name))]
        figures[name] = float(np.mean(known)) if known else float("nan")
    return Quality(n=round(float(np.mean([one.n for one in several]))), **figures)
