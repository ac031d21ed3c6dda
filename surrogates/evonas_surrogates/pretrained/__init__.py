"""Models that evonas ships, so that the first search starts with a memory; see surrogates/README.md."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from evonas.core.goals import Objective
from evonas.core.types import Task
from evonas_surrogates import modelfile
from evonas_surrogates.transfer import TransferModel

FOLDER = Path(__file__).parent


def find(encoding: str, task: Task, objective: Objective) -> TransferModel | None:
    """The shipped model of an encoding (by its plain name) and objective, None where there is none.

    A shipped source model of the task's own data set is left out, which is known by its name: tables have no images.
    """
    path = FOLDER / f"{encoding}{modelfile.SUFFIX}"
    if not path.exists() or str(objective) != "val_accuracy":
        return None
    return modelfile.without_target(path, encoding, task)[0]


def shipped() -> dict[str, Mapping[str, int]]:
    """Encoding -> each source model's task -> the trainings behind it."""
    found = {}
    for path in sorted(FOLDER.glob(f"*{modelfile.SUFFIX}")):
        model, said = modelfile.load(path)
        found[said["encoding"]] = dict(zip(model.names_, map(int, model.sizes_), strict=True))
    return found
