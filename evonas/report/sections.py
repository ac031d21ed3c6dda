"""Sections of the report from other rooms, found by entry point: the engine knows none of them by name."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from evonas.core import plugins
from evonas.core.goals import Goal
from evonas.core.types import Encoding, Trial
from evonas.memory.archive import Archive, RunRecord

log = logging.getLogger(__name__)


def sections(
    record: RunRecord,
    trials: Sequence[Trial],
    encoding: Encoding[Any],
    store: Archive,
    goal: Goal,
) -> list[tuple[str, str]]:
    """What every function in the group `evonas.sections` has to say of a run: (title, HTML) pairs for `write_report`.

    Each is called with these arguments and gives a pair, or None. A section is no reason to lose a report: one that
    fails is left out, and said so.
    """
    found = []
    for name, entry in sorted(plugins.available("evonas.sections").items()):
        try:
            section = entry.load()
            found.append(section(record, trials, encoding, store, _wanted(name, section, goal)))
        except Exception as error:
            log.warning("the report goes without its section %r: %s", name, error)
    return [section for section in found if section]


def _wanted(name: str, section: Callable[..., Any], goal: Goal) -> Any:
    """The goal; its first objective for a function of the time before there were goals."""
    parameters = list(inspect.signature(section).parameters)
    if parameters[4:5] != ["objective"]:
        return goal
    warnings.warn(f"section {name!r} takes an objective; let it take the goal", DeprecationWarning, stacklevel=2)
    return goal.first
