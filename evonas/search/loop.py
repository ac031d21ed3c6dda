"""The loop: ask, submit, record, tell. Every worker is kept busy; none waits for the slowest."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Protocol

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.optional import Explaining
from evonas.core.types import Callback, Candidate, Evaluation, Searcher, Store, Task, Trial

HOPELESS = 20  # trials, all of which failed: what is wrong is wrong with all of them


@dataclass(frozen=True)
class Budget:
    """When to stop asking: after so many trials, after so many seconds of wall clock, or whichever comes first.

    A training that runs when the seconds are over is waited for. Neither given: until the space is exhausted.

    Raises EvonasError where `trials` is not a whole number, `seconds` is not a number, or either is not above 0.
    """

    trials: int | None = None
    seconds: float | None = None

    def __post_init__(self):
        for name, value, kind in (("trials", self.trials, Integral), ("seconds", self.seconds, Real)):
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, kind):
                what = "whole number" if kind is Integral else "number"
                raise EvonasError(f"{name}={value!r} is not a {what}; give a {what} above 0")
            if not value > 0:
                raise EvonasError(f"{name}={value} leaves nothing to do; give a number above 0")

    def allows(self, trials: int, seconds: float) -> bool:
        """Whether another trial may start when so many have been started and so much time is spent."""
        return (self.trials is None or trials < self.trials) and (self.seconds is None or seconds < self.seconds)


class Executor(Protocol):
    """Evaluates candidates, up to `slots` at a time. A failure is a failed evaluation: a future raises
    only EvonasError, where no candidate could be evaluated at all."""

    @property
    def slots(self) -> int: ...

    def submit(self, candidate: Candidate, task: Task, seed: int) -> Future[Evaluation]: ...


@dataclass(frozen=True)
class Outcome:
    """All trials in the order they were observed, and a word on why the search ended."""

    trials: Sequence[Trial]
    reason: str


def generator(seed: int, number: int) -> np.random.Generator:
    """The randomness of the `number`-th ask: nothing else decides it, so that a resumed search draws the same."""
    return np.random.default_rng([seed, number])


def run(
    searcher: Searcher[Any],
    executor: Executor,
    task: Task,
    *,
    seed: int,
    budget: Budget,
    store: Store | None = None,
    name: str = "run",
    callbacks: Sequence[Callback] = (),
    trials: Sequence[Trial] = (),
    fits: Callable[[Candidate[Any], float], bool] | None = None,
) -> Outcome:
    """Search until the budget is spent or the space is exhausted, or so many trials as are `HOPELESS` failed here with
    none that succeeded.

    Each evaluation is stored before the searcher observes it. `trials` are those of the same run from before an
    interruption, in their order: the searcher observes them again first, and with one worker the search then goes on as
    if it had never stopped. `fits(candidate, elapsed)` says whether a candidate can end in time: the first that cannot
    is not trained, and ends the search.
    """
    observed = list(trials)
    number, interrupted = replay(searcher, observed, seed)
    start = time.monotonic() - (observed[-1].elapsed if observed else 0.0)
    counted = sum(trial.evaluation.status != "absent" for trial in observed)
    pending: dict[Future[Evaluation], tuple[int, int]] = {}
    reason, over = "the budget is spent", False
    failed, hope = 0, any(trial.evaluation.ok for trial in observed)
    for callback in callbacks:
        callback.started(task, observed)
    while True:
        exhausted = False
        while (
            not over
            and len(pending) < executor.slots
            and budget.allows(counted + len(pending), time.monotonic() - start)
        ):
            if interrupted:
                after, (candidate, as_number) = len(observed), interrupted.pop(0)
            else:
                found = searcher.ask(1, generator(seed, number))
                after, as_number, number = len(observed), number, number + 1
                if not found:
                    exhausted = True
                    break
                candidate = found[0]
            if fits is not None and not fits(candidate, time.monotonic() - start):
                over = True
                break
            for callback in callbacks:
                callback.asked(as_number, candidate)
            pending[executor.submit(candidate, task, seed)] = (as_number, after)
        if not pending:
            if exhausted:
                why = searcher.why_ended() if isinstance(searcher, Explaining) else ""
                reason = why or "the space is exhausted: the searcher finds no architecture that is new"
            break
        done = [future for future in pending if future.done()]
        for future in done or wait(pending, return_when=FIRST_COMPLETED).done:
            as_number, after = pending.pop(future)
            trial = Trial(name, as_number, after, future.result(), time.monotonic() - start)
            if store is not None:
                store.append(trial)
            observed.append(trial)
            counted += trial.evaluation.status != "absent"
            searcher.tell([trial.evaluation])
            for callback in callbacks:
                callback.told(trial)
            failed, hope = failed + (trial.evaluation.status == "failed"), hope or trial.evaluation.ok
            if failed >= HOPELESS and not hope and not over:
                reason, over = f"none of {counted} trials succeeded", True
    for callback in callbacks:
        callback.ended(reason)
    return Outcome(observed, reason)


def replay(searcher: Searcher[Any], observed: Sequence[Trial], seed: int) -> tuple[int, list[tuple[Candidate, int]]]:
    """Bring a new searcher to where a run stopped, by asking and telling again what the run did.

    Returns the next ask's number, and the candidates that were pending when it stopped, each with its number.
    """
    by_number = {trial.number: trial for trial in observed}
    pending: list[tuple[Candidate, int]] = []
    next_number = max(by_number, default=-1) + 1
    position = 0
    for number in range(next_number):
        trial = by_number.get(number)
        while trial is not None and position < trial.after:
            searcher.tell([observed[position].evaluation])
            position += 1
        found = searcher.ask(1, generator(seed, number))
        if trial is None and found:
            pending.append((found[0], number))
    for trial in observed[position:]:
        searcher.tell([trial.evaluation])
    return next_number, pending
