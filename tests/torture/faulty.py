"""An encoding and an evaluator of which one genome is a culprit: what it does is a fault of a user's part."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from evonas.core.types import Candidate, Evaluation, Task
from tests.toys import Digits, total

held: list[Any] = []  # what was leaked on purpose, for the test to free

# --- what a build may return


def flat(task: Task, outputs: int, dtype: torch.dtype = torch.float32) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(task.input_shape)), outputs, dtype=dtype))


class Turned(nn.Module):
    """Gives something else than logits."""

    def __init__(self, task: Task, turn: Any):
        super().__init__()
        self.flat, self.turn = flat(task, task.n_classes), turn

    def forward(self, x: torch.Tensor) -> Any:
        return self.turn(self.flat(x))


BUILT = {
    "nothing": lambda task: None,
    "a function": lambda task: torch.relu,
    "too many logits": lambda task: flat(task, task.n_classes + 2),
    "too few logits": lambda task: flat(task, 1),
    "logits with one axis more": lambda task: Turned(task, lambda logits: logits[..., None]),
    "logits of half the batch": lambda task: Turned(task, lambda logits: logits.reshape(-1, 2 * logits.shape[1])),
    "a list of logits": lambda task: Turned(task, lambda logits: [logits]),
    "float64": lambda task: flat(task, task.n_classes, torch.float64),
    "complex numbers": lambda task: flat(task, task.n_classes, torch.complex64),
    "integers": lambda task: Turned(task, lambda logits: logits.long()),
    "NaN": lambda task: Turned(task, lambda logits: logits * torch.nan),
}

# --- what a build may do


def raise_it() -> None:
    raise RuntimeError("too deep\nin its second line")


def recurse() -> None:
    recurse()


def of_torch() -> None:
    torch.zeros(25 * 10**9)


def of_numpy() -> None:
    np.ones(125 * 10**8)


RAISES = {
    "RuntimeError: too deep": raise_it,
    "RecursionError: ": recurse,
    "SystemExit: 3": lambda: sys.exit(3),
    "MemoryError": lambda: bytearray(10**11),
    "can't allocate memory: you tried to allocate 100000000000 bytes": of_torch,
    "MemoryError: Unable to allocate 93.1 GiB": of_numpy,
}


def flood() -> None:
    for stream in (sys.stdout, sys.stderr):
        for _ in range(200):
            stream.write("x" * 9999 + "\n")


def leak_files() -> None:
    held.extend(Path(os.devnull).open() for _ in range(50))  # noqa: SIM115


def leak_threads() -> None:
    end = threading.Event()
    held.append(end)
    for _ in range(20):
        threading.Thread(target=end.wait, daemon=True).start()


def random_states() -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.manual_seed(1)


def environment() -> None:
    os.environ["OMP_NUM_THREADS"] = "7"
    os.environ.pop("PATH", None)


def close_them() -> None:
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115  (those of the test are still needed)
    sys.stdout.close()


CHANGES = {
    "a flood of text": flood,
    "files left open": leak_files,
    "threads left running": leak_threads,
    "random states": random_states,
    "the environment": environment,
    "the default dtype": lambda: torch.set_default_dtype(torch.float64),
    "the default device": lambda: torch.set_default_device("meta"),
    "deterministic algorithms": lambda: torch.use_deterministic_algorithms(True),
    "cudnn": lambda: vars(torch.backends)["cudnn"].set_flags(False, True, True),
    "threads of torch": lambda: torch.set_num_threads(torch.get_num_threads() + 3),
    "gradients": lambda: torch.set_grad_enabled(False),
    "anomalies": lambda: torch.autograd.set_detect_anomaly(True),
    "the working folder": lambda: os.chdir("/"),
    "filters of warnings": lambda: warnings.simplefilter("error"),
    "floating point": lambda: np.seterr(all="raise"),
    "standard output": lambda: setattr(sys, "stdout", None),
    "the standard streams, closed": close_them,
}

# --- what ends a process, or never ends


def spin() -> None:
    while True:
        pass


ENDS = {
    "worker died twice (exit code 3)": lambda: os._exit(3),
    "worker died twice (exit code -11)": lambda: ctypes.string_at(0),
    "worker died twice (exit code -9)": lambda: os.kill(os.getpid(), signal.SIGKILL),  # as for want of memory
    "worker died twice (exit code -6)": os.abort,
    "timeout: took longer than 1 s": spin,
    "timeout: took longer than 1 s ": lambda: time.sleep(60),
}

ALL: dict[str, Any] = {**RAISES, **CHANGES, **ENDS}


@dataclass(frozen=True)
class Faulty(Digits):
    """Linear networks; that of the culprit is another one, or something happens while it is built."""

    culprit: tuple[int, ...] | None = None
    fault: str = ""

    def build(self, genome: tuple[int, ...], task: Task) -> Any:
        if genome == self.culprit:
            if self.fault in BUILT:
                return BUILT[self.fault](task)
            ALL[self.fault]()
        network = flat(task, task.n_classes)
        with torch.no_grad():  # or all of them would be the same
            network[1].weight *= 1 + sum(genome)  # type: ignore[index, operator]
        return network


RETURNS: dict[str, Any] = {
    "the metric 'val_accuracy', which is searched for, is nan": {"val_accuracy": np.nan},
    "the metric 'val_accuracy', which is searched for, is inf": {"val_accuracy": np.float32(np.inf)},
    "the metric 'val_accuracy', which is searched for, is -inf": {"val_accuracy": -(10**400)},
    "the metric 'val_accuracy' is a str, not a number": {"val_accuracy": "high"},
    "the metric 'val_accuracy' is a ndarray, not a number": {"val_accuracy": np.ones(3)},
    "the metric 'val_accuracy' is a complex, not a number": {"val_accuracy": 1j},
    "the metric 'mine' is a NoneType, not a number": {"val_accuracy": 0.5, "mine": None},
    "returned a list, not a mapping": [0.5],
    "returned a NoneType, not a mapping": None,
    "gave no 'val_accuracy'": {},
    "AttributeError": Evaluation(None, {}),  # type: ignore[arg-type]
    "returned an Evaluation of (9,)": Evaluation(Candidate((9,)), {"val_accuracy": 0.5}),
    "returned the status 'good'": lambda one: Evaluation(one, {"val_accuracy": 0.5}, status="good"),  # type: ignore[arg-type]
    "the seconds are nan": lambda one: Evaluation(one, {"val_accuracy": 0.5}, np.nan),
    "the seconds is no number but 'long'": lambda one: Evaluation(one, {"val_accuracy": 0.5}, "long"),  # type: ignore[arg-type]
    "the error of the Evaluation is no text": lambda one: Evaluation(one, {}, 0.0, "failed", ValueError()),  # type: ignore[arg-type]
    "no number but array([1., 1.])": lambda one: Evaluation(one, {"val_accuracy": np.ones(2)}),  # type: ignore[dict-item]
    "'list' object has no attribute": lambda one: Evaluation(one, [0.5]),  # type: ignore[arg-type]
}


@dataclass(frozen=True)
class Scores:
    """An evaluator without trainings, which does or returns something else for the culprit."""

    culprit: tuple[int, ...] | None = None
    fault: str = ""

    def __call__(self, candidate: Candidate, task: Task, seed: int) -> Any:
        if candidate.genome == self.culprit:
            if self.fault in RETURNS:
                found = RETURNS[self.fault]
                return found(candidate) if callable(found) else found
            ALL[self.fault]()
        return total(candidate, task, seed).metrics


class Many(Digits):
    """A quarter of all networks are good; the other ones break in as many ways as there are."""

    reasons = ("", "RuntimeError: too deep", "not logits of shape (1, 10)", "worker died twice (exit code -11)")

    def build(self, genome: tuple[int, ...], task: Task) -> Any:
        match genome[0]:
            case 1:
                raise_it()
            case 2:
                return flat(task, task.n_classes + 1)
            case 3:
                if multiprocessing.parent_process() is not None:  # the check before a search builds some in its process
                    ctypes.string_at(0)
        return flat(task, task.n_classes)
