"""Trainings that share a process and a device: they take turns, and each computes as if it were alone.

A thread trains until it has taken `STEPS` steps or waits for the device; then the next one in line goes on. On CUDA
each has a stream of its own, so that what one of them launched runs beside what the others did: one context and one
copy of the data serve all. Only one thread computes at a time, hence the random states, which are global in Python,
numpy and torch, can be exchanged where the turn goes from one to the next.
"""

from __future__ import annotations

import random
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch

from evonas.core.surroundings import Surroundings, TorchSettings
from evonas.core.types import Candidate, Evaluation, Evaluator, Task
from evonas.training.accelerators import kind_of, random_state, set_random_state

STEPS = 8  # of a training in one turn: to exchange the random states takes a fifth of a millisecond


class Turns(Protocol):
    """What a training says to those that share its process."""

    def step(self) -> None:
        """It is about to take a step; others may take theirs before."""
        ...

    def aside(self) -> AbstractContextManager[None]:
        """Within it others compute: for a thread that only waits."""
        ...


class Alone:
    """There are no others."""

    def step(self) -> None:
        pass

    def aside(self) -> AbstractContextManager[None]:
        return nullcontext()


class Line:
    """One thread at a time is served; who comes meanwhile stands in line, and is called in the order of coming.

    A `threading.Lock` would let the one that releases it take it again before the others have woken up.
    """

    def __init__(self) -> None:
        self._changing = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._busy = False

    def enter(self) -> None:
        with self._changing:
            if not self._busy:
                self._busy = True
                return
            called = threading.Lock()
            called.acquire()
            self._waiting.append(called)
        called.acquire()

    def leave(self) -> None:
        with self._changing:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._busy = False

    def __len__(self) -> int:
        return len(self._waiting)


class Turn:
    """One thread's place among those of a line, with its own random states and, on CUDA, its own stream."""

    def __init__(self, line: Line, device: str):
        self._line, self._steps = line, 0
        self._states = RandomStates(device)
        self._stream = torch.cuda.Stream(device) if device.startswith("cuda") else None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Within it this thread computes and no other, but for the turns that it gives away."""
        self._begin()
        try:
            with torch.cuda.stream(self._stream) if self._stream is not None else nullcontext():
                yield
        finally:
            self._end()

    @contextmanager
    def aside(self) -> Iterator[None]:
        self._end()
        try:
            yield
        finally:
            self._begin()

    def step(self) -> None:
        self._steps += 1
        if self._steps % STEPS == 0 and len(self._line):
            with self.aside():
                pass

    def _begin(self) -> None:
        self._line.enter()
        self._states.bring_back()

    def _end(self) -> None:
        self._states.keep()
        self._line.leave()


class RandomStates:
    """Those of the global generators of Python, numpy, torch and a device, and torch's settings, as a thread left
    them."""

    def __init__(self, device: str):
        self._device = device
        self.keep()
        if kind_of(device) == "cuda":  # one of its own, not the one that was found
            self._devices_own = _cuda_generator(device).clone_state()

    def keep(self) -> None:
        self._settings = TorchSettings()
        self._python, self._numpy = random.getstate(), np.random.get_state()  # noqa: NPY002
        self._torch = torch.get_rng_state()
        # CUDA's by reference: a graph remembers the state that it was captured with, and reads it from memory that all
        # graphs of that state share. One for several streams would be written while it is read
        cuda = kind_of(self._device) == "cuda"
        own = _cuda_generator(self._device).graphsafe_get_state() if cuda else random_state(self._device)
        self._devices_own: torch.Generator | torch.Tensor | None = own

    def bring_back(self) -> None:
        self._settings.bring_back()
        random.setstate(self._python)
        np.random.set_state(self._numpy)  # noqa: NPY002
        torch.set_rng_state(self._torch)
        if isinstance(self._devices_own, torch.Generator):
            _cuda_generator(self._device).graphsafe_set_state(self._devices_own)
        elif self._devices_own is not None:
            set_random_state(self._device, self._devices_own)


def _cuda_generator(device: str) -> torch.Generator:
    torch.cuda.init()
    index = torch.device(device).index
    return torch.cuda.default_generators[torch.cuda.current_device() if index is None else index]


class WithTurns(Protocol):
    """An Evaluator that gives turns away while it trains."""

    def with_turns(self, turns: Turns) -> Evaluator[Any]: ...


@dataclass
class InTurns:
    """An Evaluator for a thread of its own, which computes when it is its turn, and leaves the process as it was
    `before` any of them."""

    evaluator: Evaluator[Any]
    turn: Turn
    before: Surroundings = field(default_factory=Surroundings)

    def __call__(self, candidate: Candidate, task: Task, seed: int) -> Evaluation:
        with self.turn.taken():
            try:
                return self.evaluator(candidate, task, seed)
            finally:
                self.before.bring_back()


def in_turns(evaluator: WithTurns, number: int, device: str) -> list[InTurns]:
    """One for each of so many threads, all on one device, with what the evaluator has there."""
    line, before = Line(), Surroundings()
    turns = [Turn(line, device) for _ in range(number)]
    return [InTurns(evaluator.with_turns(turn), turn, before) for turn in turns]
