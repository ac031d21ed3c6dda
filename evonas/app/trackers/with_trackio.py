"""Trackio, Hugging Face's tracker: one run for the search, a step for each trial, in a local database."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import redirect_stdout
from typing import Any

from evonas.app.trackers import required
from evonas.core.tracking import Row, Tracked, Tracker, figures

trackio: Any = required("trackio", "trackio")


class Trackio(Tracker):
    """Each trial is a step with its parameters (`genome/…`), metrics and the best so far; report and result are an
    artifact. `trackio show --project evonas` shows them.

    Args:
        project: its name.
        space: a Space of Hugging Face's to which it is sent (`user/name`); nothing is sent where missing.
    """

    def __init__(self, tracked: Tracked, project: str = "evonas", space: str | None = None):
        super().__init__(tracked)
        self.project, self.space = project, space

    def open(self) -> None:
        with redirect_stdout(sys.stderr):  # standard output may be for a program
            self._run = trackio.init(
                self.project,
                name=self.tracked.name,
                space_id=self.space,
                config=dict(self.tracked.parameters),
                resume="allow" if self.tracked.resumed else "never",
                embed=False,
                auto_log_gpu=False,
                auto_log_cpu=False,
            )

    def row(self, row: Row) -> None:
        self._run.log(row.flat, step=row.step)

    def close(self, status: str, result: Mapping[str, Any]) -> None:
        with redirect_stdout(sys.stderr):
            if result:
                found = {f"result/{name}": value for name, value in figures(result).items()}
                self._run.log(found, step=self._step + 1)
                for file in self.tracked.artifacts:
                    self._run.log_artifact(file, name=f"{self.tracked.name}-{file.name}", type="evonas")
            trackio.finish()
