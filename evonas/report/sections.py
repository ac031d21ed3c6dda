"""Sections of the report from other rooms, found by entry point: the engine knows none of them by name."""

from __future__ import annotations

import logging
from collections.abc import Sequence
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
            found.append(entry.load()(record, trials, encoding, store, goal))
        except Exception as error:
            log.warning("the report goes without its section %r: %s", name, error)
    return [section for section in found if section]
