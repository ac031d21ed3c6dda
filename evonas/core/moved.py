"""Old names of what has moved: they still work, and say where to find things now."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache, wraps
from importlib import import_module
from typing import Any

from evonas.core.context import SearchContext
from evonas.core.goals import VAL_ACCURACY, Goal, Objective

Arguments = tuple[tuple[Any, ...], dict[str, Any]]


def moved(
    old: str, new: str, before: Mapping[str, Callable[..., Arguments]] | None = None, **elsewhere: str
) -> Callable[[str], Any]:
    """The `__getattr__` of a module that is only an old name of another one, or that names left.

    Args:
        old: the module's old name.
        new: where it is now.
        before: for classes and functions that take a `SearchContext` first now, what turns the old arguments into
            (today's, today's by name); by the old name they take both.
        elsewhere: for names that are in another module or are called otherwise, where: `module:name`.
    """

    def getattribute(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        home, _, called = elsewhere.get(name, f"{new}:{name}").partition(":")
        found = getattr(import_module(home), called)
        warnings.warn(f"{old}.{name} has moved; import {called} from {home}", DeprecationWarning, stacklevel=2)
        return _made_as_before(found, old, before[name]) if before and name in before else found

    return getattribute


def of_encoding(
    encoding: Any, *others: Any, objectives: Sequence[Objective] | None = None, **options: Any
) -> Arguments:
    """What searchers were made from: an encoding and objectives."""
    given = list(others)
    if not objectives and given:
        objectives = given.pop(0)
    return (SearchContext(encoding, Goal(tuple(objectives or (VAL_ACCURACY,)))), *given), options


@cache
def _made_as_before(make: Callable[..., Any], old: str, arguments: Callable[..., Arguments]) -> Callable[..., Any]:
    def todays(first: Any, others: tuple[Any, ...], options: dict[str, Any]) -> Arguments:
        made_today = isinstance(first, SearchContext)
        return ((first, *others), options) if made_today else arguments(first, *others, **options)

    if not isinstance(make, type):

        @wraps(make)
        def function(first: Any, *others: Any, **options: Any) -> Any:
            others, options = todays(first, others, options)
            return make(*others, **options)

        return function

    def init(self: Any, first: Any, *others: Any, **options: Any) -> None:
        others, options = todays(first, others, options)
        make.__init__(self, *others, **options)

    return type(make.__name__, (make,), {"__init__": init, "__module__": old, "__doc__": make.__doc__})
