"""The best network there is at any time of a search, so that a search may end at any time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evonas.app.preparation import Job
from evonas.app.results import write_summary
from evonas.core.optional import CallbackDefaults
from evonas.core.types import Trial


class BestSoFar(CallbackDefaults):
    """Writes the network of each trial that is better than all before.

    What is better is decided by validation alone: a longer training whose network is worse does not replace it.
    """

    def __init__(self, job: Job):
        self.job = job
        self.trials: list[Trial] = []
        self.best = -np.inf

    def started(self, task: Any, observed: Sequence[Trial]) -> None:
        self.trials = list(observed)
        values = [self.job.goal.value(trial.evaluation) for trial in observed]
        self.best = max((value for value in values if np.isfinite(value)), default=-np.inf)

    def told(self, trial: Trial) -> None:
        job, value = self.job, self.job.goal.value(trial.evaluation)
        self.trials.append(trial)
        if value > self.best and job.domain.hand_over(job.trainer, trial.evaluation, job.config.encoding, job.folder):
            self.best = value
            write_summary(job, self.trials, "searching")
