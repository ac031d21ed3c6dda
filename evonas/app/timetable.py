"""How a deadline is divided: what came before, a search by rungs, one long final training, and the writing."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from evonas.core.errors import DeadlineTooShort
from evonas.core.figures import duration

LOWEST = 0.015  # of what can be trained in is a training of the lowest rung, where that is …
ENOUGH, MOST = (
    3000,
    3.0,
)  # … so many images of the fixed baseline or more, and, beyond that, no more than so many epochs
FINAL, LITTLE = 0.62, 0.8  # of what can be trained in is the final training's: where there is time for so many …
MANY, FEW = 40, 10  # … trainings of the lowest rung, and where for so few that searching pays less
MOST_EPOCHS = 120  # of the fixed baseline in the final training: more would change little
SHORTEST = 0.4  # seconds of a training, whatever the data
ETA = 3  # from rung to rung
TOP = 4  # the highest rung is at most so many times shorter than the final training
EACH = 1.2  # trainings at least that a rung's share of the search must have room for
WRITING, PROGRAM = 2.0, 5.0  # seconds for the files and the report, and for model.pt2, on a machine that is free …
SHARE, MOST_SHARE = 0.02, 10.0  # … and a share of the deadline, so many seconds at most
MOST_BUSY = 10.0  # times as long as on a free machine, and no more
SUITED_EPOCHS, SHORT, LONG = 40, 90.0, 1800.0  # of a final training; seconds of a deadline that nobody gave
LONGEST = 100  # letters of a duration
PORTFOLIO = 0.8  # of the trainings that fit into the lowest rung's share may be of genomes known beforehand


@dataclass(frozen=True)
class Timetable:
    """Seconds. `before` is what had passed when the search began; `speed` the images a second of the fixed baseline;
    `fidelities` those of the rungs, as shares of `final`; `portfolio` how many genomes are tried first; `busy` how many
    seconds a second of work takes, 1 on a machine that is free; `epochs` how many of the fixed baseline are in a
    training of the lowest rung."""

    deadline: float
    before: float
    search: float
    final: float
    writing: float
    speed: float
    fidelities: tuple[float, ...]
    portfolio: int
    busy: float = 1.0
    epochs: float = 0.0

    @classmethod
    def make(cls, deadline: float, before: float, images: int, speed: float, busy: float = 1.0) -> Timetable:
        """For so many images that the final training learns from. Raises DeadlineTooShort."""
        refuse_too_short(deadline, before, busy)
        writing = _writing(deadline, busy)
        left = deadline - before - writing
        epoch = images / speed
        shortest = max(SHORTEST, ENOUGH / speed)
        lowest = min(max(LOWEST * left, shortest), max(MOST * epoch, shortest))
        scarcity = min(1.0, max(0.0, (MANY - left / lowest) / (MANY - FEW)))
        final = min((FINAL + (LITTLE - FINAL) * scarcity) * left, max(MOST_EPOCHS * epoch, 4 * SHORTEST))
        search = left - final
        lowest = min(lowest, search / 2)  # the fixed baseline and one other
        rungs = [lowest]
        while rungs[-1] * ETA <= final / TOP and search / (len(rungs) + 1) >= EACH * rungs[-1] * ETA:
            rungs.append(rungs[-1] * ETA)
        portfolio = max(2, int(PORTFOLIO * search / len(rungs) / lowest))
        shares = tuple(min(1.0, rung / final) for rung in rungs)
        epochs = round(rungs[0] / epoch, 3)
        return cls(deadline, before, search, final, writing, speed, shares, portfolio, busy, epochs)

    @classmethod
    def suited(cls, before: float, images: int, speed: float) -> float:
        """A deadline that suits the data: time for so many epochs of a final training, from SHORT to LONG seconds."""
        return min(LONG, max(SHORT, before + WRITING + PROGRAM + SUITED_EPOCHS * images / speed / FINAL))

    @property
    def final_epochs(self) -> float:
        """How many epochs of the fixed baseline are in a full training."""
        return self.epochs / self.fidelities[0]

    @property
    def program(self) -> float:
        """Seconds that the writing of model.pt2 may take."""
        return PROGRAM * self.busy

    def until(self, deadline: float) -> Timetable:
        """The same with more time for the search."""
        return replace(self, deadline=deadline, search=self.search + deadline - self.deadline)

    def words(self) -> str:
        """One line on what will happen when."""
        rungs = ", ".join(duration(self.final * fidelity) for fidelity in self.fidelities)
        return (
            f"deadline {duration(self.deadline)}: {duration(self.before)} until now, {duration(self.search)} search in "
            f"trainings of {rungs}, {duration(self.final)} final training, {duration(self.writing)} for the rest"
        )

    def record(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_record(cls, values: Mapping[str, Any]) -> Timetable:
        return cls(**{**values, "fidelities": tuple(values["fidelities"])})


def refuse_too_short(deadline: float, before: float, busy: float = 1.0, margin: float = 1.1) -> None:
    """Raises DeadlineTooShort where nothing can be trained any more, `before` seconds after the command. It says the
    least that is enough: so many times what it takes by now."""
    if deadline - before - _writing(deadline, busy) < 10 * SHORTEST:
        least = before + (_writing(0.0, busy) + 10 * SHORTEST) / (1 - SHARE)
        raise DeadlineTooShort(
            f"--deadline {deadline:g} is too short for these data on this machine; give {duration(margin * least)} or "
            "more"
        )


def _writing(deadline: float, busy: float) -> float:
    """Seconds for what comes after the final training; the program is written where they are enough for it too."""
    return max(WRITING * busy, WRITING + PROGRAM) + min(SHARE * deadline, MOST_SHARE)


def seconds(text: str) -> float:
    """`90`, `90s`, `10m`, `1h30m`, `1.5h` -> seconds. Raises ValueError, for `1h30` too, which may be either."""
    if len(text) > LONGEST:  # which would take the pattern a while
        raise ValueError("give seconds, or 90s, 10m, 1h30m")
    number = r"(\d+\.?\d*|\.\d+)"
    parts = re.fullmatch(rf"(?:{number}\s*h)?\s*(?:{number}\s*m)?\s*(?:{number}\s*s)?|{number}", text.strip())
    if not parts or not any(parts.groups()):
        raise ValueError("give seconds, or 90s, 10m, 1h30m")
    return sum(float(part) * unit for part, unit in zip(parts.groups(), (3600, 60, 1, 1), strict=True) if part)


def process_age() -> float:
    """Seconds since this process started, on Linux; elsewhere the processor time that it has used."""
    try:
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, AttributeError):
        return time.process_time()
