"""Whatever an evaluator does, there is an evaluation."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from evonas.core.faults import first_line, short_traceback
from evonas.core.types import Candidate, Evaluation, Evaluator, Task


def guarded(evaluator: Evaluator, candidate: Candidate, task: Task, seed: int) -> Evaluation:
    """The evaluation with its figures as Python's numbers, or a failed one that says what went wrong, and where."""
    start = time.perf_counter()
    try:
        evaluation = evaluator(candidate, task, seed)
        if not isinstance(evaluation, Evaluation):
            raise TypeError(f"the evaluator returned {type(evaluation).__name__}, not an Evaluation")
        metrics = {name: _number(value, f"metric {name!r}") for name, value in evaluation.metrics.items()}
        return replace(evaluation, metrics=metrics, seconds=_number(evaluation.seconds, "seconds"))
    except Exception as error:
        seconds = time.perf_counter() - start
        return Evaluation.failure(candidate, first_line(error), seconds, short_traceback(error))


def _number(value: Any, what: str) -> float:
    """A number of Python's own: numpy's, and what is in an array or a tensor without axes, are taken for one.

    Raises TypeError, which names what it is of, for anything else.
    """
    found = value.item() if getattr(value, "shape", None) == () else value
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise TypeError(f"the {what} is no number but {' '.join(repr(value).split())[:80]} ({type(value).__name__})")
    return found
