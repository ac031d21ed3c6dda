"""`evonas runs`: what the archive holds."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import typer

ArchiveOption = Annotated[
    str | None, typer.Option("--archive", help="File or database URL of the archive.", envvar="EVONAS_ARCHIVE")
]
runs_app = typer.Typer(help="What the archive holds: list, show and delete runs.", no_args_is_help=True)


@runs_app.command("list")
def runs_list(
    archive: ArchiveOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """All runs, oldest first."""
    from evonas.memory.archive import Archive

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
            "status": r.status,
            "trials": counts.get(r.name, 0),
            "test_accuracy": (r.result or {}).get("test_accuracy"),
            "created": r.created,
        }
        for r in store.runs()
    ]
    if as_json:
        print(json.dumps(rows, indent=2))
    elif not rows:
        print(f"no runs yet in {store.where}; start one: evonas search")
    else:
        heads = ("name", "status", "trials", "test", "task", "encoding", "method", "surrogate", "seed", "begun")
        keys = ("name", "status", "trials", "test_accuracy", "task", "encoding", "method", "surrogate", "seed")
        print_table(heads, [[*(_cell(row[key]) for key in keys), row["created"][:10]] for row in rows])


def _cell(value: Any) -> str:
    return "" if value is None else f"{value:.4f}" if isinstance(value, float) else str(value)


@runs_app.command("show")
def runs_show(
    name: Annotated[str, typer.Argument(help="Name of the run.")],
    archive: ArchiveOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for programs.")] = False,
) -> None:
    """One run with its evaluations in the order they were told."""
    from evonas.memory.archive import Archive, dumps

    store = Archive(archive)
    record, trials = store.run(name), store.trials(name)
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
        }
        for t in trials
    ]
    if as_json:
        run = {**vars(record), "task": {**vars(record.task), "features": dict(record.task.features)}}
        print(json.dumps(json.loads(dumps({**run, "evaluations": evaluations})), indent=2, ensure_ascii=False))
        return
    print(f"{record.name}: {record.task.name}, {record.encoding}, {record.method}, surrogate {record.surrogate}")
    print(f"seed {record.seed}, {record.status}, {len(trials)} trials, begun {record.created}")
    print(record.command)
    print_table(["trial", "val_accuracy", "params", "seconds", "genome"], map(_shown, evaluations))


def _shown(evaluation: dict[str, Any]) -> list[str]:
    accuracy, params = evaluation["metrics"].get("val_accuracy"), evaluation["metrics"].get("params")
    return [
        str(evaluation["number"]),
        evaluation["status"] if accuracy is None else f"{accuracy:.4f}",
        "" if params is None else f"{params:,.0f}",
        f"{evaluation['seconds']:.1f}",
        evaluation["error"] or str(evaluation["genome"]),
    ]


@runs_app.command("delete")
def runs_delete(
    names: Annotated[list[str], typer.Argument(help="Names of runs.")],
    archive: ArchiveOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Forget runs with all their trials. The folders with their results stay."""
    from evonas.memory.archive import Archive
    from evonas.memory.locks import delete_runs

    store = Archive(archive)
    for name in names:
        store.run(name)
    if not yes and not typer.confirm(f"Forget {', '.join(names)} for good?"):
        raise typer.Exit(1)
    for name in names:
        print(f"{name}: {delete_runs(store, [name])} trials forgotten")


def print_table(heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """As wide as it is where the output is no terminal; in one, the first four columns are whole, others give way."""
    from rich.console import Console
    from rich.table import Table

    rows = [[str(value) for value in row] for row in rows]
    table = Table(box=None, pad_edge=False)
    for position, head in enumerate(heads):
        widest = max([len(head), *(len(row[position]) for row in rows)])
        table.add_column(head, min_width=widest if position < 4 else None, no_wrap=head != "genome", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else 10_000, markup=False, highlight=False).print(table)
