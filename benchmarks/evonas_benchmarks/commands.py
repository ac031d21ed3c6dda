"""`evonas compare` and `evonas bench`: options in, tables and reports out."""

from __future__ import annotations

import json
import shlex
import signal
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from evonas.app import completion
from evonas.core import plugins
from evonas.core.errors import EvonasError, choices

compare_app = typer.Typer()


def _suites(incomplete: str) -> list[str]:
    """What the Tab key offers."""
    from evonas_benchmarks.suites.suite import installed

    return completion.beginning(incomplete, [*installed(), *plugins.available("evonas.suites")])


@compare_app.command()
def compare(
    data: Annotated[
        str,
        typer.Option(
            help="digits, torchvision:NAME, npz:PATH, folder:PATH.", autocompletion=completion.of_plugins("tasks")
        ),
    ] = "digits",
    methods: Annotated[
        str,
        typer.Option(help="Comma-separated: random,evolution,evolution+boosting.", autocompletion=completion.methods),
    ] = "random,evolution,evolution+meta",
    trials: Annotated[int, typer.Option(min=1, help="Trainings of each method with each seed.")] = 20,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="How many seeds. [as many as it takes to show a win: 7 of three methods]")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="The first seed.")] = 0,
    encoding: Annotated[str | None, typer.Option(help="cell, macro, your file.py:attribute. [cell]")] = None,
    objectives: Annotated[str | None, typer.Option(help="Metrics, the first is compared. [val_accuracy]")] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(help="What all networks keep, known before training, repeatable: 'params<=200000'. [none]"),
    ] = None,
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
    out: Annotated[
        str | None, typer.Option(help="Folder; what is in it is not done again. [bench/compare-DATA-KEY]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the table.")] = False,
) -> None:
    """Compare search methods on one data set, by real training, paired by seed.

    A network that several methods suggest with the same seed is trained once, and each observes its result and its
    seconds: they compete on equal trainings. Nothing is written to the archive. Every finished benchmark run and
    training is kept, so that the same command goes on where it was stopped.

    \b
    Examples:
      evonas compare --data digits --trials 20
      evonas compare --methods random,aging,aging+meta --seeds 10 --out compared
    """
    mine = ("methods", "trials", "seeds", "seed", "out", "as_json", "quiet")
    given = {key: value for key, value in locals().items() if key not in (*mine, "mine") and value is not None}
    if limit := given.pop("limit", None):
        given["limits"] = limit
    from evonas_benchmarks.analysis.statistics import fewest_seeds
    from evonas_benchmarks.pages.comparison import as_dict, cannot_show, print_comparison
    from evonas_benchmarks.run.compare import Bench

    names = split_methods(methods)
    several = range(seed, seed + (seeds or fewest_seeds(len(names) - 1)))
    bench = Bench(names, trials, several, given)
    where = Path(out) if out else bench.default_folder
    if (said := cannot_show(len(names), len(several))) and not as_json:
        typer.echo(f"evonas: {said}", err=True)
    try:
        bench.claim(where, shlex.join(["evonas", *sys.argv[1:]]))
        with _Bar(len(names) * len(several) * trials, quiet or as_json) as bar:
            found = bench.run(where, bar.advance)
    except KeyboardInterrupt:
        typer.echo(f"evonas: stopped; what is finished is kept in {where}, and the same command goes on", err=True)
        raise typer.Exit(130) from None
    if as_json:
        print(json.dumps(as_dict(found), indent=2))
    else:
        print_comparison(found)
        print(f"kept in {where}; evonas bench report {shlex.quote(str(where))} draws it")
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


bench_app = typer.Typer(help="Suites: tasks × methods × seeds, compared fairly.", no_args_is_help=True)


@bench_app.command("list")
def list_suites() -> None:
    """The suites that are installed, with their tasks, and the methods.

    \b
    Example:
      evonas bench list
    """
    from rich.console import Console
    from rich.table import Table

    from evonas_benchmarks.suites.suite import installed, load_suite

    suites = Table("suite", "tasks", "trials", "seeds", "what it is", box=None)
    for name in [*installed(), *plugins.available("evonas.suites")]:
        suite = load_suite(name)
        suites.add_row(name, "\n".join(suite.task_names()), str(suite.trials), str(suite.seeds), suite.description)
    console = Console(markup=False)
    console.width = max(console.width, 110)  # or names are cut off where nobody looks, in a pipe
    console.print(suites)
    searchers = plugins.available("evonas.searchers")
    peers = [name for name, entry in searchers.items() if entry.value.startswith("evonas_benchmarks.peers.")]
    ours = [name for name in searchers if name not in peers]
    print(f"\nmethods  {', '.join(sorted(ours))}")
    print(f"         each also with a ranker: {', '.join(f'+{name}' for name in plugins.available('evonas.rankers'))}")
    print(f"peers    {', '.join(sorted(peers))}")
    print('         of other packages: pip install "evonas[peers]"; or module:attribute, path/to/file.py:attribute')


@bench_app.command("run")
def run_suite(
    suite: Annotated[str, typer.Argument(help="A suite's name, or the path of a TOML file.", autocompletion=_suites)],
    methods: Annotated[
        str | None,
        typer.Option(help="Comma-separated: random,aging,aging+meta. [the suite's]", autocompletion=completion.methods),
    ] = None,
    tasks: Annotated[str | None, typer.Option(help="Comma-separated. [all]")] = None,
    trials: Annotated[int | None, typer.Option(help="Of each benchmark run. [the suite's]")] = None,
    seeds: Annotated[int | None, typer.Option(help="How many, from 0. [the suite's]")] = None,
    earlier: Annotated[int | None, typer.Option(min=0, help="Architectures known of each earlier task.")] = None,
    earlier_tasks: Annotated[
        str | None, typer.Option(help="How many of the other tasks are known (drawn by seed), or their names. [all]")
    ] = None,
    noise: Annotated[bool | None, typer.Option(help="A searcher sees one seed of the table.")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Benchmark runs at the same time, each in a process.")] = 1,
    out: Annotated[str | None, typer.Option(help="Folder; a run in it goes on. [bench/SUITE]")] = None,
    root: Annotated[str | None, typer.Option(help="Folder of torchvision's data sets.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Run what is missing of a suite, then write curves.parquet, summary.json, report.html and plots.

    \b
    Examples:
      evonas bench run nasbench201 --methods random,evolution+meta --seeds 20
      evonas bench run mine.toml --jobs 4 --out bench/mine
    """
    _check_installed()
    from evonas_benchmarks.run import runner
    from evonas_benchmarks.run.plan import plan
    from evonas_benchmarks.suites.suite import change, load_suite

    known = int(earlier_tasks) if earlier_tasks and earlier_tasks.isdigit() else earlier_tasks and _names(earlier_tasks)
    chosen = change(load_suite(suite), earlier=earlier, noise=noise, earlier_tasks=known)
    the_plan = plan(
        chosen,
        Path(out or f"bench/{chosen.name}"),
        methods=split_methods(methods) if methods is not None else None,
        tasks=_names(tasks) if tasks is not None else None,
        trials=trials,
        seeds=seeds,
        root=Path(root) if root else None,
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what schedulers send; to us it is Ctrl-C
    try:
        with _Bar(len(the_plan.benchmark_runs()), quiet, "benchmark runs") as bar:
            ran = runner.run(the_plan, jobs, bar.add, shlex.join(["evonas", *sys.argv[1:]]))
        for one, reason in ran.failed.items():
            typer.echo(f"failed: {one}: {reason}", err=True)
        written = ran.done + ran.reused > 0
        if written:
            _write_all(the_plan.out, quiet=quiet)
    except KeyboardInterrupt:
        typer.echo("evonas: stopped; what is finished is kept, and the same command goes on with it", err=True)
        raise typer.Exit(130) from None
    where = f"; see {the_plan.out / 'report.html'}" if written else ""
    typer.echo(f"{ran.done} benchmark runs done, {ran.reused} reused, {len(ran.failed)} failed{where}")
    if ran.failed:
        raise typer.Exit(1)


@bench_app.command("report")
def report(
    folder: Annotated[str, typer.Argument(help="The --out folder of a run.")],
    methods: Annotated[str | None, typer.Option(help="Comma-separated: leave the others out. [all]")] = None,
    out: Annotated[str | None, typer.Option(help="Another folder for what is written. [the run's]")] = None,
) -> None:
    """Write curves, summary, page and plots again from what is stored; also of a command that was stopped.

    \b
    Example:
      evonas bench report bench/nasbench201 --methods random,evolution+meta
    """
    _check_installed()
    _write_all(Path(folder), Path(out) if out else None, split_methods(methods) if methods is not None else None)
    typer.echo(Path(out or folder) / "report.html")


def _check_installed() -> None:
    """Raises EvonasError where what a run needs in the end is not there: it would be missed after hours."""
    for module, name in (("pandas", "pandas"), ("matplotlib", "matplotlib"), ("scikit_posthocs", "scikit-posthocs")):
        if find_spec(module) is None:
            raise EvonasError(f'evonas bench needs {name}, which is not installed; pip install "evonas[bench]"')


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _write_all(
    folder: Path, out: Path | None = None, methods: Sequence[str] | None = None, quiet: bool = False
) -> None:
    from evonas_benchmarks.analysis import grids, reading, summary
    from evonas_benchmarks.pages import page, plot_files
    from evonas_benchmarks.pages.plots import plots
    from evonas_benchmarks.run.folder import IDENTITY, writing

    out = out or folder
    if out.resolve() != folder.resolve() and (out / IDENTITY).exists():
        raise EvonasError(f"--out {str(out)!r} holds a run of its own; give another folder")
    if out.resolve() != folder.resolve() and out.is_dir() and any(out.iterdir()) and not reading.is_report(out):
        raise EvonasError(f"--out {str(out)!r} holds something that is no report of a suite; give another folder")
    curves = reading.read_curves(folder)
    there = set(map(str, curves.method.unique()))
    if methods is not None:
        for method in methods or [""]:
            if method not in there:
                raise EvonasError(
                    f"{str(folder)!r} has no finished benchmark run of {method!r}; there are {choices(there)}"
                )
        curves = grids.of_methods(curves, methods)
    failed, runs = reading.read_failed(folder), reading.read_runs(folder)
    made = summary.summarize(curves, reading.read_suite(folder), failed, runs)
    longest = int(curves.budget.max())
    if longest > made["trials"] and not quiet:
        short = sorted(set(map(str, curves.method[curves.budget < longest])))
        typer.echo(
            f"figures look at {made['trials']} trials, the most that every benchmark run has; {', '.join(short)} "
            f"had no more (others had {longest}): run these longer, or leave them out with evonas bench report "
            "--methods",
            err=True,
        )
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    summary.write(out, curves, made)
    drawn = list(plots(curves))
    page.write_page(out / "report.html", curves, made, drawn)
    plot_files.save_images(out / "plots", curves, drawn)


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
