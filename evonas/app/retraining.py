"""A network of a run that is not there, trained: what is needed for it, and which training it is."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from evonas.app.final import planned, recorded
from evonas.app.folders import check_folder
from evonas.app.preparation import Job, prepare_resume
from evonas.app.results import Result, finish, of_trial
from evonas.app.searcher import searcher_after
from evonas.core.errors import EvonasError
from evonas.core.figures import duration
from evonas.core.types import Encoding, Trial
from evonas.domains.domain import Data, FinalTraining


@dataclass(frozen=True)
class Again:
    """What is needed to train a network of a run: its name; its data, encoding and options that were objects."""

    run: str
    archive: str | None = None
    data: Data | None = None
    encoding: Encoding[Any] | None = None
    metrics: Mapping[str, Any] | None = None
    objects: Mapping[str, Any] | None = None

    @cached_property
    def job(self) -> Job:
        """Made once, for its data may take long to load. Raises EvonasError."""
        given = {"data": self.data, "encoding": self.encoding, "metrics": self.metrics, **(self.objects or {})}
        return prepare_resume(self.run, archive=self.archive, **given)

    @cached_property
    def trials(self) -> Sequence[Trial]:
        from evonas.memory.archive import Archive

        return Archive(self.archive).trials(self.run)


def trained(out: str | Path | None, number: int | None, given: Again, say: Callable[[str], Any]) -> Result:
    """The network of the trial of that number, or the run's own, trained into the folder `out`. Raises EvonasError."""
    run = given.run
    if out is None:
        raise EvonasError(f"the network has to be trained: give --out FOLDER for it; run {run!r} stays as it is")
    check_folder(Path(out), run)
    job, trials = given.job, given.trials
    if job.goal.best(trials) is None and recorded(job.record) is None:
        raise EvonasError(
            f"run {run!r} has no successful trial to export; go on with it: evonas resume {shlex.quote(run)}"
        )
    trial = None if number is None else numbered(trials, number, run)
    final, why = _final(job, trials) if trial is None else _final_of(job, trial, number)
    if final is not None:
        length = "in full" if final.seconds is None else f"for {duration(final.seconds)}"
        what = f"the genome {final.genome!r}"
        what += f" and {len(final.others)} more" if final.others else ""
        say(f"training {length} {what}, {why}")
    passed_over = (job.record.result or {}).get("passed_over", 0)
    result = finish(job, trials, "exported", Path(out), final, passed_over=passed_over)
    return result if trial is None or number is None else of_trial(result, trial, number)


def numbered(trials: Sequence[Trial], number: int, run: str) -> Trial:
    """Trials count from 1, as on the screen and in the report. Raises EvonasError where there is no such one, or it has
    failed."""
    counted = _counted(trials)
    if not 1 <= number <= len(counted):
        raise EvonasError(f"--trial {number}: run {run!r} has the trials 1 to {len(counted)}; evonas runs show {run}")
    trial = counted[number - 1]
    if not trial.evaluation.ok:
        why = (str(trial.evaluation.error or "").splitlines() or [trial.evaluation.status])[-1]
        raise EvonasError(f"--trial {number} of run {run!r} failed, and has no network: {why}")
    return trial


def _final_of(job: Job, trial: Trial, number: int | None) -> tuple[FinalTraining, str]:
    seconds = None if job.timetable is None else job.timetable.final
    return FinalTraining(trial.evaluation.candidate.genome, seconds), f"that of trial {number}"


def _final(job: Job, trials: Sequence[Trial]) -> tuple[FinalTraining | None, str]:
    """The final training that a run had, or would have if its search ended now, and a word on which it is."""
    seconds = None if job.timetable is None else job.timetable.final
    final = recorded(job.record)
    if final is None:
        final = planned(job, searcher_after(job, trials), trials, lambda networks: seconds)
        return final, "which the search would recommend now"
    return replace(final, seconds=final.seconds or seconds), "as in the run's own final training"


def number_of(trials: Sequence[Trial], wanted: Trial) -> int:
    """As `numbered` counts."""
    return 1 + next(i for i, trial in enumerate(_counted(trials)) if trial is wanted)


def _counted(trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.evaluation.status != "absent"]
