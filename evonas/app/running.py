"""A search under the command line: its display, its signals, and what is said at its end."""

from __future__ import annotations

import shlex
import signal
import sys
from typing import TYPE_CHECKING, Any

import typer

from evonas.app.console import print_line
from evonas.core.figures import duration
from evonas.core.goals import metric

if TYPE_CHECKING:
    from evonas.app.job import Job
    from evonas.app.results import Result


def carry_out(prepared: Job, work: Any, quiet: bool) -> None:
    """Run the job with a display, say where the results are, or how to go on."""
    from evonas.app.display import watchers
    from evonas.app.job import Interrupted
    from evonas.memory.places import shown

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)  # what schedulers send; to us it is Ctrl-C
    try:
        result = work(prepared, watchers(prepared.budget, prepared.goal, quiet=quiet))
    except Interrupted as interrupted:
        words = ["evonas", "resume", interrupted.name]
        words += ["--archive", shown(prepared.config.archive)] if prepared.config.archive else []
        print_line(f"{interrupted}; go on with: {shlex.join(words)}", sys.stderr)
        raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGTERM, before)
    if not quiet:
        _print_result(result, prepared.config.archive)
    if result["genome"] is None:
        print_line(f"evonas: no trial succeeded; see {result.folder / 'report.html'} for the reasons", sys.stderr)
        raise typer.Exit(1)


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


def _print_result(result: Result, archive: str | None) -> None:
    from evonas.app.picking import export_command, lines
    from evonas.report import quality

    if result["genome"] is not None:
        print_line(f"{'  '.join(_figures(result))}\n{result['genome']}")
        for line in quality.words(result["quality"]) if result.values.get("quality") else ():
            print_line(line)
        if result.values.get("against"):
            print_line(result["against"])
        for note in result.values.get("notes", ()):
            print_line(note)
        taken = export_command(result["run"], archive) if "model.safetensors" in result.files else None
        for line in lines(result.values, taken):
            print_line(line)
    print_line(f"results in {result.folder}: {', '.join(result.files)}")


def _figures(result: Result) -> list[str]:
    """Test, objectives and parameters, with what they are of: a short training is no whole one."""
    names = [objective["name"] for objective in result["objectives"]]
    part = "" if result["fidelity"] in (1, None) else f" (after {100 * result['fidelity']:.0f} % of a training)"
    texts = [f"{metric(name).label} {metric(name).text(result['metrics'].get(name))}{part}" for name in names]
    if result["test_accuracy"] is not None:
        texts.insert(0, f"test accuracy {metric('test_accuracy').text(result['test_accuracy'])}")
    if result["params"] is not None and "params" not in names:
        texts.append(f"{result['params']:,} parameters")
    return [*texts, f"{result['trials']} trials ({result['failed']} failed)", duration(result["seconds"])]
