"""`evonas memory`: what is remembered, and taking it from one archive to another."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from evonas.app import completion
from evonas.app.console import print_line
from evonas.app.runs import ArchiveOption
from evonas.core.errors import EvonasError, choices, on_a_line
from evonas.core.figures import several

memory_app = typer.Typer(
    help="What earlier searches taught: list, related, import, export, merge, forget.", no_args_is_help=True
)

JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]


@memory_app.command("list")
def list_memory(archive: ArchiveOption = None, as_json: JsonOption = False) -> None:
    """What is remembered of each data set and encoding, and the models that evonas ships.

    \b
    Examples:
      evonas memory list
      evonas memory list --json
    """
    from evonas.memory.archive import Archive
    from evonas_surrogates import pretrained

    store = Archive(archive)
    remembered = [{**row, "task": row["task"].name} for row in store.summary()]
    models = pretrained.shipped().items()
    shipped = [{"file": f"{name}.safetensors", "encoding": name, "tasks": dict(tasks)} for name, tasks in models]
    if as_json:
        print(json.dumps({"archive": store.where, "remembered": remembered, "shipped": shipped}, indent=2))
        return
    if remembered:
        _print_table(
            ("task", "encoding", "trainings", "failed", "runs", "best val_accuracy", "last begun"),
            [_line(row) for row in remembered],
        )
    else:
        print_line(f"nothing is remembered yet in {store.where}; every search adds to it: evonas search")
    for model in shipped:
        tasks = ", ".join(f"{name} ({size:,})" for name, size in model["tasks"].items())
        print_line(f"shipped with evonas for the encoding {model['encoding']!r}: {tasks}")


@memory_app.command("export")
def export_memory(
    file: Annotated[Path, typer.Argument(help="Parquet file to write.")], archive: ArchiveOption = None
) -> None:
    """Write every training to a Parquet file: for another machine, for a colleague, for pandas.

    \b
    Example:
      evonas memory export mine.parquet
    """
    from evonas.memory import archive_io as exchange
    from evonas.memory.archive import Archive

    _refuse_folder(file)
    print_line(f"{exchange.write_parquet(Archive(archive), file):,} trainings written to {file}")


@memory_app.command("import")
def import_memory(
    file: Annotated[Path, typer.Argument(help="Parquet file that `evonas memory export` wrote.")],
    archive: ArchiveOption = None,
) -> None:
    """Take in the trainings of a Parquet file; those that are remembered already are left out.

    \b
    Example:
      evonas memory import theirs.parquet
    """
    from evonas.memory import archive_io as exchange
    from evonas.memory.archive import Archive

    if not file.is_file():
        raise EvonasError(f"no file {str(file)!r}; give one that `evonas memory export` wrote")
    _say(exchange.absorb(Archive(archive), exchange.read_parquet(file)))


@memory_app.command("merge")
def merge_memory(
    other: Annotated[str, typer.Argument(help="File or database URL of another archive.")],
    archive: ArchiveOption = None,
) -> None:
    """Take in all that another archive holds; the other one stays as it is.

    \b
    Example:
      evonas memory merge other/archive.db
    """
    from evonas.memory import archive_io as exchange
    from evonas.memory.archive import Archive

    source = exchange.open_existing(other)
    store = Archive(archive)
    if _same_place(source, store):
        raise EvonasError(f"{other!r} is the archive itself; give another one to merge into it")
    _say(exchange.absorb(store, exchange.rows(source)))


@memory_app.command("forget")
def forget(
    task: Annotated[
        str,
        typer.Argument(help="Name of the data set; `evonas memory list` shows them.", autocompletion=completion.tasks),
    ],
    encoding: Annotated[str | None, typer.Option(help="Only what was learned with this encoding.")] = None,
    archive: ArchiveOption = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Forget all runs on a data set with all their trainings. The folders with their results stay.

    \b
    Examples:
      evonas memory forget digits
      evonas memory forget digits --encoding cell --yes
    """
    from evonas.memory.archive import Archive
    from evonas.memory.locks import delete_runs

    store = Archive(archive)
    runs = _runs_on(store, task, encoding)
    counts = store.counts()
    trainings = sum(counts.get(name, 0) for name in runs)
    what = f"{several(trainings, 'training')} of {several(len(runs), 'run')}"
    if not yes and not typer.confirm(f"Forget {what} on {task!r} for good?"):
        raise typer.Exit(1)
    delete_runs(store, runs)
    print_line(f"{what} on {task!r} forgotten")


@memory_app.command("related")
def related_tasks(
    data: Annotated[
        str,
        typer.Argument(help="A source of data, as --data of a search.", autocompletion=completion.of_plugins("tasks")),
    ],
    encoding: Annotated[
        str | None,
        typer.Option(
            help="What was learned with it. [the data's own]", autocompletion=completion.of_plugins("encodings")
        ),
    ] = None,
    archive: ArchiveOption = None,
    root: Annotated[Path | None, typer.Option(help="Folder of torchvision's data sets.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Which remembered tasks will help on a data set, said before anything is trained there.

    What was learned on the same data is left out, as a search leaves it out.

    \b
    Examples:
      evonas memory related digits
      evonas memory related npz:mine.npz --encoding cell --json
    """
    from evonas_surrogates.related import of_data

    spec, found = of_data(data, encoding, archive, root)
    if as_json:
        print(json.dumps({"data": data, "encoding": spec, "related": [asdict(one) for one in found]}, indent=2))
        return
    print_line(
        f"expected rank correlation of each task's results with those on {data}, encoding {spec}; likeness of the data"
    )
    for one in found:
        alike = "–" if one.likeness is None else f"{one.likeness:.2f}"
        print_line(f"{one.expected:6.2f} {alike:>5}  {one.task} ({one.trainings:,} trainings): {one.because}")


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    figures = (f"{row['trainings']:,}", str(row["trainings"] - row["succeeded"]), str(row["runs"]))
    best = "" if row["best"] is None else f"{row['best']:.4f}"
    return (row["task"], row["encoding"], *figures, best, row["last"][:16].replace("T", " "))


def _runs_on(store: Any, task: str, encoding: str | None) -> list[str]:
    """Names of the runs on a task. Raises EvonasError, with the choices, where there are none."""
    from evonas.core import plugins

    records = store.runs()
    tasks = {record.task.name for record in records}
    if task not in tasks:
        there = f"there are {choices(tasks)}" if tasks else "nothing is remembered yet"
        raise EvonasError(f"no task named {task!r} in {store.where!r}; {there}")
    on_task = [record for record in records if record.task.name == task]
    found = [r.name for r in on_task if encoding in (None, r.encoding, plugins.plain_name(r.encoding))]
    if not found:
        there = choices({record.encoding for record in on_task})
        raise EvonasError(f"nothing is remembered of {task!r} with the encoding {encoding!r}; there are {there}")
    return found


def _say(absorbed: Any) -> None:
    known = f"; {absorbed.known:,} were there already" if absorbed.known else ""
    runs = f" in {several(absorbed.runs, 'new run')}" if absorbed.runs else ""
    print_line(f"{several(absorbed.trainings, 'new training')}{runs}{known}")


def _same_place(one: Any, other: Any) -> bool:
    if one.file is None or other.file is None:
        return one.where == other.where
    return one.file.samefile(other.file)


def _refuse_folder(file: Path) -> None:
    if file.is_dir():
        raise EvonasError(f"{str(file)!r} is a folder; give a file, for example {str(file / 'memory.parquet')!r}")


def _print_table(heads: tuple[str, ...], lines: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None)
    for i, head in enumerate(heads):
        table.add_column(head, justify="right" if i > 1 else "left")
    for line in lines:
        table.add_row(*map(on_a_line, line))
    Console(markup=False, highlight=False).print(table)
