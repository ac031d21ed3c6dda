"""Weights & Biases: one run for the search, a step for each trial."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evonas.app.trackers import required
from evonas.core.tracking import Row, Tracked, Tracker, figures

wandb: Any = required("wandb", "wandb")


class WandB(Tracker):
    """Each trial is a step with its parameters (`genome/…`), metrics and the best so far; report and result are an
    artifact. `WANDB_MODE=offline` sends nothing until `wandb sync`. A run that is resumed goes on under its id.

    Args:
        project: its name.
        entity: user or team; W&B's default where missing.
    """

    def __init__(self, tracked: Tracked, project: str = "evonas", entity: str | None = None):
        super().__init__(tracked)
        self.project, self.entity = project, entity

    def open(self) -> None:
        self._run = wandb.init(
            project=self.project,
            entity=self.entity,
            id=self.tracked.key[:64],
            name=self.tracked.name,
            job_type="search",
            resume="allow",
            reinit="create_new",  # a run of the user's own is left alone
            config=dict(self.tracked.parameters),
            settings=wandb.Settings(silent=True, console="off"),  # standard output may be for a program
        )

    def row(self, row: Row) -> None:
        self._run.log(row.flat, step=row.step)

    def close(self, status: str, result: Mapping[str, Any]) -> None:
        if result:
            self._run.summary.update({f"result/{name}": value for name, value in figures(result).items()})
            artifact = wandb.Artifact(f"results-{self.tracked.key}"[:128], type="evonas")
            for file in self.tracked.artifacts:
                artifact.add_file(str(file))
            self._run.log_artifact(artifact)
        self._run.finish(exit_code=0 if status == "done" else 1)
