"""Moved to `evonas.search.evolution`, where searchers are made from a `SearchContext`.

By this name they also take what they took before: an encoding and objectives.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from evonas.core.context import SearchContext
from evonas.core.goals import VAL_ACCURACY, Goal
from evonas.core.moved import moved

_NEW = "evonas.search.evolution"
_moved = moved(__name__, _NEW)


def __getattr__(name: str) -> Any:
    found = _moved(name)
    return _of_encoding(found) if name in ("Evolution", "AgingEvolution") else found


@cache
def _of_encoding(searcher: Any) -> type:
    """The searcher's class, made from (encoding, objectives, …) too."""

    def init(self: Any, encoding: Any, *args: Any, objectives: Any = None, **options: Any) -> None:
        if not isinstance(encoding, SearchContext):
            objectives, args = (objectives, args) if objectives or not args else (args[0], args[1:])
            encoding = SearchContext(encoding, Goal(tuple(objectives or (VAL_ACCURACY,))))
        searcher.__init__(self, encoding, *args, **options)

    return type(searcher.__name__, (searcher,), {"__init__": init, "__module__": __name__, "__doc__": searcher.__doc__})
