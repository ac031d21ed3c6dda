"""From the archive to rows for a ranker: what earlier tasks taught about an encoding."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np

from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas.core.goals import VAL_ACCURACY, Objective
from evonas.core.optional import HasRuns, Sampling, canonical_form
from evonas.core.types import Candidate, Encoding, Evaluation, Store, Task, Trial
from evonas.search.fidelity import at_full

log = logging.getLogger(__name__)

TRAINED_BY = (
    "epochs",
    "train_size",
    "balance",
    "groups",
    "loss",
    "optimizer",
    "augment",
)  # what makes others of a genome

Make = Callable[[str], Encoding[Any] | None]


@dataclass(frozen=True)
class SourceData:
    """(n, d) features, (n,) targets signed so that higher is better (NaN: failed), (n,) the task of each row.

    `tasks` are the groups' own tasks, where they are known; `results` of each group genome -> its target, where genomes
    are known.
    """

    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray
    feature_names: tuple[str, ...]
    tasks: Mapping[str, Task] = field(default_factory=dict)
    results: Mapping[str, Mapping[Any, float]] = field(default_factory=dict)

    @property
    def genomes(self) -> tuple[Any, ...]:
        """Those that the rows are of, each once, where they are known."""
        return tuple(dict.fromkeys(genome for found in self.results.values() for genome in found))

    def of(self, names: set[str]) -> SourceData:
        """The rows of these groups only."""
        kept = np.isin(self.groups, sorted(names)) if len(self.groups) else np.zeros(0, bool)
        tasks = {name: task for name, task in self.tasks.items() if name in names}
        results = {name: found for name, found in self.results.items() if name in names}
        return SourceData(self.X[kept], self.y[kept], self.groups[kept], self.feature_names, tasks, results)


@dataclass(frozen=True)
class _Group:
    """What is compared with one another: the trainings of one task, encoding and budget."""

    task: Task
    encoding: str
    values: dict[Any, dict[float, list[float]]]  # canonical genome -> fidelity -> signed values, NaN: failed


def read(
    store: Store,
    encoding: str,
    task: Task | None = None,
    objective: Objective = VAL_ACCURACY,
    most: int | None = None,
) -> SourceData:
    """All trainings of this encoding on data sets other than `task`'s; on all where no task is given.

    The target is left out by the content of its data (`evonas.domains.images.same_data`), and by its name where there
    is no content to compare. Of each genome on a task the best fidelity counts, seeds and runs averaged; one that was
    trained for few epochs only is lifted by what the others gained with more (`evonas.search.fidelity`). It is a
    failure if it failed each time. Groups differ by data set, by the encoding's options, and by how
    (`TRAINED_BY`); their names are made distinct.

    Features are those that today's `encoding` has, its options included: what was recorded with options that give
    others is left out, and so are genomes that it does not know any more. An encoding that cannot be made from its
    name (an object with arguments of its own) has no history.

    Of a store that holds many about `most` trainings are looked at: see `Archive.some_trials`.
    """
    made = cache(_encoding)
    if (now := made(encoding)) is None:
        return SourceData(np.zeros((0, 0)), np.zeros(0), np.zeros(0, dtype=str), ())
    names = tuple(sorted(now.features(now.sample(np.random.default_rng(0)))))
    X, y, labels = [], [], []
    tasks: dict[str, Task] = {}
    results: dict[str, dict[Any, float]] = {}
    for label, group in _distinct(_groups(store, encoding, task, objective, made, most)).items():
        tasks[label], results[label] = group.task, {}
        for genome, value in _values(group, objective).items():
            features = _features(made(group.encoding), genome)
            if features is not None and tuple(sorted(features)) == names:
                X.append([features[key] for key in names])
                y.append(value)
                labels.append(label)
                results[label][genome] = value
    table = np.array(X, dtype=float).reshape(len(y), len(names))
    return SourceData(table, np.array(y, dtype=float), np.array(labels, dtype=str), names, tasks, results)


def same_task(one: Task, other: Task) -> bool:
    """By the content of their data; by name where one has none."""
    from evonas.domains.fingerprint import same_data

    if one.fingerprint and other.fingerprint:
        return same_data(one.fingerprint, other.fingerprint)
    return one.name == other.name


def _groups(
    store: Store, encoding: str, task: Task | None, objective: Objective, made: Make, most: int | None
) -> list[_Group]:
    """In the order in which they were begun."""
    runs = {record.name: record for record in (store.runs() if isinstance(store, HasRuns) else ())}
    groups: dict[tuple[Any, ...], _Group] = {}
    of_run: dict[str, _Group | None] = {}
    name = plugins.plain_name(encoding)
    for trial in _trials(store, name, objective, most):
        if trial.run not in of_run:
            record = runs.get(trial.run)
            of_run[trial.run] = None
            if record is not None and not (task and same_task(record.task, task)) and made(record.encoding) is not None:
                how = (record.config.get(option) or None for option in TRAINED_BY)
                key = (record.task.name, record.task.fingerprint, record.encoding, *how)
                of_run[trial.run] = groups.setdefault(key, _Group(record.task, record.encoding, {}))
        group, evaluation = of_run[trial.run], trial.evaluation
        if group is None or evaluation.status == "absent" or evaluation.infrastructure:
            continue
        if evaluation.ok and objective.name not in evaluation.metrics:  # it was not asked for: that is no failure
            continue
        of_group = made(group.encoding)
        assert of_group is not None  # only such became a group
        try:
            genome = canonical_form(of_group)(evaluation.candidate.genome)
        except (EvonasError, KeyError, ValueError, TypeError, IndexError):  # from another version of the encoding
            continue
        value = objective.value(evaluation.metrics) if evaluation.ok else np.nan
        fidelities = group.values.setdefault(genome, {})
        fidelities.setdefault(evaluation.candidate.fidelity, []).append(value if np.isfinite(value) else np.nan)
    return list(groups.values())


def _trials(store: Store, encoding: str, objective: Objective, most: int | None) -> Sequence[Trial]:
    """Of the encoding; about so many where the store may have more."""
    if most is not None and isinstance(store, Sampling):
        return store.some_trials(most, objective, encoding)
    return store.trials(encoding=encoding)


def _distinct(groups: list[_Group]) -> dict[str, _Group]:
    found: dict[str, _Group] = {}
    for group in groups:
        name, number = group.task.name, 2
        while name in found:
            name, number = f"{group.task.name} ({number})", number + 1
        found[name] = group
    return found


def _values(group: _Group, objective: Objective) -> dict[Any, float]:
    """Canonical genome -> its mean at its best fidelity, as of the group's highest; NaN where nothing succeeded."""
    means: list[Evaluation] = []
    for genome, fidelities in group.values.items():
        good = {f: np.mean(known) for f, v in fidelities.items() if (known := [x for x in v if np.isfinite(x)])}
        sign = 1.0 if objective.maximize else -1.0
        means += [Evaluation(Candidate(genome, f), {objective.name: sign * float(mean)}) for f, mean in good.items()]
        if not good:
            means.append(Evaluation.failure(Candidate(genome, max(fidelities)), "failed each time"))
    return at_full(means, objective)


def _features(encoding: Encoding[Any] | None, genome: Any) -> Mapping[str, float] | None:
    try:
        return None if encoding is None else encoding.features(genome)
    except Exception:  # a genome that the encoding of today does not know
        return None


def _encoding(spec: str) -> Encoding[Any] | None:
    """None, with a line that says so, where today's evonas cannot make it."""
    from evonas.encodings.make import make_encoding

    try:
        return make_encoding(spec)
    except (EvonasError, TypeError) as error:
        log.warning("what was learned with the encoding %r is left out: %s", spec, error)
        return None
