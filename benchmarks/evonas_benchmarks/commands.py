"""`evonas compare` and `evonas bench`: options in, tables and reports out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from evonas.errors import EvonasError

if TYPE_CHECKING:
    from evonas_benchmarks.compare import Comparison

compare_app = typer.Typer()


@compare_app.command()
def compare(
    data: Annotated[str, typer.Option(help="digits, torchvision:NAME, npz:PATH, folder:PATH.")] = "digits",
    methods: Annotated[str, typer.Option(help="Comma-separated: random,evolution,evolution+boosting.")] = (
        "random,evolution,aging"
    ),
    trials: Annotated[int, typer.Option(min=1, help="Trainings of each method with each seed.")] = 20,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds.")] = 3,
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    encoding: Annotated[str | None, typer.Option(help="cell, macro, your file.py:attribute. [cell]")] = None,
    objectives: Annotated[str | None, typer.Option(help="Metrics, the first is compared. [val_accuracy]")] = None,
    epochs: Annotated[int | None, typer.Option(help="Full epochs of a training. [from the data's size]")] = None,
    train_size: Annotated[int | None, typer.Option(help="Train on so many images only.")] = None,
    workers: Annotated[int | None, typer.Option(help="Trainings at the same time. [1]")] = None,
    executor: Annotated[str | None, typer.Option(help="processes, ray, dask. [processes]")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N, mps. [auto]")] = None,
    timeout: Annotated[float | None, typer.Option(help="Give a training up after so many seconds.")] = None,
    root: Annotated[str | None, typer.Option(help="Folder of torchvision's data sets.")] = None,
    archive: Annotated[
        str | None, typer.Option(envvar="EVONAS_ARCHIVE", help="What methods with a ranker remember.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the table.")] = False,
) -> None:
    """Compare search methods on one data set, by real training, paired by seed.

    A network that several methods ask for with the same seed is trained once and its result and seconds told to
    each: they compete on equal trainings. Nothing is written to the archive.
    """
    mine = ("methods", "trials", "seeds", "seed", "as_json", "quiet")
    given = {key: value for key, value in locals().items() if key not in (*mine, "mine") and value is not None}
    from evonas_benchmarks.compare import compare as run

    names = split_methods(methods)
    try:
        with _Bar(len(names) * seeds * trials, quiet or as_json) as bar:
            found = run(names, trials=trials, seeds=range(seed, seed + seeds), advance=bar.advance, **given)
    except KeyboardInterrupt:
        typer.echo("evonas: stopped; a comparison keeps nothing (a suite does: evonas bench run)", err=True)
        raise typer.Exit(130) from None
    if as_json:
        print(json.dumps(as_dict(found), indent=2))
    else:
        print_comparison(found)
    if all(np.isnan(value).all() for value in found.values().values()):
        raise EvonasError("every training failed; `evonas search` with the same options reports the reasons")


def split_methods(text: str) -> list[str]:
    """`'random,evolution(population=5,offspring=2)+meta'`: commas inside brackets do not separate."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def print_comparison(found: Comparison) -> None:
    from rich.console import Console
    from rich.table import Table

    from evonas_benchmarks import statistics
    from evonas_benchmarks.compare import budget_rows, verdict
    from evonas_benchmarks.statistics import mean

    reference = "random" if "random" in found.methods else found.methods[0]
    values = found.values()
    pairs = statistics.against(values, reference)
    looks = budget_rows(found.trials)
    curves = {look: found.best(look) for look in looks}
    at_random = dict(zip(found.seeds, found.best(found.trials)[reference], strict=True))
    table = Table(
        "method",
        *(f"after {look}" for look in looks),
        "±",
        f"better than {reference} by",
        "95 % interval",
        "p",
        "seeds\n+ / −",
        f"trainings to\n{reference}'s best",
        "failed",
        title=f"best {found.objective.name} found, mean over {len(found.seeds)} seeds",
        box=None,
    )
    for column in table.columns:
        column.no_wrap = True
    for method in sorted(found.methods, key=lambda name: -np.nan_to_num(mean(values[name]), nan=-np.inf)):
        pair = pairs.get(method)
        table.add_row(
            method,
            *(f"{mean(curves[look][method]):.4f}" for look in looks),
            f"{np.std(values[method], ddof=1):.4f}" if len(found.seeds) > 1 else "",
            f"{pair.mean:+.4f}" if pair else "",
            f"{pair.low:+.4f} to {pair.high:+.4f}" if pair else "",
            f"{pair.p:.3f}" if pair else "",
            f"{pair.ahead} / {pair.behind}" if pair else "",
            _median(found.trainings_to(method, at_random)),
            str(found.failed.get(method, 0)),
        )
    console = Console()
    console.width = max(console.width, Console(width=400).measure(table).maximum)
    console.print(table)
    print(verdict(found))
    print(
        f"{found.trained} networks trained, {found.shared} results shared between methods of one seed; "
        "p: Wilcoxon's signed-rank test, Holm-corrected"
    )


def as_dict(found: Comparison) -> dict[str, Any]:
    from evonas_benchmarks import statistics
    from evonas_benchmarks.compare import verdict

    values = found.values()
    reference = "random" if "random" in values else next(iter(values))
    return {
        "objective": str(found.objective),
        "trials": found.trials,
        "seeds": found.seeds,
        "best": {method: [_plain(v) for v in best] for method, best in found.best(found.trials).items()},
        "curves": {m: [[_plain(r.best) for r in found.rows[m, s]] for s in found.seeds] for m in found.methods},
        "reference": reference,
        "against_reference": {
            method: {name: _plain(value) for name, value in vars(pair).items()}
            for method, pair in statistics.against(values, reference).items()
        },
        "winner": statistics.winner(values),
        "verdict": verdict(found),
        "failed": found.failed,
        "trained": found.trained,
        "shared": found.shared,
    }


def _median(trainings: np.ndarray) -> str:
    median = np.median(trainings)
    return f"{median:g}" if np.isfinite(median) else "never"


def _plain(value: float) -> float | None:
    """As JSON has it: no NaN, no numpy."""
    return None if np.isnan(value) else value if isinstance(value, int) else float(value)


bench_app = typer.Typer(help="Suites: tasks × methods × seeds, compared fairly.", no_args_is_help=True)


@bench_app.command("list")
def list_suites() -> None:
    """The suites that are installed, with their tasks."""
    from rich.console import Console
    from rich.table import Table

    from evonas_benchmarks.suites import installed, load_suite

    table = Table("suite", "tasks", "trials", "seeds", "what it is", box=None)
    for path in installed().values():
        suite = load_suite(path)
        table.add_row(suite.name, ", ".join(suite.task_names()), str(suite.trials), str(suite.seeds), suite.description)
    Console().print(table)


@bench_app.command("run")
def run_suite(
    suite: Annotated[str, typer.Argument(help="A suite's name, or the path of a TOML file.")],
    methods: Annotated[str | None, typer.Option(help="Comma-separated: random,aging,aging+meta. [the suite's]")] = None,
    tasks: Annotated[str | None, typer.Option(help="Comma-separated. [all]")] = None,
    trials: Annotated[int | None, typer.Option(help="Of each cell. [the suite's]")] = None,
    seeds: Annotated[int | None, typer.Option(help="How many, from 0. [the suite's]")] = None,
    earlier: Annotated[int | None, typer.Option(help="Architectures known of each earlier task.")] = None,
    noise: Annotated[bool | None, typer.Option(help="A searcher sees one seed of the table.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Cells at the same time, each in a process.")] = 1,
    out: Annotated[str | None, typer.Option(help="Folder; a run in it goes on. [bench/SUITE]")] = None,
    root: Annotated[str | None, typer.Option(help="Folder of torchvision's data sets.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Run what is missing of a suite, then write curves.parquet, summary.json, report.html and plots."""
    from pathlib import Path

    from evonas_benchmarks import runner
    from evonas_benchmarks.suites import load_suite

    chosen = load_suite(suite)
    changes = {key: value for key, value in (("earlier", earlier), ("noise", noise)) if value is not None}
    if changes.get("earlier", 0) < 0:
        raise EvonasError(f"earlier={earlier} will not do; give 0 or more architectures of each earlier task")
    chosen = chosen.model_copy(update=changes)
    the_plan = runner.plan(
        chosen,
        Path(out or f"bench/{chosen.name}"),
        methods=split_methods(methods) if methods is not None else None,
        tasks=[name.strip() for name in tasks.split(",")] if tasks else None,
        trials=trials,
        seeds=seeds,
        root=Path(root) if root else None,
    )
    try:
        with _Bar(len(the_plan.cells()), quiet, "cells") as bar:
            ran = runner.run(the_plan, jobs, bar.add)
    except KeyboardInterrupt:
        typer.echo("evonas: stopped; what is finished is kept, and the same command goes on with it", err=True)
        raise typer.Exit(130) from None
    failed = {f"{cell.task}, {cell.method}, seed {cell.seed}": reason for cell, reason in ran.failed.items()}
    for cell, reason in failed.items():
        typer.echo(f"failed: {cell}: {reason}", err=True)
    if len(failed) < len(the_plan.cells()):
        _write_all(the_plan.out, failed)
    typer.echo(f"{ran.done} cells done, {ran.reused} reused, {len(failed)} failed; see {the_plan.out / 'report.html'}")
    if failed:
        raise typer.Exit(1)


@bench_app.command("report")
def report(folder: Annotated[str, typer.Argument(help="The --out folder of a run.")]) -> None:
    """Write curves, summary, page and plots again from the stored cells; also of a run that was stopped."""
    from pathlib import Path

    _write_all(Path(folder), {})
    typer.echo(Path(folder) / "report.html")


def _write_all(folder: Any, failed: dict[str, str]) -> None:
    from evonas_benchmarks import page, plots, summary
    from evonas_benchmarks.runner import IDENTITY

    curves = summary.read_curves(folder)
    suite = json.loads((folder / IDENTITY).read_text(encoding="utf-8"))
    made = summary.summarize(curves, suite, failed)
    summary.write(folder, curves, made)
    page.write_page(folder / "report.html", curves, made)
    plots.save_images(folder / "plots", curves)


class _Bar:
    """Trials done and time left, on the error stream; nothing if it is quiet or no terminal."""

    def __init__(self, total: int, quiet: bool, description: str = ""):
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        self.progress = Progress(*columns, console=console, transient=True, disable=quiet or not console.is_terminal)
        self.bar = self.progress.add_task(description, total=total)

    def __enter__(self) -> _Bar:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def advance(self, method: str, seed: int) -> None:
        self.progress.update(self.bar, advance=1, description=f"{method}, seed {seed}")

    def add(self, count: int) -> None:
        self.progress.update(self.bar, advance=count)
