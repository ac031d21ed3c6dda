"""How long a training is, and how far it has come: a number of steps, or seconds of a clock."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median
from typing import ClassVar, Protocol


class Pace(Protocol):
    """Says before each step how much of the training is done."""

    def progress(self, step: int, images: int) -> float | None:
        """Share that is done before the `step`-th step (from 0), which is of so many images; None where it is over."""
        ...


@dataclass(frozen=True)
class Steps:
    """A training of so many steps: the same seed gives the same training."""

    total: int

    def progress(self, step: int, images: int) -> float | None:
        return step / self.total if step < self.total else None


@dataclass
class Clock:
    """A training that is over when its seconds are: how many steps that makes depends on the machine.

    The schedule follows the clock, so that a training that is slowed down still ends in time, and at its learning
    rate's end. There is one step at least, however little time there is.

    Args:
        seconds: from `start` to the end of what is done afterwards.
        start: when the seconds begin, as `now` counts.
        afterwards: what comes after the training and is part of the seconds, in steps' time per image: a validation
            of 1,000 images at a third of a step's time for each is 333.
        now: the clock, in seconds.
    """

    WAITED: ClassVar[int] = 8  # steps after which a device is waited for that works on its own

    seconds: float
    start: float
    afterwards: float = 0.0
    now: Callable[[], float] = time.monotonic
    _each: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOWS), repr=False)
    _since: float = field(default=0.0, repr=False)
    _seen: int = field(default=0, repr=False)

    def progress(self, step: int, images: int) -> float | None:
        now = self.now()
        if step in (0, WARM):  # the first steps choose kernels and take memory
            self._since, self._seen = now, 0
        elif self._seen and step > WARM and (step - WARM) % self.WAITED == 0:
            self._each.append((now - self._since) / self._seen)
            self._since, self._seen = now, 0
        each = median(self._each) if self._each else (now - self._since) / self._seen if self._seen else 0.0
        self._seen += images
        remaining = self.seconds - (now - self.start)
        left = remaining - self.afterwards * each
        if not self._each:  # a machine that stalls for a moment must not end a training that has hardly begun
            left = max(left, remaining / 2)
        # it would not help to begin a step that takes longer than what is left
        if step and left < 0.5 * each * images:
            return None
        return min(1.0, max(0.0, 1 - left / self.seconds))


WARM = 3  # steps before the speed is taken
WINDOWS = 9  # of `WAITED` steps, whose median speed counts: a stall in one or two of them says nothing of the rest
