"""Old names of modules that have moved: they still work, and say where to find things now."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from importlib import import_module
from typing import Any


def moved(old: str, new: str) -> Callable[[str], Any]:
    """The `__getattr__` of a module that is only an old name of another one."""

    def getattribute(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(import_module(new), name)
        warnings.warn(f"{old} has moved; import {name} from {new}", DeprecationWarning, stacklevel=2)
        return found

    return getattribute
