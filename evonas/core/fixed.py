"""What all trainings of a search have in common because somebody gave it, so that it is not searched."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core.recipe import Recipe

VOID: Mapping[str, Mapping[str, Any]] = {  # what of a recipe has no effect beside a part of one's own
    "loss": {"label_smoothing": 0.0, "mixup": 0.0},
    "optimizer": {"optimizer": "sgd", "lr": 1.0, "weight_decay": 0.0},
    "augment": {
        **{"mirror_x": False, "mirror_y": False, "shift_x": 0.0, "shift_y": 0.0},
        **{"rotation": 0.0, "cutout": 0.0, "mixup": 0.0},
    },
}
WORDS = {"loss": "the loss", "optimizer": "the optimizer", "augment": "the augmentation"}


@dataclass(frozen=True, repr=False)
class Fixed:
    """Of each training of a search.

    Args:
        balance: whether an example counts in the loss inversely to how many of its class are trained on.
        loss: (n, classes) logits and (n,) labels -> their mean loss, or (n,) losses; instead of cross-entropy.
        optimizer: a list of parameters -> an optimizer of torch, whose learning rates are the highest ones: they rise
            and fall over the training as the recipe's would.
        augment: (n, channels, *sizes) normalised floats on the device -> the same, varied; each batch of each epoch. It
            draws from torch's global generator, which is seeded.
    """

    balance: bool = False
    loss: Callable[..., Any] | None = None
    optimizer: Callable[..., Any] | None = None
    augment: Callable[..., Any] | None = None

    @property
    def parts(self) -> dict[str, Callable[..., Any]]:
        """Those that are a user's own."""
        given = {"loss": self.loss, "optimizer": self.optimizer, "augment": self.augment}
        return {name: part for name, part in given.items() if part is not None}

    @property
    def own(self) -> dict[str, str]:
        """What they are called."""
        return {name: named(part) for name, part in self.parts.items()}

    def recipe(self, recipe: Recipe) -> Recipe:
        """The recipe without what has no effect."""
        changes: dict[str, Any] = {}
        for name in self.own:
            changes |= VOID[name]
        return replace(recipe, **changes) if changes else recipe

    def describe(self, labels: np.ndarray) -> str:
        """A line for each, for (n,) labels of the training examples; empty where nothing was given."""
        lines = []
        if self.balance:
            counts = np.bincount(labels)
            low, high = (len(labels) / (len(counts) * n) for n in (counts.max(), max(1, counts.min())))
            span = f"{low:.3g} to {high:.3g}"
            lines.append(f"classes count alike: the loss of an example is weighted inversely to its class, {span}")
        for name, called in self.own.items():
            lines.append(f"{WORDS[name]} is your {called}; {', '.join(VOID[name])} of recipes have no effect")
        return "\n".join(lines)

    def __repr__(self) -> str:
        """What identifies a training: functions by their code, as far as a file holds it."""
        own = [f"{name}={identity(part)}" for name, part in self.parts.items()]
        return f"Fixed({', '.join([f'balance={self.balance}', *own])})"


def named(part: Any) -> str:
    """`focal`, `partial of AdamW`, `FocalLoss`."""
    if isinstance(part, partial):
        return f"partial of {named(part.func)}"
    return str(getattr(part, "__qualname__", type(part).__qualname__)).rpartition(".")[2]


def identity(part: Any) -> str:
    """Its module and name, the content of its file, and what an object holds, by its representation."""
    code = part
    while isinstance(code, partial):
        code = code.func
    code = code if hasattr(code, "__qualname__") else type(code)
    file = getattr(sys.modules.get(code.__module__), "__file__", None)
    try:
        source = Path(file).read_bytes() if file else inspect.getsource(code).encode()
    except (OSError, TypeError):
        source = b""
    held = "" if part is code else re.sub(r" at 0x[0-9a-f]+", "", repr(part))
    return f"{code.__module__}:{code.__qualname__} {blake2b(source, digest_size=8).hexdigest()} {held}"


NOTHING = Fixed()
