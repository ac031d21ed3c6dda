"""The agreements and goals, by the name that plug-ins import: see `evonas.core`."""

from evonas.core.context import SearchContext
from evonas.core.goals import VAL_ACCURACY, Constraint, Goal, Metric, Objective, register_metric
from evonas.core.types import (
    Callback,
    Candidate,
    Encoding,
    Evaluation,
    Evaluator,
    G,
    Origin,
    Ranker,
    Searcher,
    Status,
    Store,
    Task,
    Trial,
)

__all__ = [
    "VAL_ACCURACY",
    "Callback",
    "Candidate",
    "Constraint",
    "Encoding",
    "Evaluation",
    "Evaluator",
    "G",
    "Goal",
    "Metric",
    "Objective",
    "Origin",
    "Ranker",
    "SearchContext",
    "Searcher",
    "Status",
    "Store",
    "Task",
    "Trial",
    "register_metric",
]
