"""Moved to `evonas.search.halving`, where halving is made from a `SearchContext`.

By these names it also takes what it took before: a searcher and an objective, or an encoding and objectives.
"""

from typing import Any

from evonas.core.context import SearchContext
from evonas.core.goals import VAL_ACCURACY, Goal, Objective
from evonas.core.moved import Arguments, moved, of_encoding


def _of_searcher(searcher: Any, objective: Objective = VAL_ACCURACY, *others: Any, **options: Any) -> Arguments:
    encoding: Any = getattr(searcher, "encoding", None)
    return (SearchContext(encoding, Goal((objective,))), searcher, *others), options


__getattr__ = moved(__name__, "evonas.search.halving", {"SuccessiveHalving": _of_searcher, "halving": of_encoding})
