"""`evonas runs`: what the archive holds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evonas.app import completion
from evonas.app.console import print_line, print_table
from evonas.core.errors import EvonasError
from evonas.core.figures import several
from evonas.core.goals import metric

LONGEST = 1000  # letters of a genome or of a reason that are printed

if TYPE_CHECKING:
    from evonas.core.types import Evaluation


def _named(archive: str | None) -> str | None:
    if archive == "":
        raise EvonasError("--archive '' names no archive; give a file or a database URL, or leave it out")
    return archive


ArchiveOption = Annotated[
    str | None,
    typer.Option("--archive", help="File or database URL of the archive.", envvar="EVONAS_ARCHIVE", callback=_named),
]
runs_app = typer.Typer(help="What the archive holds: list, show, delete, move, gc.", no_args_is_help=True)


@runs_app.command("list")
def runs_list(
    archive: ArchiveOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """All runs, oldest first.

    \b
    Examples:
      evonas runs list
      evonas runs list --json --archive team.db
    """
    from evonas.memory.archive import Archive
    from evonas.memory.locks import status

    store = Archive(archive)
    counts = store.counts()
    rows = [
        {
            "name": r.name,
            "task": r.task.name,
            "encoding": r.encoding,
            "method": r.method,
            "surrogate": r.surrogate,
            "seed": r.seed,
            "status": status(store, r.name, r.status),
            "trials": counts.get(r.name, 0),
            "test_accuracy": (r.result or {}).get("test_accuracy"),
            "created": r.created,
        }
        for r in store.runs()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
    elif not rows:
        print_line(f"no runs yet in {store.where}; start one: evonas search")
    else:
        heads = ("name", "status", "trials", "test", "task", "encoding", "method", "surrogate", "seed", "begun")
        keys = ("name", "status", "trials", "test_accuracy", "task", "encoding", "method", "surrogate", "seed")
        print_table(heads, [[*(_cell(row[key]) for key in keys), row["created"][:10]] for row in rows])


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


@runs_app.command("show")
def runs_show(
    name: Annotated[str, typer.Argument(help="Name of the run.", autocompletion=completion.runs)],
    archive: ArchiveOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for programs.")] = False,
) -> None:
    """One run with its evaluations in the order of their results.

    \b
    Examples:
      evonas runs show digits-net-1
      evonas runs show digits-net-1 --json
    """
    from evonas.app.results import recorded_goal
    from evonas.memory.archive import Archive, dumps
    from evonas.memory.locks import status

    store = Archive(archive)
    record, trials = store.run(name), store.trials(name)
    record = replace(record, status=status(store, name, record.status))
    evaluations = [
        {
            "number": t.number,
            "genome": t.evaluation.candidate.genome,
            "fidelity": t.evaluation.candidate.fidelity,
            "parents": t.evaluation.candidate.parents,
            "metrics": dict(t.evaluation.metrics),
            "seconds": t.evaluation.seconds,
            "elapsed": t.elapsed,
            "status": t.evaluation.status,
            "error": t.evaluation.error,
            "traceback": t.evaluation.traceback,
        }
        for t in trials
    ]
    if as_json:
        run = {**vars(record), "task": {**vars(record.task), "features": dict(record.task.features)}}
        print(json.dumps(json.loads(dumps({**run, "evaluations": evaluations})), indent=2))
        return
    from evonas.search.methods import recorded_method

    method = recorded_method(record.method, record.surrogate, record.config)
    print_line(f"{record.name}: {record.task.name}, {record.encoding}, {method}")
    counted = [trial for trial in trials if trial.evaluation.status != "absent"]
    print_line(f"seed {record.seed}, {record.status}, {several(len(counted), 'trial')}, begun {record.created}")
    print_line(record.command)
    if where := record.config.get("out"):
        print_line(f"results in {where}")
    from evonas.report import prospects, quality
    from evonas.report.words import unless_odd

    ended = record.result or {}
    for what, words in (("quality", quality.words), ("prospects", prospects.words)):
        for line in unless_odd(what, partial(words, ended.get(what)), []):
            print_line(line)
    shares = ["fidelity"] if any(trial.evaluation.candidate.fidelity < 1 for trial in counted) else []
    metrics = dict.fromkeys([*(objective.name for objective in recorded_goal(record).objectives), "params"])
    lines = [_line(position, trial.evaluation, [*metrics], bool(shares)) for position, trial in enumerate(counted, 1)]
    print_table(["trial", *metrics, *shares, "seconds", "genome"], lines)


def _line(position: int, evaluation: Evaluation, metrics: Sequence[str], partial: bool) -> list[str]:
    """Trials count from 1, as on the screen and in the report."""
    from evonas.report.words import shorten

    figures = [metric(name).text(evaluation.metrics.get(name)) for name in metrics]
    if not evaluation.ok:
        figures = [evaluation.status, *("" for _ in metrics[1:])]
    fidelity = [f"{evaluation.candidate.fidelity:.3g}"] if partial else []
    last = shorten(evaluation.error or str(evaluation.candidate.genome), LONGEST)
    return [str(position), *figures, *fidelity, f"{evaluation.seconds:.1f}", last]
