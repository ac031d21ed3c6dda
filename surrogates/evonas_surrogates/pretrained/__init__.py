"""Models that evonas ships, so that the first search starts with a memory; see surrogates/README.md."""

from __future__ import annotations

from pathlib import Path

from evonas.types import Objective, Task
from evonas_surrogates.meta import MetaSurrogate

FOLDER = Path(__file__).parent


def find(encoding: str, task: Task, objective: Objective) -> MetaSurrogate | None:
    """The shipped model of an encoding (by its plain name) and objective, None where there is none.

    A shipped view of a data set with the task's own name is left out: it would know the answers.
    """
    from evonas_surrogates import modelfile

    path = FOLDER / f"{encoding}.skops"
    if not path.exists() or str(objective) != "val_accuracy":
        return None
    model, _ = modelfile.load(path, encoding=encoding)
    return model.without([name for name in model.names_ if _is_of(name, task.name)])


def _is_of(view: str, task: str) -> bool:
    """Whether a view's name, `CIFAR-10 (NAS-Bench-201)` say, is that of the task: `cifar10_jpeg` is, `cifar100` not."""
    plain, other = ("".join(c for c in name.lower() if c.isalnum()) for name in (view.split("(")[0], task))
    return other.startswith(plain) and not other[len(plain) : len(plain) + 1].isdigit()
