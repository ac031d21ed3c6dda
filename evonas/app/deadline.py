"""A search for a deadline: its time divided, the best network there at any time, the final training in what is left."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from evonas.app.preparation import Job
from evonas.app.results import write_summary
from evonas.app.timetable import SHORTEST, Timetable
from evonas.core.context import SearchContext
from evonas.core.optional import CallbackDefaults, HasPortfolio, MultiFidelity
from evonas.core.types import Candidate, Searcher, Trial
from evonas.search.rungs import Rungs

MEASURED = 0.01  # of a deadline, a second at most, the speed of the fixed baseline is measured


@dataclass(frozen=True)
class Deadline:
    """A job's time. `earlier` are the seconds that it had before an interruption."""

    job: Job
    timetable: Timetable
    earlier: float

    @classmethod
    def of(cls, job: Job, observed: Sequence[Trial]) -> Deadline:
        """Divide the time, or take the division that the run has already. Raises EvonasError where it is too short."""
        config = job.config
        assert config.deadline is not None
        if config.timetable is not None:
            timetable = Timetable.from_record(config.timetable).until(config.deadline)
            earlier = timetable.before + (observed[-1].elapsed if observed else 0.0)
        else:
            (first, *_), split = portfolio(job), job.data
            found = job.trainer.rate(Candidate(first), config.seed, min(1.0, MEASURED * config.deadline))
            images, before = len(split.y_train) + len(split.y_val), time.monotonic() - job.began
            timetable = Timetable.make(config.deadline, before, images, found["images_per_second"])
            earlier = 0.0
        trainer = replace(job.trainer, epochs=None, seconds=timetable.final, probe=True)
        values = timetable.record()
        job = replace(
            job,
            config=config.model_copy(update={"timetable": values}),
            record=replace(job.record, config={**job.record.config, "timetable": values}),
            trainer=trainer,
            evaluator=job.domain.evaluator(trainer, job.goal),
        )
        return cls(job, timetable, earlier)

    def context(self, context: SearchContext[Any]) -> SearchContext[Any]:
        """With the genomes that are tried first."""
        return replace(context, first=tuple(portfolio(self.job)[: self.timetable.portfolio]))

    def searcher(self, context: SearchContext[Any], searcher: Searcher[Any]) -> Searcher[Any]:
        """The searcher in rungs, unless it has fidelities of its own."""
        if isinstance(searcher, MultiFidelity):
            return searcher
        return Rungs(context, searcher, self.timetable.fidelities, context.first)

    def fits(self, candidate: Candidate[Any], elapsed: float) -> bool:
        """Whether its training ends within the search."""
        return elapsed + self.timetable.final * candidate.fidelity <= self.timetable.search

    def left(self) -> float | None:
        """Seconds for the final training; None where they are too few for one."""
        spent = self.earlier + time.monotonic() - self.job.began
        left = self.timetable.deadline - spent - self.timetable.writing
        return left if left >= SHORTEST else None


class BestSoFar(CallbackDefaults):
    """Writes the network of each trial that is better than all before, so that there is one whenever a search ends.

    What is better is decided by validation alone: a longer training whose network is worse does not replace it.
    """

    def __init__(self, job: Job):
        self.job = job
        self.trials: list[Trial] = []
        self.best = -np.inf

    def started(self, task: Any, observed: Sequence[Trial]) -> None:
        self.trials = list(observed)
        self.best = max((self.job.goal.value(trial.evaluation) for trial in observed), default=-np.inf)

    def told(self, trial: Trial) -> None:
        self.trials.append(trial)
        value = self.job.goal.value(trial.evaluation)
        if not value > self.best:
            return
        job = self.job
        if job.domain.hand_over(job.trainer, trial.evaluation, job.config.encoding, job.folder):
            self.best = value
            write_summary(job, self.trials, "searching")


def portfolio(job: Job) -> Sequence[Any]:
    """Genomes to begin with, the fixed baseline first; of an encoding without a portfolio a random one."""
    if isinstance(job.encoding, HasPortfolio):
        return job.encoding.portfolio(job.data.task)
    return [job.encoding.sample(np.random.default_rng(job.config.seed))]
