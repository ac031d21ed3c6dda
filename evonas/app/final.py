"""What a run's final training is to be, or was."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evonas.app.preparation import Job
from evonas.core.genomes import freeze
from evonas.core.optional import Recommending
from evonas.core.types import Searcher, Trial
from evonas.domains.domain import FinalTraining
from evonas.memory.archive import RunRecord


def planned(
    job: Job, searcher: Searcher[Any], trials: Sequence[Trial], seconds: float | None = None
) -> FinalTraining | None:
    """Of the genome that the searcher recommends, else the best trial's; None where no trial was good."""
    best = job.goal.best(trials)
    if best is None:
        return None
    genome = searcher.recommend() if isinstance(searcher, Recommending) else None
    return FinalTraining(best.evaluation.candidate.genome if genome is None else genome, seconds)


def recorded(record: RunRecord) -> FinalTraining | None:
    """What a run's own final training was; None where it has had none, or was given more to search since."""
    result = record.result or {}
    if record.status != "done" or result.get("genome") is None:
        return None
    had = result.get("final") or {"genome": result["genome"]}  # earlier versions kept no more
    return FinalTraining(**{**had, "genome": freeze(had["genome"])})
