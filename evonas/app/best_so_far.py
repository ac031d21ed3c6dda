"""The best network there is at any time of a search, so that a search may end at any time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evonas.app.final import best_first, earlier
from evonas.app.preparation import Job
from evonas.app.results import unwritten, write_summary
from evonas.core.optional import CallbackDefaults
from evonas.core.types import Trial


class BestSoFar(CallbackDefaults):
    """Writes the network of each trial that is better than all before.

    What is better is decided by the limits, then by validation alone: a longer training whose network is worse does not
    replace it. The network of a final training, in a run that was given more time, is replaced by the next final
    training only.
    """

    def __init__(self, job: Job):
        self.job = job
        self.trials: list[Trial] = []
        self.best = (np.inf, np.inf) if earlier(job) else (-np.inf, -np.inf)

    def started(self, task: Any, observed: Sequence[Trial]) -> None:
        """A process that died after it had recorded a trial may not have written its network."""
        self.trials = list(observed)
        for trial in best_first(self.job, observed)[:1]:
            self._hand_over(trial)
            self.best = max(self.best, self.job.goal.merit(trial.evaluation))

    def told(self, trial: Trial) -> None:
        self.trials.append(trial)
        self._hand_over(trial)

    def _hand_over(self, trial: Trial) -> None:
        job, merit = self.job, self.job.goal.merit(trial.evaluation)
        if merit <= self.best:
            return
        try:
            if job.domain.hand_over(job.trainer, trial.evaluation, job.config.encoding, job.folder) is not None:
                self.best = merit
                write_summary(job, self.trials, "searching")
        except OSError as error:
            raise unwritten(job.folder, error) from error
