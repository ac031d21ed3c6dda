"""How long a training is, and how far it has come: a number of steps, or seconds of a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
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
    _begun: float | None = field(default=None, repr=False)
    _images: int = field(default=0, repr=False)
    _before: int = field(default=0, repr=False)

    def progress(self, step: int, images: int) -> float | None:
        now = self.now()
        if self._begun is None or step == WARM:  # the first steps choose kernels and take memory
            self._begun, self._before = now, self._images
        done = self._images - self._before
        each = (now - self._begun) / done if done else 0.0
        self._images += images
        left = self.seconds - (now - self.start) - self.afterwards * each
        # it would not help to begin a step that takes longer than what is left
        if self._images > images and left < 0.5 * each * images:
            return None
        return min(1.0, max(0.0, 1 - left / self.seconds))


WARM = 3  # steps before the speed is taken
