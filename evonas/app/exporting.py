"""A run's final training once more, into another folder; of a run that is not finished, for the first time."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evonas.app.final import planned, recorded
from evonas.app.folders import check_folder
from evonas.app.preparation import Job, prepare_resume
from evonas.app.results import Result, finish
from evonas.app.searcher import searcher_after
from evonas.core.errors import EvonasError
from evonas.core.figures import duration
from evonas.core.types import Encoding, Trial
from evonas.domains.domain import Data, FinalTraining


def export(
    run: str,
    out: str | Path,
    *,
    archive: str | None = None,
    data: Data | None = None,
    encoding: Encoding[Any] | None = None,
    say: Callable[[str], Any] = lambda line: None,
) -> Result:
    """Do a run's final training again and write the network to the folder `out`; the run stays as it is.

    Arrays, or an encoding, that the run was given as objects are needed again. `say` gets a line on what is trained.

    Raises EvonasError where there is no such run, it has no network, or the folder holds something else.
    """
    job = prepare_resume(run, archive=archive, data=data, encoding=encoding)
    trials = job.archive.trials(run)
    best = job.goal.best(trials)
    if best is None:
        raise EvonasError(
            f"run {run!r} has no successful trial to export; go on with it: evonas resume {shlex.quote(run)}"
        )
    if not job.domain.trains:
        raise EvonasError(
            f"run {run!r} was scored by an evaluator of your own and has no network of its own to export; its best "
            f"genome is {best.evaluation.candidate.genome!r}"
        )
    check_folder(Path(out), run)
    final, why = _final(job, trials)
    if final is not None:
        length = "in full" if final.seconds is None else f"for {duration(final.seconds)}"
        what = f"the genome {final.genome!r}"
        what += f" and {len(final.others)} more" if final.others else ""
        say(f"training {length} {what}, {why}")
    return finish(job, trials, "exported", Path(out), final)


def _final(job: Job, trials: Sequence[Trial]) -> tuple[FinalTraining | None, str]:
    """The final training that a run had, or would have if its search ended now, and a word on which it is."""
    seconds = None if job.timetable is None else job.timetable.final
    final = recorded(job.record)
    if final is None:
        final = planned(job, searcher_after(job, trials), trials, lambda networks: seconds)
        return final, "which the search would recommend now"
    return replace(final, seconds=final.seconds or seconds), "as in the run's own final training"
