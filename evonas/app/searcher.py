"""A job's searcher, new or brought to where its run stopped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evonas.app.deadline import begun, with_first
from evonas.app.limits import obeying, within
from evonas.app.preparation import Job
from evonas.core.context import SearchContext
from evonas.core.optional import CountsCosts
from evonas.core.types import Searcher, Trial
from evonas.search.loop import replay
from evonas.search.methods import make_method


def make_searcher(job: Job) -> Searcher[Any]:
    """As the run had it when it began: it remembers what the archive held then."""
    store = job.archive.as_of(job.record.mark)
    encoding, proposals = within(job.encoding, job.costs)
    costs = job.trainer.costs if isinstance(job.trainer, CountsCosts) else None
    context = SearchContext(encoding, job.goal, job.data.task, store, job.config.seed, job.config.encoding, costs=costs)
    head = 1 + len(job.config.start)
    context = with_first(context, job.timetable, job.config.first, head)
    searcher = begun(make_method(job.config.method_spec, context), context, job.timetable, head)
    return obeying(searcher, job.goal, proposals)


def searcher_after(job: Job, trials: Sequence[Trial]) -> Searcher[Any]:
    """A new one that has asked for and been told what the run's had."""
    searcher = make_searcher(job)
    replay(searcher, trials, job.config.seed)
    return searcher
