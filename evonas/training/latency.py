"""Latency of a network: on the device it is meant for, and in ONNX Runtime on the CPU. An objective like any other."""

from __future__ import annotations

import importlib
import io
import logging
import time
import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import nn

from evonas.core.errors import EvonasError, first_line
from evonas.core.goals import Goal, metric
from evonas.core.own_metrics import NETWORK, OwnMetric
from evonas.core.types import Candidate, Encoding, Evaluation, Evaluator, Task
from evonas.training import profile
from evonas.training.building import build, seeded
from evonas.training.costing import further
from evonas.training.devices import threads_of_torch
from evonas.training.turns import InTurns, Turns, in_turns

METRICS = tuple(map(metric, ("latency_ms", "latency_batch_ms", "latency_onnx_ms")))
"""One image on the device, a batch on it, one image in ONNX Runtime on the CPU; milliseconds."""

MEASURED = tuple(one.name for one in METRICS)

log = logging.getLogger(__name__)


def milliseconds(
    network: nn.Module,
    input_shape: tuple[int, ...],
    device: str = "cpu",
    batch: int = 1,
    *,
    repeats: int = 50,
    threads: int = 1,
) -> float:
    """What a network in eval mode takes for `batch` float32 images on a device, warmed up: the shortest of `repeats`
    but a tenth.

    The network is moved there and stays. CUDA's own clock is read on a GPU, the wall's elsewhere; `threads` are those
    of a CPU.
    """
    with threads_of_torch(threads):
        return 1000 * profile.latency(network.to(device), input_shape, device, batch, repeats)


def onnx_milliseconds(
    network: nn.Module, input_shape: tuple[int, ...], batch: int = 1, *, repeats: int = 50, threads: int = 1
) -> float:
    """The same in ONNX Runtime on the CPU, with all its optimisations of the graph.

    Raises EvonasError where onnxruntime is missing, and whatever `torch.onnx.export` raises for a network that it
    cannot take.
    """
    runtime = onnx_runtime()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3  # errors
    images = np.zeros((batch, *input_shape), np.float32)
    session = runtime.InferenceSession(_program(network, images), options, providers=["CPUExecutionProvider"])
    feed = {session.get_inputs()[0].name: images}
    return 1000 * profile.undisturbed_seconds(lambda: session.run(None, feed), "cpu", repeats)


def onnx_runtime(what: str = "latency_onnx_ms") -> Any:
    """The module, which `what` needs. Raises EvonasError where it, or onnx, which torch exports with, is missing."""
    try:
        importlib.import_module("onnx")
        return importlib.import_module("onnxruntime")
    except ImportError as error:
        raise EvonasError(f"{what} needs {error.name}, not installed; pip install 'evonas[onnx]'") from error


@dataclass
class WithLatency:
    """An Evaluator that also measures what another one trained: adds `latency_ms`, `latency_batch_ms`, and with
    `onnx` `latency_onnx_ms`.

    Latency does not depend on the weights, so a fresh network of the same genome is measured, after its training and
    in the same process; trainings that run beside it are part of what it measures. Where the goal has a limit on it,
    it is measured before: a network that breaks one is not trained, and its evaluation is absent. What a candidate
    has of it already (`Candidate.known`) is not measured again, and was judged when it was. A metric that cannot be
    measured (no export, no memory for the batch) is left out, which is worse than any number to a search.

    Args:
        evaluator: trains.
        encoding: builds the networks.
        device: where latency is measured.
        batch: images of `latency_batch_ms`.
        onnx: whether ONNX Runtime is measured too; takes a twentieth of a second a network.
        repeats: measurements that the median is taken of.
        threads: of a CPU.
        goal: whose constraints are the limits.
        own: a user's, of the untrained network.
        timed: whether latencies in torch are measured.

    Raises EvonasError where `onnx` is wanted and onnxruntime is missing.
    """

    evaluator: Evaluator
    encoding: Encoding[Any]
    device: str = "cpu"
    batch: int = 64
    onnx: bool = False
    repeats: int = 50
    threads: int = 1
    goal: Goal | None = None
    own: tuple[OwnMetric, ...] = ()
    timed: bool = True

    def __post_init__(self) -> None:
        if self.onnx:
            onnx_runtime()
        if min(self.batch, self.repeats, self.threads) < 1:
            raise EvonasError(
                f"batch={self.batch}, repeats={self.repeats}, threads={self.threads} measure nothing; give 1 or more"
            )

    def __call__(self, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        if self.goal is not None and any(one.name in self._names for one in self.goal.constraints):
            return self._limited(self.goal, candidate, task, seed)
        evaluation = self.evaluator(candidate, task, seed)
        if not evaluation.ok:
            return evaluation
        start = time.perf_counter()
        metrics = {**evaluation.metrics, **self.measure(candidate.genome, task)}
        return replace(evaluation, metrics=metrics, seconds=evaluation.seconds + time.perf_counter() - start)

    def _limited(self, goal: Goal, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        """Measured, and trained where no limit is broken."""
        start = time.perf_counter()
        found = candidate.known or self.measure(candidate.genome, task)
        taken = time.perf_counter() - start
        if not candidate.known and goal.broken(found):
            return Evaluation(candidate, found, taken, "absent", goal.said(found))
        evaluation = self.evaluator(candidate, task, seed)
        if not evaluation.ok:
            return evaluation
        return replace(evaluation, metrics={**evaluation.metrics, **found}, seconds=evaluation.seconds + taken)

    def for_workers(self, workers: int) -> list[WithLatency]:
        """One for each of the trainer's own; each measures on the device that it trains on."""
        trainers: list[Any] = self.evaluator.for_workers(workers)  # type: ignore[attr-defined]
        return [replace(self, evaluator=trainer, device=trainer.device) for trainer in trainers]

    def in_turns(self, number: int) -> list[InTurns]:
        """One for each of so many threads: what measures has its turn alone, beside what others launched before."""
        return in_turns(self, number, self.device)

    def with_turns(self, turns: Turns) -> WithLatency:
        return replace(self, evaluator=self.evaluator.with_turns(turns))  # type: ignore[attr-defined]

    @property
    def _names(self) -> set[str]:
        return {*MEASURED, *(one.name for one in self.own)}

    def measure(self, genome: Any, task: Task) -> dict[str, float]:
        """The metrics of a genome's network, as far as they can be measured; milliseconds."""
        with seeded(0):
            network = build(self.encoding, genome, task)
            own = {one.name: one(network=network.eval(), task=task) for one in self.own}
            return {**own, **self._measured(network, task)}

    def _measured(self, network: nn.Module, task: Task) -> dict[str, float]:
        shape, how = task.input_shape, {"repeats": self.repeats, "threads": self.threads}
        measurements = {"latency_onnx_ms": lambda: onnx_milliseconds(network, shape, **how)} if self.onnx else {}
        if self.timed:  # last: they move the network to the device
            measurements |= {
                "latency_ms": lambda: milliseconds(network, shape, self.device, **how),
                "latency_batch_ms": lambda: milliseconds(network, shape, self.device, self.batch, **how),
            }
        found = {}
        for name, measured in measurements.items():
            try:
                found[name] = measured()
            except EvonasError:
                raise
            except Exception as error:
                log.warning("no %s: %s", name, first_line(error))
        return found


def with_latency(trainer: Any, goal: Goal) -> Any:
    """A TorchTrainer, which records what the goal needs that is known before training, measured too if the goal needs
    one of `METRICS` or the user has metrics of the untrained network; as it is where nothing of it is wanted.

    Raises EvonasError where it needs `latency_onnx_ms` and onnxruntime is missing.
    """
    if counted := further(trainer, goal):
        trainer = replace(trainer, counted=counted)
    wanted = set(MEASURED) & set(goal.metrics)
    own = tuple(one for one in trainer.own if one.kind == NETWORK)
    if not wanted and not own:
        return trainer
    onnx, timed = "latency_onnx_ms" in wanted, bool(wanted)
    return WithLatency(
        trainer, trainer.encoding, trainer.device, trainer.batch_size, onnx, goal=goal, own=own, timed=timed
    )


def _program(network: nn.Module, images: np.ndarray) -> bytes:
    """The network as ONNX. The exporter that traces takes a twentieth of the time of the newer one (0.04 s, 1 s)."""
    was_training = network.training
    file = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(network.eval(), (torch.from_numpy(images),), file, dynamo=False)  # type: ignore[arg-type]
    finally:
        network.train(was_training)
    return file.getvalue()
