"""TensorBoard: scalars by trials, and in a folder for each trial its hyperparameters (the page HPARAMS)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from evonas.app.trackers import required
from evonas.core.tracking import Row, Tracked, Tracker

required("tensorboard", "tensorboard")
board: Any = required("torch.utils.tensorboard", "tensorboard")


class TensorBoard(Tracker):
    """Event files; `tensorboard --logdir runs` shows them.

    Args:
        folder: where they go; `tensorboard` within the run's folder where missing.
    """

    def __init__(self, tracked: Tracked, folder: str | None = None):
        super().__init__(tracked)
        self.folder = tracked.folder / "tensorboard" if folder is None else folder

    def open(self) -> None:
        self._writer = board.SummaryWriter(str(self.folder))
        if not self.tracked.resumed:
            self._writer.add_text("parameters", _table(self.tracked.parameters))

    def row(self, row: Row) -> None:
        for name, value in row.metrics.items():
            self._writer.add_scalar(f"trial/{name}", value, row.step)
        for name, value in row.best.items():
            self._writer.add_scalar(f"best/{name}", value, row.step)
        if row.error is not None:
            self._writer.add_text("error", f"{row.name}: {row.error}", row.step)
        self._writer.add_hparams(dict(row.parameters), dict(row.metrics), run_name=row.name, global_step=row.step)
        self._writer.flush()

    def close(self, status: str, result: Mapping[str, Any]) -> None:
        if result:
            text = json.dumps({name: value for name, value in result.items() if name != "examples"}, indent=2)
            self._writer.add_text("result", "".join(f"    {line}\n" for line in text.splitlines()))
        self._writer.close()


def _table(values: Mapping[str, Any]) -> str:
    return "\n".join(["| option | value |", "|---|---|", *(f"| {name} | {value} |" for name, value in values.items())])
