"""Models that evonas ships, so that the first search starts with a memory; see surrogates/README.md."""

from __future__ import annotations

from pathlib import Path

from evonas.core.goals import Objective
from evonas.core.types import Task
from evonas_surrogates.meta import MetaSurrogate

FOLDER = Path(__file__).parent


def find(encoding: str, task: Task, objective: Objective) -> MetaSurrogate | None:
    """The shipped model of an encoding (by its plain name) and objective, None where there is none.

    A shipped view of the task's own data set is left out, which is told by its name: tables have no images.
    """
    from evonas_surrogates import modelfile

    path = FOLDER / f"{encoding}.skops"
    if not path.exists() or str(objective) != "val_accuracy":
        return None
    return modelfile.views(path, encoding, task)[0]
