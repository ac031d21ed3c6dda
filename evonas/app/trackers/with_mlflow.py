"""MLflow: a run for the search, with a nested run for each trial."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

from evonas.app.trackers import required
from evonas.core.tracking import Row, Tracked, Tracker, Value, figures

mlflow: Any = required("mlflow", "mlflow-skinny")
entities: Any = required("mlflow.entities", "mlflow-skinny")

KEY = "evonas.key"
PARENT = "mlflow.parentRunId"  # what MLflow's pages nest runs by
LONGEST = 500  # characters of a parameter, as in MLflow 1
PATIENCE = 10  # seconds until a server answers
MOST = 100  # parameters of one call


class MLflow(Tracker):
    """Parameters, metrics, the best so far by trials, report and result, in MLflow (Zaharia et al. 2018).

    Args:
        experiment: its name; it is made where there is none.
        uri: where; by default what MLflow's own settings say (`MLFLOW_TRACKING_URI`).
    """

    def __init__(self, tracked: Tracked, experiment: str = "evonas", uri: str | None = None):
        super().__init__(tracked)
        self.experiment, self.uri = experiment, uri

    def open(self) -> None:
        self._client = mlflow.MlflowClient(self.uri)
        _reach(self._client.tracking_uri)
        found = self._client.get_experiment_by_name(self.experiment)
        self._of = found.experiment_id if found else self._client.create_experiment(self.experiment)
        known = self._client.search_runs([self._of], f"tags.`{KEY}` = '{self.tracked.key}'", max_results=1)
        if known:
            self._parent = known[0].info.run_id
            self._client.update_run(self._parent, status="RUNNING")
            return
        tags = {KEY: self.tracked.key, "evonas.run": self.tracked.name}
        self._parent = self._client.create_run(self._of, run_name=self.tracked.name, tags=tags).info.run_id
        self._client.log_batch(self._parent, params=_params(self.tracked.parameters))

    def row(self, row: Row) -> None:
        child = self._client.create_run(self._of, run_name=row.name, tags={PARENT: self._parent}).info.run_id
        tags = [] if row.error is None else [entities.RunTag("error", row.error[:LONGEST])]
        self._client.log_batch(child, _metrics(row.metrics, row.step), _params(row.parameters), tags)
        self._client.set_terminated(child, "FINISHED" if row.error is None else "FAILED")
        if row.best:
            best = {f"best_{name}": value for name, value in row.best.items()}
            self._client.log_batch(self._parent, _metrics(best, row.step))

    def close(self, status: str, result: Mapping[str, Any]) -> None:
        if result:
            self._client.log_batch(self._parent, _metrics(figures(result), 0))
            for file in self.tracked.artifacts:
                self._client.log_artifact(self._parent, str(file))
        ends = {"done": "FINISHED", "interrupted": "KILLED"}
        self._client.set_terminated(self._parent, ends.get(status, "FAILED"))


def _reach(uri: str) -> None:
    """Raises OSError where no server answers: the client itself would try for minutes before it says so."""
    address = urlsplit(uri)
    if address.scheme in ("http", "https") and address.hostname and address.scheme not in getproxies():
        port = address.port or (443 if address.scheme == "https" else 80)
        socket.create_connection((address.hostname, port), PATIENCE).close()


def _metrics(values: Mapping[str, float], step: int) -> list[Any]:
    now = int(time.time() * 1000)
    return [entities.Metric(_name(name), value, now, step) for name, value in values.items()]


def _params(values: Mapping[str, Value]) -> list[Any]:
    return [entities.Param(_name(name), str(value)[:LONGEST]) for name, value in [*values.items()][:MOST]]


def _name(name: str) -> str:
    """What MLflow allows."""
    return re.sub(r"[^\w. /-]", "_", name)
