"""The trainer: a candidate becomes a trained network and its figures."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from evonas import environment
from evonas.errors import EvonasError
from evonas.tasks import Split
from evonas.training import profile
from evonas.training.data import DeviceData, Preprocessing, augment, crop_padding
from evonas.types import Candidate, Encoding, Evaluation, Task

TARGET_STEPS = 240  # of a full training where the epochs are not given: about two seconds on a core for 8×8 images


@dataclass
class Finished:
    """The best network, trained in full, and its figures: `test_accuracy`, `params`, `flops`, `seconds`, …"""

    model: nn.Module
    metrics: dict[str, Any]
    preprocessing: Preprocessing


@dataclass
class TorchTrainer:
    """Trains candidates: SGD with Nesterov momentum, warm-up and cosine schedule, label smoothing, shifts and mirrors.

    An Evaluator. It is pickled with its data and keeps them as tensors on the device once it has trained. The same
    seed on the same machine gives the same figures.

    Args:
        encoding: builds the networks.
        data: what they are trained and validated on.
        epochs: of a full training; by default as many as give some hundred steps, 3 to 60.
        batch_size: images a step.
        lr: the highest learning rate.
        device: `auto` (CUDA, else MPS, else the CPU), or one of torch's names.
        threads: of this process on a CPU; torch's own choice where not given.

    Raises EvonasError where the device is not there.
    """

    encoding: Encoding[Any]
    data: Split
    epochs: int | None = None
    batch_size: int = 64
    lr: float = 0.2
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    device: str = "auto"
    threads: int | None = None
    _cache: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self) -> None:
        self.device = find_device(self.device)
        if self.batch_size < 2:
            raise EvonasError(f"batch_size is {self.batch_size}; batch normalisation needs 2 images or more")
        if self.epochs is not None and self.epochs < 1:
            raise EvonasError(f"epochs is {self.epochs}; give 1 or more")
        if self.epochs is None:
            steps = max(1, len(self.data.y_train) // self.batch_size)
            self.epochs = min(60, max(3, round(TARGET_STEPS / steps)))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_cache": {}}

    def for_workers(self, workers: int) -> list[TorchTrainer]:
        """One trainer a worker: CUDA devices in turn, or a share of the CPU's cores each."""
        if self.device == "cuda":
            devices = [f"cuda:{i % torch.cuda.device_count()}" for i in range(workers)]
            return [replace(self, device=device, _cache={}) for device in devices]
        threads = max(1, environment.cores() // workers) if self.device == "cpu" else None
        return [replace(self, threads=threads, _cache={}) for _ in range(workers)]

    def device_name(self) -> str:
        """In public words, for the record."""
        if self.device.startswith("cuda"):
            return torch.cuda.get_device_name(self.device)
        return environment.processor() if self.device == "cpu" else self.device

    def __call__(self, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        """Metrics `val_accuracy, val_loss, train_accuracy, params, flops, seconds, peak_memory_mb`.

        A training whose loss is no number any more is a failed evaluation.
        """
        start = time.perf_counter()
        train, val = self._on_device("train"), self._on_device("val")
        try:
            network, figures = self._train(candidate.genome, train, candidate.fidelity, seed)
        except Diverged as error:
            return Evaluation.failure(candidate, str(error), time.perf_counter() - start)
        accuracy, loss = self.test(network, val)
        if not math.isfinite(loss):
            return Evaluation.failure(
                candidate, "diverged: the validation loss is no number", time.perf_counter() - start
            )
        seconds = time.perf_counter() - start
        metrics = {"val_accuracy": accuracy, "val_loss": loss, **figures, "seconds": seconds}
        return Evaluation(candidate, metrics, seconds)

    def finish(self, genome: Any, seed: int) -> Finished:
        """Train in full on training and validation images, then touch the test set once."""
        start = time.perf_counter()
        network, figures = self._train(genome, self._on_device("all"), 1.0, seed)
        accuracy, loss = self.test(network, self._on_device("test"))
        metrics = {"test_accuracy": accuracy, "test_loss": loss, **figures, "seconds": time.perf_counter() - start}
        return Finished(network.cpu().eval(), metrics, self._preprocessing())

    def test(self, network: nn.Module, data: DeviceData) -> tuple[float, float]:
        """Accuracy (0 to 1) and mean cross-entropy (nats) on a set."""
        network.eval()
        correct = torch.zeros((), device=self.device)
        loss = torch.zeros((), device=self.device)
        with torch.inference_mode():
            for rows in torch.arange(len(data), device=self.device).split(1024):
                logits = self._forward(network, data.batch(rows)).float()
                labels = data.y[rows]
                loss += F.cross_entropy(logits, labels, reduction="sum")
                correct += (logits.argmax(1) == labels).sum()
        return float(correct) / len(data), float(loss) / len(data)

    def _train(self, genome: Any, data: DeviceData, fidelity: float, seed: int) -> tuple[nn.Module, dict[str, Any]]:
        """The trained network and its figures. Out of memory halves the micro-batch, with the same effective batch."""
        if self.threads is not None:
            torch.set_num_threads(self.threads)
        costs = self._costs(genome)
        micro = self.batch_size
        while True:
            try:
                network, accuracy = self._attempt(genome, data, fidelity, seed, micro)
                break
            except torch.OutOfMemoryError:
                if micro <= 1:
                    raise
                micro //= 2
                torch.cuda.empty_cache()
        return network, {
            "train_accuracy": accuracy,
            **costs,
            "peak_memory_mb": profile.peak_memory_mb(self.device),
        }

    def _attempt(
        self, genome: Any, data: DeviceData, fidelity: float, seed: int, micro: int
    ) -> tuple[nn.Module, float]:
        """One training from scratch; the network, and its accuracy on the augmented images of the last epoch."""
        cuda = self.device.startswith("cuda")
        if cuda:
            torch.cuda.reset_peak_memory_stats(self.device)
        with torch.random.fork_rng(devices=[self.device] if cuda else []):
            torch.manual_seed(seed)
            network = self.encoding.build(genome, self.data.task).to(self.device)
            if self.device != "cpu":
                network = network.to(memory_format=torch.channels_last)
            generator = torch.Generator().manual_seed(seed)
            return network, self._fit(network, data, fidelity, generator, micro)

    def _fit(
        self, network: nn.Module, data: DeviceData, fidelity: float, generator: torch.Generator, micro: int
    ) -> float:
        assert self.epochs is not None
        epochs = max(1, round(self.epochs * fidelity))
        steps = -(-len(data) // self.batch_size)
        optimizer = _sgd(network, self.lr, self.weight_decay)
        padding = crop_padding(min(self.data.task.input_shape[1:]))
        network.train()
        correct, total = torch.zeros((), device=self.device), torch.zeros((), device=self.device)
        for epoch in range(epochs):
            correct.zero_()
            total.zero_()
            order = torch.randperm(len(data), generator=generator).to(self.device)
            for step, rows in enumerate(order.split(self.batch_size)):
                if len(rows) < 2:  # batch normalisation needs two
                    continue
                for group in optimizer.param_groups:
                    group["lr"] = self.lr * schedule((epoch * steps + step) / (epochs * steps))
                images, labels = augment(data.batch(rows), padding, self.data.flip, generator), data.y[rows]
                optimizer.zero_grad(set_to_none=True)
                for part, answers in zip(images.split(micro), labels.split(micro), strict=True):
                    logits = self._forward(network, part)
                    loss = F.cross_entropy(logits.float(), answers, label_smoothing=self.label_smoothing)
                    (loss * (len(part) / len(rows))).backward()
                    total += loss.detach()
                    correct += (logits.detach().argmax(1) == answers).sum()
                optimizer.step()
            if not math.isfinite(float(total)):  # the epoch's one wait for the device
                raise Diverged(f"diverged: the loss is no number in epoch {epoch + 1} of {epochs}")
        return float(correct) / len(data)

    def _forward(self, network: nn.Module, images: torch.Tensor) -> torch.Tensor:
        if self.device == "cpu":
            return network(images)
        images = images.contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.partition(":")[0], torch.bfloat16, enabled=self.device.startswith("cuda")):
            return network(images)

    def _costs(self, genome: Any) -> dict[str, float]:
        return profile.costs(self.encoding, genome, self.data.task)

    def _preprocessing(self) -> Preprocessing:
        if "preprocessing" not in self._cache:
            self._cache["preprocessing"] = Preprocessing.of(self.data.x_train)
        return self._cache["preprocessing"]

    def _on_device(self, part: str) -> DeviceData:
        """`train`, `val`, `test`, or `all` (training and validation); put on the device once."""
        if part not in self._cache:
            d = self.data
            images, labels = {
                "train": lambda: (d.x_train, d.y_train),
                "val": lambda: (d.x_val, d.y_val),
                "test": lambda: (d.x_test, d.y_test),
                "all": lambda: (np.concatenate([d.x_train, d.x_val]), np.concatenate([d.y_train, d.y_val])),
            }[part]()
            self._cache[part] = DeviceData.put(images, labels, self._preprocessing(), self.device)
        return self._cache[part]


class Diverged(Exception):
    """The loss is no number any more."""


def schedule(progress: float, warm_up: float = 0.1) -> float:
    """Share of the highest learning rate at a progress of 0 to 1: up in a line, down in a cosine (Loshchilov & Hutter
    2017, ICLR)."""
    if progress < warm_up:
        return (progress + 0.01) / (warm_up + 0.01)
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


def find_device(name: str) -> str:
    """Raises EvonasError, with the devices there are, where `name` is none of them."""
    there = ["cpu"]
    if torch.cuda.is_available():
        there = ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count())), *there]
    if torch.backends.mps.is_available():
        there = [*there, "mps"]
    if name == "auto":
        return "cuda" if "cuda" in there else "mps" if "mps" in there else "cpu"
    if name not in there:
        raise EvonasError(
            f"no device {name!r} on this machine; there are {', '.join(map(repr, there))}, or give 'auto'"
        )
    return name


def _sgd(network: nn.Module, lr: float, weight_decay: float) -> torch.optim.SGD:
    """Weight decay for weights only: scales and shifts of normalisation, and biases, keep their freedom."""
    parameters: Sequence[nn.Parameter] = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return torch.optim.SGD(groups, lr=lr, momentum=0.9, nesterov=True, fused=True)
