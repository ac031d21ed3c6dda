"""Checks of the options that plug-ins take."""

from __future__ import annotations

from evonas.core.errors import EvonasError


def at_least(low: int, **named: int) -> int:
    """The one named number, if it is a whole one and not below `low`; else an EvonasError that names it."""
    ((name, value),) = named.items()
    if isinstance(value, bool) or not isinstance(value, int) or value < low:
        raise EvonasError(f"{name}={value!r} is too small or no whole number; give at least {low}")
    return value
