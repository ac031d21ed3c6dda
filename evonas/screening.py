"""Moved to `evonas.search.screening`, where `Screened` is made from a `SearchContext`.

By this name it also takes what it took before: a searcher, a ranker, an encoding, a task.
"""

from typing import Any

from evonas.core.context import SearchContext
from evonas.core.goals import VAL_ACCURACY, Goal
from evonas.core.moved import Arguments, moved


def _of_searcher(
    searcher: Any, ranker: Any, encoding: Any, task: Any, *others: Any, objectives: Any = None, **options: Any
) -> Arguments:
    context = SearchContext(encoding, Goal(tuple(objectives or (VAL_ACCURACY,))), task)
    return (context, searcher, ranker, *others), options


__getattr__ = moved(
    __name__,
    "evonas.search.screening",
    {"Screened": _of_searcher},
    ELITE="evonas.search.maximizer:ELITE",
    pareto_scores="evonas.search.several:pareto_scores",
)
