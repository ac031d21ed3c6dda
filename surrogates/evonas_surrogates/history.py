"""From the archive to rows for a ranker: what earlier tasks taught about an encoding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from evonas import plugins
from evonas.errors import EvonasError
from evonas.types import VAL_ACCURACY, Encoding, Objective, Store, Task


@dataclass(frozen=True)
class Rows:
    """(n, d) features, (n,) targets signed so that higher is better (NaN: failed), (n,) the task of each row."""

    X: np.ndarray
    y: np.ndarray
    groups: np.ndarray
    feature_names: tuple[str, ...]


def rows(store: Store, encoding: str, task: Task, objective: Objective = VAL_ACCURACY) -> Rows:
    """All trainings of this encoding on other data sets.

    The target is left out by the content of its data (`evonas.tasks.same_data`), and by its name where there is no
    content to compare. Of each genome on a task the best fidelity counts, seeds and runs averaged; it is a failure if
    it failed each time. Tasks are told apart by data set and by the encoding's options; names are made distinct.

    Raises EvonasError where the encoding is unknown.
    """
    found = _by_task(store, encoding, task, objective)
    X, y, groups = [], [], []
    names: tuple[str, ...] | None = None
    for name, (spec, results) in found.items():
        made = _encoding(spec)
        for genome, value in results.items():
            features = _features(made, genome)
            if features is None:
                continue
            own = tuple(sorted(features))
            names = own if names is None else names
            if own != names:  # the encoding's features depend on its options: another kind of task
                continue
            X.append([features[key] for key in own])
            y.append(value)
            groups.append(name)
    names = names or _names(encoding)
    return Rows(np.array(X, dtype=float).reshape(len(y), len(names)), np.array(y), np.array(groups, dtype=str), names)


def _by_task(store: Store, encoding: str, task: Task, objective: Objective) -> dict[str, tuple[str, dict[Any, float]]]:
    """Task's distinct name -> (encoding spec, canonical genome -> mean target at its best fidelity)."""
    runs = {record.name: record for record in getattr(store, "runs", list)()}
    values: dict[tuple[str, str, str], dict[Any, dict[float, list[float]]]] = {}
    for trial in store.trials(encoding=plugins.plain_name(encoding)):
        record = runs.get(trial.run)
        if record is None or trial.evaluation.status == "absent" or _same(record.task, task):
            continue
        key = (record.task.name, record.task.fingerprint, record.encoding)
        canonical = getattr(_encoding(record.encoding), "canonical", _as_it_is)
        try:
            genome = canonical(trial.evaluation.candidate.genome)
        except (EvonasError, KeyError, ValueError, TypeError):  # from another version of the encoding
            continue
        value = objective.value(trial.evaluation.metrics) if trial.evaluation.ok else np.nan
        fidelities = values.setdefault(key, {}).setdefault(genome, {})
        fidelities.setdefault(trial.evaluation.candidate.fidelity, []).append(value if np.isfinite(value) else np.nan)
    found: dict[str, tuple[str, dict[Any, float]]] = {}
    for (name, _, spec), genomes in values.items():
        distinct, number = name, 2
        while distinct in found:
            distinct, number = f"{name} ({number})", number + 1
        found[distinct] = (spec, {genome: _best(fidelities) for genome, fidelities in genomes.items()})
    return found


def _best(fidelities: Mapping[float, list[float]]) -> float:
    """The mean at the highest fidelity that succeeded once; NaN where none did."""
    for fidelity in sorted(fidelities, reverse=True):
        good = [value for value in fidelities[fidelity] if np.isfinite(value)]
        if good:
            return float(np.mean(good))
    return float("nan")


def _same(one: Task, other: Task) -> bool:
    from evonas.tasks.fingerprint import same_data

    if one.fingerprint and other.fingerprint:
        return same_data(one.fingerprint, other.fingerprint)
    return one.name == other.name


def _features(encoding: Encoding[Any], genome: Any) -> Mapping[str, float] | None:
    try:
        return encoding.features(genome)
    except Exception:  # a genome that the encoding of today does not know
        return None


def _names(encoding: str) -> tuple[str, ...]:
    made = _encoding(encoding)
    return tuple(sorted(made.features(made.sample(np.random.default_rng(0)))))


def _encoding(spec: str) -> Encoding[Any]:
    from evonas.job import make_encoding

    return make_encoding(spec)


def _as_it_is(genome: Any) -> Any:
    return genome
