"""A search under the command line: its display, its signals, and what is said at its end."""

from __future__ import annotations

import json
import logging
import shlex
import signal
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from evonas.app.console import print_line
from evonas.core.figures import duration, several
from evonas.core.goals import metric

if TYPE_CHECKING:
    from evonas.app.job import Job
    from evonas.app.results import Result
    from evonas.core.types import Trial

log = logging.getLogger(__name__)
LONGEST = 1000  # letters of a genome or of a reason that are printed
LINGERS = 4.0  # seconds that an open live page has for the last report


@dataclass(frozen=True)
class Output:
    """What a search says, and where: nothing but errors if `quiet`; with `as_json` its result on standard output, the
    progress on the error stream; its progress also in a file, and on the `live` page at that port."""

    quiet: bool = False
    as_json: bool = False
    log: Path | None = None
    live: int | None = None

    def apart(self) -> AbstractContextManager[object]:
        """Within it what a user's code prints goes to the error stream, if the result is all that programs may read."""
        return redirect_stdout(sys.stderr) if self.as_json else nullcontext()


def carry_out(prepared: Job, work: Any, output: Output) -> None:
    """Run the job with a display, say where the results are, or how to go on."""
    from evonas.app.display import watchers
    from evonas.app.job import Interrupted
    from evonas.app.logfile import LoggedLines
    from evonas.memory.places import shown

    budget, goal = prepared.budget, prepared.goal
    seen = watchers(budget, goal, quiet=output.quiet, stream=sys.stderr if output.as_json else None)
    if output.log is not None:
        seen = (*seen, LoggedLines(budget, goal))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)  # what schedulers send; to us it is Ctrl-C
    try:
        with output.apart(), shown_live(prepared, output):
            result = work(prepared, seen)
    except Interrupted as interrupted:
        words = ["evonas", "resume", interrupted.name]
        words += ["--archive", shown(prepared.config.archive)] if prepared.config.archive else []
        line = f"{interrupted}; go on with: {shlex.join(words)}"
        log.info("%s", line)
        print_line(line, sys.stderr)
        raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGTERM, before)
    for line in _lines(result, prepared.config.archive):
        log.info("%s", line)
        if not output.quiet and not output.as_json:
            print_line(line)
    if output.as_json:
        values = {**result.values, "folder": str(result.folder.absolute()), "files": result.files}
        print_line(json.dumps(values, indent=2, ensure_ascii=False))
    if result["genome"] is None:
        line = _without_success(result, prepared.archive.trials(prepared.name))
        log.info("%s", line)
        print_line(f"evonas: {line}", sys.stderr)
        raise typer.Exit(1)


def _without_success(result: Result, trials: Sequence[Trial]) -> str:
    """What is said where there is no network, with the commonest reason."""
    from evonas.report.words import shorten

    reasons = Counter(trial.evaluation.error for trial in trials if trial.evaluation.status == "failed")
    ((why, times),) = reasons.most_common(1) or [("", 0)]
    words = f", {times} of {reasons.total()} for this reason: {shorten(str(why), LONGEST)}" if times else ""
    return f"no trial succeeded{words}; see {result.folder / 'report.html'} for all of it, and mend it"


@contextmanager
def shown_live(prepared: Job, output: Output) -> Iterator[None]:
    """While it lasts, the run has a page; at its end an open one gets the last report."""
    if output.live is None:
        yield
        return
    from evonas.app.live.pages import Pages
    from evonas.app.live.server import serving

    with serving(Pages(prepared.archive), output.live) as server:
        print_line(
            f"live, until the search ends: {server.page(prepared.name)}", sys.stderr if output.as_json else sys.stdout
        )
        yield
        server.linger(prepared.name, LINGERS)


def load_torch() -> None:
    """Its import takes seconds, and dies of a Ctrl-C with a core dump: it is held back for so long."""
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        import torch  # noqa: F401
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


def _lines(result: Result, archive: str | None) -> Iterator[str]:
    """What is said of a result."""
    from evonas.app.picking import export_command, lines
    from evonas.report import prospects, quality
    from evonas.report.words import shorten

    if result["genome"] is not None:
        yield "  ".join(_figures(result))
        yield shorten(str(result["genome"]), LONGEST)
        yield from quality.words(result.values.get("quality"))
        yield from prospects.words(result.values.get("prospects"))
        if result.values.get("against"):
            yield result["against"]
        yield from result.values.get("notes", ())
        taken = export_command(result["run"], archive) if "model.safetensors" in result.files else None
        yield from lines(result.values, taken)
    yield f"results in {result.folder}: {', '.join(result.files)}"


def _figures(result: Result) -> list[str]:
    """Test, objectives and parameters, with what they are of: a short training is no whole one."""
    names = [objective["name"] for objective in result["objectives"]]
    part = "" if result["fidelity"] in (1, None) else f" (after {100 * result['fidelity']:.0f} % of a training)"
    texts = [f"{metric(name).label} {metric(name).text(result['metrics'].get(name))}{part}" for name in names]
    if result["test_accuracy"] is not None:
        texts.insert(0, f"test accuracy {metric('test_accuracy').text(result['test_accuracy'])}")
    if result["params"] is not None and "params" not in names:
        texts.append(f"{result['params']:,} parameters")
    return [*texts, f"{several(result['trials'], 'trial')} ({result['failed']} failed)", duration(result["seconds"])]
