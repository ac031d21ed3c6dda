"""Checks of the options that plug-ins take."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, TypeVar

from evonas.core.errors import EvonasError

F = TypeVar("F", bound=Callable[..., Any])


def at_least(low: int, **named: int) -> int:
    """The one named number, if it is a whole one and not below `low`; else an EvonasError that names it."""
    ((name, value),) = named.items()
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise EvonasError(f"{name}={value!r} is too small or no whole number; give at least {low}")
    return value


def probability(**named: float) -> float:
    """The one named number, if it is from 0 to 1; else an EvonasError that names it."""
    ((name, value),) = named.items()
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise EvonasError(f"{name}={value!r} is no probability; give one from 0 to 1")
    return float(value)


def with_options_of(target: Callable[..., Any], *fixed: str) -> Callable[[F], F]:
    """A decorator for a factory whose `**options` are handed on to `target`: it is asked for its options, and answers
    with the target's, but for those that it has itself or that are `fixed`.
    """

    def decorate(factory: F) -> F:
        own = inspect.signature(factory)
        named = [one for one in own.parameters.values() if one.kind is not one.VAR_KEYWORD]
        there = {one.name for one in named} | set(fixed)
        handed_on = [
            one.replace(kind=one.KEYWORD_ONLY)
            for one in inspect.signature(target).parameters.values()
            if one.name not in there and one.kind not in (one.VAR_KEYWORD, one.VAR_POSITIONAL)
        ]
        factory.__signature__ = own.replace(parameters=[*named, *handed_on])  # type: ignore[attr-defined]
        return factory

    return decorate
