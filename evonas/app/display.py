"""What watches a search: a live display in a terminal, plain lines anywhere else."""

from __future__ import annotations

import atexit
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any, cast

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from evonas.app.console import Tolerant, is_terminal, print_line
from evonas.core.figures import duration, several
from evonas.core.goals import Goal, metric
from evonas.core.types import Callback, Candidate, Task, Trial
from evonas.report.words import genome_text, reason, shorten
from evonas.search.loop import Budget

_LAST_RESULTS = 8
GOAL = Goal()
_OUTPUT_ERRORS = (OSError, ValueError)  # of a terminal that is gone; a display must never end a search


def watchers(
    budget: Budget,
    goal: Goal = GOAL,
    *,
    quiet: bool = False,
    console: Console | None = None,
    stream: IO[str] | None = None,
) -> tuple[Callback, ...]:
    """What suits the output, by default standard output: a live display in a terminal, plain lines where it is none,
    nothing if `quiet`."""
    if quiet:
        return ()
    if console is None:
        out = Tolerant(stream or sys.stdout)
        # rich takes FORCE_COLOR and TTY_COMPATIBLE for a terminal too, and a log would be full of cursor movements
        console = Console(file=cast(IO[str], out), force_terminal=None if out.isatty() else False)
    live = console.is_terminal and not console.is_dumb_terminal
    return (LiveDisplay(budget, goal, console) if live else PlainLines(budget, goal, console.file),)


def automatic(budget: Budget, goal: Goal = GOAL) -> tuple[Callback, ...]:
    """What Python shows by itself: the progress where a person looks, on a terminal or in a notebook."""
    looks = is_terminal(sys.stdout) or type(sys.stdout).__module__.startswith("ipykernel")
    return watchers(budget, goal, quiet=not looks)


class Progress:
    """The figures that both displays show: trials done, running and failed, the best so far, the time left."""

    def __init__(self, budget: Budget, goal: Goal = GOAL):
        self.budget, self.goal = budget, goal
        self.task = ""
        self.done = self.failed = 0
        self.training_seconds = 0.0
        self.best: Trial | None = None
        self.last: deque[tuple[int, Trial]] = deque(maxlen=_LAST_RESULTS)
        self.running: dict[int, Candidate] = {}
        self.workers = 1
        self._begin: float | None = None
        self._end: float | None = None

    def start(self, task: Task, observed: Sequence[Trial]) -> None:
        self.task = task.name
        for trial in observed:
            self.add(trial)
        self._begin = time.monotonic() - (observed[-1].elapsed if observed else 0.0)

    def submit(self, number: int, candidate: Candidate) -> None:
        self.running[number] = candidate
        self.workers = max(self.workers, len(self.running))

    def add(self, trial: Trial) -> None:
        self.running.pop(trial.number, None)
        evaluation = trial.evaluation
        if evaluation.status == "absent":
            return
        self.done += 1
        self.failed += not evaluation.ok
        self.training_seconds += evaluation.seconds
        self.last.append((self.done, trial))
        self.best = self.goal.best([one for one in (self.best, trial) if one is not None])

    def stop(self) -> None:
        self.running.clear()
        self._end = time.monotonic()

    @property
    def elapsed(self) -> float:
        """Wall-clock seconds of the search, those before an interruption included."""
        return 0.0 if self._begin is None else (self._end or time.monotonic()) - self._begin

    @property
    def left(self) -> float | None:
        """Seconds until the nearer end of the budget, judged by the mean trial so far; None while unknown."""
        ends = []
        if self.budget.trials is not None and self.done:
            mean = self.training_seconds / self.done
            trials = max(0, self.budget.trials - self.done)
            ends.append(trials * mean / min(self.workers, max(1, trials)))
        if self.budget.seconds is not None:
            ends.append(max(0.0, self.budget.seconds - self.elapsed))
        return min(ends, default=None)

    @property
    def share(self) -> float | None:
        """How much of the budget is spent, 0 to 1; None where it has no end."""
        shares = []
        if self.budget.trials is not None:
            shares.append(self.done / self.budget.trials)
        if self.budget.seconds is not None:
            shares.append(self.elapsed / self.budget.seconds)
        return min(1.0, max(shares)) if shares else None

    @property
    def names(self) -> list[str]:
        """The metrics that are shown: the objectives, the one that decides first, then the parameters."""
        return list(dict.fromkeys([*(objective.name for objective in self.goal.objectives), "params"]))

    def text(self, trial: Trial, name: str) -> str:
        return metric(name).text(trial.evaluation.metrics.get(name))

    def value(self, trial: Trial) -> str:
        """The objective that decides."""
        return self.text(trial, self.goal.first.name)

    def further(self, trial: Trial) -> list[str]:
        """What is known of the other metrics: `12.3 k params`, `0.51 latency`."""
        names = [name for name in self.names[1:] if name in trial.evaluation.metrics]
        return [f"{self.text(trial, name)} {'params' if name == 'params' else metric(name).label}" for name in names]


class LiveDisplay:
    """A few lines at the bottom of the terminal, drawn anew twice a second while the search runs.

    The terminal is restored by `ended`, by leaving it as a context manager, and at the latest when Python exits.
    """

    def __init__(self, budget: Budget, goal: Goal = GOAL, console: Console | None = None):
        self._progress = Progress(budget, goal)
        self._message = self._reason = ""
        self._live = Live(get_renderable=self._render, console=console, refresh_per_second=2)

    def __enter__(self) -> LiveDisplay:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def note(self, text: str) -> None:
        """One line under the figures: what the memory trusts, say. What comes before the search stays above it too."""
        self._message = " ".join(text.split())
        if not self._live.is_started:
            with suppress(*_OUTPUT_ERRORS):
                self._live.console.print(Text(self._message))

    def started(self, task: Task, observed: Sequence[Trial]) -> None:
        self._progress.start(task, observed)
        atexit.register(self.close)
        with suppress(*_OUTPUT_ERRORS):
            self._live.start()

    def asked(self, number: int, candidate: Candidate) -> None:
        self._progress.submit(number, candidate)

    def told(self, trial: Trial) -> None:
        self._progress.add(trial)

    def ended(self, reason: str) -> None:
        self._reason = reason
        self.close()

    def close(self) -> None:
        """Draw the last state and give the terminal back. Safe to call twice."""
        atexit.unregister(self.close)
        if self._live.is_started:
            self._progress.stop()
            with suppress(*_OUTPUT_ERRORS):
                self._live.stop()

    def _render(self) -> Group:
        progress = self._progress
        parts: list[Any] = [Text(), self._figures(), self._bar()]
        if progress.last:
            parts.append(Padding(self._results(), (1, 0, 0, 0)))
        lines = [line for line in (self._message, self._reason) if line]
        parts += [Text()] * bool(lines)
        parts += [Text(line, style="dim", no_wrap=True, overflow="ellipsis") for line in lines]
        return Group(*parts, Text())

    def _figures(self) -> Text:
        progress = self._progress
        total = f" of {progress.budget.trials}" if progress.budget.trials else ""
        text = Text.assemble((progress.task, "bold"), "   ", (f"{progress.done}{total}", "bold"), " done")
        text.append(f" · {len(progress.running)} running")
        text.append(f" · {progress.failed} failed", style="red" if progress.failed else "")
        if progress.best is not None:
            text.append("   best ").append(progress.value(progress.best), style="bold green")
            text.append("".join(f" · {figure}" for figure in progress.further(progress.best)))
        text.no_wrap, text.overflow = True, "ellipsis"
        return text

    def _bar(self) -> Table:
        progress = self._progress
        row = Table.grid(padding=(0, 2))
        share = progress.share
        bar = ProgressBar(total=1.0 if share is not None else None, completed=share or 0.0, width=40)
        left = "" if self._reason or progress.left is None else f", about {duration(progress.left)} left"
        row.add_row(bar, Text(f"{duration(progress.elapsed)}{left}", style="dim"))
        return row

    def _results(self) -> Table:
        progress = self._progress
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True)
        labels = ["params" if name == "params" else metric(name).label for name in progress.names]
        for label in ("trial", *labels, "time"):
            table.add_column(label, justify="right", no_wrap=True)
        room = max(20, self._live.console.width - 49)
        table.add_column("architecture", ratio=1, no_wrap=True, overflow="ellipsis")
        for position, trial in reversed(list(progress.last)):
            evaluation = trial.evaluation
            genome = Text(shorten(genome_text(evaluation.candidate.genome), room), style="dim")
            figures = [Text(progress.text(trial, name)) for name in progress.names]
            if not evaluation.ok:
                figures = [Text("failed", style="red"), *(Text() for _ in figures[1:])]
                genome = Text(reason(evaluation.error), style="red")
            elif trial is progress.best:
                figures[0].stylize("bold green")
            table.add_row(str(position), *figures, duration(evaluation.seconds), genome)
        return table


class PlainLines:
    """One line a trial, flushed at once: for logs and pipes. No colours, no cursor movements."""

    def __init__(self, budget: Budget, goal: Goal = GOAL, file: IO[str] | None = None):
        self._progress = Progress(budget, goal)
        self._file = file

    def note(self, text: str) -> None:
        self._print(" ".join(text.split()))

    def started(self, task: Task, observed: Sequence[Trial]) -> None:
        self._progress.start(task, observed)
        budget, done = self._progress.budget, self._progress.done
        ends = [_trials(budget.trials)] if budget.trials is not None else []
        ends += [duration(budget.seconds)] if budget.seconds is not None else []
        again = f"; {_trials(done)} done already" if done else ""
        self._print(f"started on {task.name}: {' or '.join(ends) or 'all architectures'}{again}")

    def asked(self, number: int, candidate: Candidate) -> None:
        self._progress.submit(number, candidate)

    def told(self, trial: Trial) -> None:
        progress, evaluation = self._progress, trial.evaluation
        progress.add(trial)
        if evaluation.status == "absent":
            return
        place = f"trial {progress.done}" + (f"/{progress.budget.trials}" if progress.budget.trials else "")
        genome = shorten(genome_text(evaluation.candidate.genome), 60)
        if not evaluation.ok:
            self._print(f"{place}  failed: {shorten(reason(evaluation.error), 100)}  {genome}")
            return
        figures = [f"{metric(progress.goal.first.name).label} {progress.value(trial)}", *progress.further(trial)]
        parts = [
            place,
            *figures,
            duration(evaluation.seconds),
            f"best {progress.value(progress.best or trial)}",
            genome,
        ]
        self._print("  ".join(parts))

    def ended(self, reason: str) -> None:
        progress = self._progress
        progress.stop()
        failed = f", {progress.failed} failed" if progress.failed else ""
        self._print(f"ended after {_trials(progress.done)}{failed} in {duration(progress.elapsed)}: {reason}")

    def _print(self, line: str) -> None:
        print_line(line, self._file)


def _trials(number: int) -> str:
    return several(number, "trial")
