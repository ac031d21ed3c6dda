"""What a search begins with: the archive's earlier tasks, and a model file's, each data set once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError, choices
from evonas.core.goals import Objective
from evonas.core.specs import plain_name
from evonas.core.types import Task
from evonas_surrogates import modelfile, pretrained, source_data
from evonas_surrogates.remembered import Remembered
from evonas_surrogates.source_data import SourceData

TRAININGS = 30_000  # of an archive that a search looks at: read in seconds, and more would teach little more
log = logging.getLogger(__name__)


def recalled(make: Callable[..., Any], context: SearchContext[Any], **options: Any) -> Any:
    """A ranker made with these options, that has learned what an archive and a model remember of other data sets.

    It ranks by the first objective of the context's goal.

    The ranker's `model` is a file that `evonas surrogate fit` wrote; by default it is the one that evonas ships for the
    encoding, where there is one. Of a data set that both know, the one with more trainings counts.

    Raises EvonasError where a model that was asked for is not valid. The shipped one is no reason to lose a search:
    it goes on without, and a line says so.
    """
    try:
        ranker = make(**options)
    except TypeError as error:
        raise EvonasError(f"the surrogate does not take the options {options}: {error}") from error
    model, store = ranker.model, context.store
    encoding, task, objective = context.encoding_name, context.task, context.goal.first
    if store is None:
        raise EvonasError("there is no store to recall from; give SearchContext(store=…)")
    past = source_data.read(store, encoding, task, objective, most=TRAININGS)
    try:
        known, said = _of_file(model, encoding, task, objective, past.feature_names)
    except EvonasError as error:
        if model is not None:
            raise
        log.warning("going on without the model that evonas ships: %s", error)
        known, said = None, {}
    past = _forgotten(past, known, said, ranker.forget)
    if known is not None:
        past = _each_once(past, known, said)
    ranker.fit(past.X, past.y, past.groups, feature_names=past.feature_names or None)
    ranker.described_ = {name: task.features for name, task in past.tasks.items()}
    if known is not None and known.names_:
        ranker = ranker.with_sources(known)
    genomes = (*past.genomes, *said.get("genomes", ()))
    ranker.remembered_ = Remembered(genomes, context.encoding, {**said.get("results", {}), **past.results})
    return ranker


def _of_file(
    model: str | Path | None, encoding: str, task: Task, objective: Objective, features: tuple[str, ...]
) -> tuple[Any | None, dict[str, Any]]:
    """A model file's source models without the target's own, and what the file says; None where it has none to give."""
    plain = plain_name(encoding)
    path = pretrained.FOLDER / f"{plain}{modelfile.SUFFIX}" if model is None else Path(model)
    if model is None and not path.exists():
        return None, {}
    known, said = modelfile.without_target(path, plain, task)
    if said["objective"] != str(objective):
        if model is not None:
            log.warning("%r ranks by %s, so it is no help for %s", str(model), said["objective"], objective)
        return None, {}
    theirs = tuple(known.feature_names_ or ())
    if features and theirs != features:
        odd = sorted(set(theirs) ^ set(features)) or ["in another order"]
        raise EvonasError(
            f"{str(path)!r} knows other features than {encoding!r} has today ({odd[0]!r}, say); "
            "make it again: evonas surrogate fit"
        )
    return known, said


def _forgotten(past: SourceData, known: Any | None, said: Mapping[str, Any], names: str) -> SourceData:
    """Leaves out the tasks of these names, comma-separated, and those whose images are made of these; `known` is
    changed, `past` is not. Raises EvonasError where there is no such task."""
    wanted = {name.strip() for name in names.split(",")} - {""}
    if not wanted:
        return past
    tasks = said.get("tasks", {}) if known is not None else {}
    made_of = {name: {name, *tasks[name].get("sources", ())} for name in tasks}
    there = set().union(past.tasks, *made_of.values())
    if odd := sorted(wanted - there):
        known_ones = f"there are {choices(sorted(there))}" if there else "none is remembered with this encoding"
        raise EvonasError(f"there is no earlier task {odd[0]!r} to forget; {known_ones}")
    if known is not None:
        known.without([name for name in known.names_ if wanted & made_of.get(name, {name})])
    return past.of(set(past.tasks) - wanted)


def _each_once(past: SourceData, known: Any, said: dict[str, Any]) -> SourceData:
    """Leaves out, of each data set that both know, the smaller one; `known` is changed, `past` is not."""
    labels = past.groups.tolist()
    forgotten, left_out = [], set()
    for name, size in zip(list(known.names_), list(known.sizes_), strict=True):
        twins = {label for label, task in past.tasks.items() if modelfile.is_of(name, said, task)}
        if twins and max(labels.count(label) for label in twins) >= size:
            forgotten.append(name)
        else:
            left_out |= twins
    known.without(forgotten)
    return past.of(set(past.tasks) - left_out) if left_out else past
