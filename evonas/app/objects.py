"""Options of a search that may be objects in Python: the record names them, and they are given again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from evonas.app.groups import MEMORY

OPTIONS = {"groups": MEMORY}  # and what the record has instead of an object


def apart(options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options as a record has them, and those that are objects, by their names."""
    objects = {
        name: options[name] for name in OPTIONS if not isinstance(options.get(name), str | int | os.PathLike | None)
    }
    return {**options, **{name: OPTIONS[name] for name in objects}}, objects
