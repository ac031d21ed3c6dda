"""Whatever an evaluator does, there is an evaluation."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from typing import Any

from evonas.core.errors import in_short, named_line
from evonas.core.faults import short_traceback
from evonas.core.types import STATES, Candidate, Evaluation, Evaluator, Task


def guarded(evaluator: Evaluator, candidate: Candidate, task: Task, seed: int) -> Evaluation:
    """The evaluation with its figures as Python's numbers, or a failed one that says what went wrong, and where; also
    where a user's code would end the process by `sys.exit`."""
    start = time.perf_counter()
    try:
        evaluation = evaluator(candidate, task, seed)
        if not isinstance(evaluation, Evaluation):
            raise TypeError(f"the evaluator returned {type(evaluation).__name__}, not an Evaluation")
        if evaluation.candidate.genome != candidate.genome:
            raise ValueError(f"the evaluator returned an Evaluation of {in_short(evaluation.candidate.genome)}")
        if evaluation.status not in STATES:
            raise ValueError(f"the evaluator returned the status {in_short(evaluation.status)}; there are {STATES}")
        for what in ("error", "traceback"):
            if not isinstance(getattr(evaluation, what), str | None):
                raise TypeError(f"the {what} of the Evaluation is no text but {in_short(getattr(evaluation, what))}")
        metrics = {name: _number(value, f"metric {name!r}") for name, value in evaluation.metrics.items()}
        taken = _number(evaluation.seconds, "seconds")
        if not math.isfinite(taken):
            raise ValueError(f"the seconds are {taken}")
        return replace(evaluation, metrics=metrics, seconds=taken)
    except (Exception, SystemExit) as error:
        seconds = time.perf_counter() - start
        return Evaluation.failure(candidate, named_line(error), seconds, short_traceback(error))


def _number(value: Any, what: str) -> float:
    """A number of Python's own: numpy's, and what is in an array or a tensor without axes, are taken for one.

    Raises TypeError, which names what it is of, for anything else.
    """
    found = value.item() if getattr(value, "shape", None) == () else value
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise TypeError(f"the {what} is no number but {in_short(value)} ({type(value).__name__})")
    try:
        float(found)
    except OverflowError:  # of whole numbers beyond all measure
        return math.inf if found > 0 else -math.inf
    return found
