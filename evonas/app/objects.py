"""Options of a search that may be objects in Python: the record names them, and they are given again."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import partial
from numbers import Integral
from typing import Any

from evonas.app.groups import MEMORY
from evonas.core.errors import EvonasError
from evonas.core.fixed import VOID

OPTIONS = ("groups", *VOID)


def apart(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options as a record has them, and those that are objects, by their names."""
    plain = str | Integral | os.PathLike | None
    objects = {name: options[name] for name in OPTIONS if not isinstance(options.get(name), plain)}
    return {**options, **{name: _recorded(name, one) for name, one in objects.items()}}, objects


def check_same(record: Mapping[str, Any], changes: Mapping[str, Any], objects: Mapping[str, Any], run: str) -> None:
    """Raises EvonasError where an option of a run is given again, but as another object than its record tells of."""
    for name in objects:
        if changes[name] != record.get(name):
            had = f"is {record[name]!r}" if record.get(name) else "was not given"
            raise EvonasError(f"the {name} of run {run!r} {had}, not {changes[name]!r}; give the same, or search anew")


def _recorded(name: str, part: Any) -> str:
    """What leads to a function or a class again; of other objects only what they are."""
    if name == "groups":
        return MEMORY
    return (
        spec_of(part) if isinstance(part, partial) or hasattr(part, "__qualname__") else f"<{type(part).__qualname__}>"
    )


def spec_of(part: Any) -> str:
    """`module:name` of a function, or of an object's class; its file's path if that is a script. A spec as it is."""
    if part is None or isinstance(part, str):
        return part or ""
    if isinstance(part, partial):  # no name leads to what it holds
        return f"<partial of {spec_of(part.func)}>"
    cls = part if hasattr(part, "__qualname__") else type(part)
    module = sys.modules.get(cls.__module__)
    file = getattr(module, "__file__", None)
    return f"{file if cls.__module__ == '__main__' and file else cls.__module__}:{cls.__qualname__}"
