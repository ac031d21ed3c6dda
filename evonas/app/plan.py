"""What a search will do, said before its first training, and what it does after the last."""

from __future__ import annotations

from collections.abc import Sequence

from evonas.app.deadline import has_workers, portfolio
from evonas.app.preparation import Job, counted
from evonas.core.figures import about, several
from evonas.core.optional import ForeseesLength
from evonas.core.types import Trial
from evonas.domains.domain import FinalTraining

MEASURED = 0.2  # seconds that the speed of a training is measured


def before(job: Job, told: Sequence[Trial]) -> list[str]:
    """A line: how many trainings of how many epochs, then one in full, and about how long that takes by the trials so
    far, else by the speed of the first network; at most, where trainings may be parts of whole ones. Of a deadline its
    timetable; nothing where no networks are trained."""
    if job.timetable is not None:
        return [job.timetable.words()]
    trainer, budget = job.trainer, job.budget
    if not job.domain.trains or not isinstance(trainer, ForeseesLength):
        return []
    epochs = several(trainer.full_epochs, "epoch")
    left = None if budget.trials is None else max(0, budget.trials - counted(told))
    what = f"trainings of {epochs}" if left is None else f"{several(left, 'training')} of {epochs}"
    each = _each(job, told)
    if each is None:
        return [f"{what}, then the best in full"]
    about_ = "at most about" if job.checkpoints is not None else "about"
    line = f"{what}, {about_} {about(each)} each, then the best in full"
    ends = [] if budget.seconds is None else [max(0.0, budget.seconds - (told[-1].elapsed if told else 0.0))]
    if left is not None and job.config.per_device is None:
        ends.append(left * each / max(1, min(left, job.config.workers)))
    return [f"{line}: {about_} {about(min(ends) + each)} in all" if ends else line]


def after(job: Job, trials: Sequence[Trial], final: FinalTraining | None) -> list[str]:
    """A line on the final training and what follows it; nothing where there is none."""
    best = job.goal.best(trials)
    if final is None or not job.domain.trains:
        return []
    length = "in full"
    if final.seconds is not None:
        length = f"for {about(final.seconds)}"
    elif best is not None:
        length = f"in full, about {about(best.evaluation.seconds / best.evaluation.candidate.fidelity)}"
    whole = "report and files" if job.extras else "the files"
    what = "the best network" if not final.others else f"the {1 + len(final.others)} best networks"
    return [f"training {what} {length}; then the test set once, {whole}"]


def _each(job: Job, told: Sequence[Trial]) -> float | None:
    """Seconds of a whole training. None where to measure it would take memory on a GPU that others train on, or a
    network cannot be trained: the search will say why."""
    done = [trial.evaluation for trial in told if trial.evaluation.ok]
    if done:
        return sum(found.seconds / found.candidate.fidelity for found in done) / len(done)
    if job.trainer.device != "cpu" and has_workers(job.config):
        return None
    genome = portfolio(job.encoding, job.data.task, job.config.seed)[0]
    try:
        return job.trainer.foresee(genome, job.config.seed, MEASURED)
    except Exception:  # whatever a user's network raises
        return None
