"""Callbacks of a user's own: checked before the search, and no reason for it to end."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evonas.core.errors import EvonasError, named_line
from evonas.core.optional import Concluding, Noting
from evonas.core.types import Callback, Candidate, Task, Trial

log = logging.getLogger(__name__)

METHODS = ("started", "asked", "told", "ended")  # that a search calls


def check_callbacks(callbacks: Any) -> Sequence[Callback]:
    """Raises EvonasError where one lacks a method that a search calls."""
    if not isinstance(callbacks, Sequence) or isinstance(callbacks, str):
        raise EvonasError(f"callbacks={callbacks!r} is no list; give callbacks=[…]")
    for callback in callbacks:
        method = METHODS[0] if isinstance(callback, type) else missing_method(callback)
        if method is not None:
            raise EvonasError(
                f"{callback!r} is no callback: it is a class, or has no {method}(); give an object of a class that "
                "inherits evonas.core.optional.CallbackDefaults and overrides what you want to see"
            )
    return callbacks


def missing_method(callback: Any) -> str | None:
    """The first method of a callback that it lacks."""
    return next((method for method in METHODS if not callable(getattr(callback, method, None))), None)


class Guarded:
    """Passes everything on to callbacks, and leaves one out that raises: what watches a search must not end it.

    That is logged in one line which names the callback. KeyboardInterrupt goes through, so a callback can stop a
    search: it is kept, and can be resumed.
    """

    def __init__(self, callbacks: Sequence[Callback]):
        self._callbacks = list(callbacks)

    def started(self, task: Task, observed: Sequence[Trial]) -> None:
        self._all("started", task, observed)

    def asked(self, number: int, candidate: Candidate) -> None:
        self._all("asked", number, candidate)

    def told(self, trial: Trial) -> None:
        self._all("told", trial)

    def ended(self, reason: str) -> None:
        self._all("ended", reason)

    def note(self, text: str) -> None:
        self._all("note", text, only=Noting)

    def concluded(self, status: str, result: Mapping[str, Any]) -> None:
        self._all("concluded", status, result, only=Concluding)

    def _all(self, method: str, *arguments: Any, only: Any = object) -> None:
        for callback in [one for one in self._callbacks if isinstance(one, only)]:
            try:
                getattr(callback, method)(*arguments)
            except Exception as error:
                self._callbacks.remove(callback)
                log.warning(
                    "the search goes on without the callback %s: %s() raised %s",
                    type(callback).__qualname__,
                    method,
                    _in_a_line(error),
                )


def _in_a_line(error: Exception) -> str:
    """`ValueError: no disk (mine.py, line 12)`."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{named_line(error)} ({Path(frame.filename).name}, line {frame.lineno})"
