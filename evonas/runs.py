"""`evonas runs`: what the archive holds."""

from __future__ import annotations

import json
from typing import Annotated

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
    from rich.console import Console
    from rich.table import Table

    from evonas.archive import Archive

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
        table = Table(*rows[0], box=None)
        for row in rows:
            table.add_row(*("" if v is None else f"{v:.4f}" if isinstance(v, float) else str(v) for v in row.values()))
        Console().print(table)


@runs_app.command("show")
def runs_show(
    name: Annotated[str, typer.Argument(help="Name of the run.")],
    archive: ArchiveOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for programs.")] = False,
) -> None:
    """One run with its evaluations in the order they were told."""
    from rich.console import Console
    from rich.table import Table

    from evonas.archive import Archive, dumps

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
    console = Console()
    print(f"{record.name}: {record.task.name}, {record.encoding}, {record.method}, surrogate {record.surrogate}")
    print(f"seed {record.seed}, {record.status}, {len(trials)} trials, begun {record.created}")
    print(record.command)
    table = Table("trial", "val_accuracy", "params", "seconds", "genome", box=None)
    for e in evaluations:
        accuracy, params = e["metrics"].get("val_accuracy"), e["metrics"].get("params")
        table.add_row(
            str(e["number"]),
            e["status"] if accuracy is None else f"{accuracy:.4f}",
            "" if params is None else f"{params:,.0f}",
            f"{e['seconds']:.1f}",
            e["error"] or str(e["genome"]),
        )
    console.print(table)


@runs_app.command("delete")
def runs_delete(
    names: Annotated[list[str], typer.Argument(help="Names of runs.")],
    archive: ArchiveOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Forget runs with all their trials. The folders with their results stay."""
    from evonas.archive import Archive

    store = Archive(archive)
    for name in names:
        store.run(name)
    if not yes and not typer.confirm(f"Forget {', '.join(names)} for good?"):
        raise typer.Exit(1)
    for name in names:
        print(f"{name}: {store.delete_run(name)} trials forgotten")
