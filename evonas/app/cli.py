"""The command line. Heavy packages are imported by the commands that need them, so `evonas --help` is quick."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evonas import __version__
from evonas.app.console import print_line, tolerate_any_console
from evonas.app.plugin_commands import TRUST, WithPlugins, list_plugins
from evonas.app.runs import ArchiveOption, runs_app
from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas.core.figures import duration
from evonas.core.goals import metric, searchable_names

if TYPE_CHECKING:
    from evonas.app.job import Job
    from evonas.app.results import Result
    from evonas.core.types import Callback


app = typer.Typer(
    cls=WithPlugins,
    help="Search neural architectures by evolution, and remember every training.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(runs_app, name="runs")


def _choices(group: str) -> str:
    """The names of what is installed; nothing is imported."""
    return ", ".join(sorted(plugins.available(f"evonas.{group}")))


QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"evonas {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
    trusting: Annotated[
        bool, typer.Option(TRUST, help="Run code that files name (a run, a suite, a network); ask about none of it.")
    ] = False,
) -> None:
    pass


@app.command()
def search(
    config: Annotated[Path | None, typer.Argument(help="TOML file with any of these options.")] = None,
    data: Annotated[
        str | None,
        typer.Option(help=f"{_choices('tasks')}; NAME:WHAT, or your file.py:loader. (default: digits)"),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help=f"{_choices('encodings')}, or your file.py:attribute. (default: the data's own)")
    ] = None,
    method: Annotated[
        str | None, typer.Option(help=f"{_choices('searchers')}, or your file.py:attribute. (default: evolution)")
    ] = None,
    surrogate: Annotated[
        str | None,
        typer.Option(
            help=f"What ranks the offspring: {_choices('rankers')}, your file.py:attribute, none. (default: meta)"
        ),
    ] = None,
    objectives: Annotated[
        str | None,
        typer.Option(
            help=f"Metrics, the first decides: {', '.join(searchable_names())}, or any of your evaluator's as "
            "NAME:max or NAME:min. (default: val_accuracy)"
        ),
    ] = None,
    trials: Annotated[int | None, typer.Option(help="Trainings to spend. (default: 24)")] = None,
    seconds: Annotated[float | None, typer.Option(help="Seconds of wall clock to spend.")] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Full epochs of a training. (default: from the data's size)")
    ] = None,
    train_size: Annotated[int | None, typer.Option(help="Train on so many images only.")] = None,
    workers: Annotated[int | None, typer.Option(help="Trainings at the same time. (default: 1)")] = None,
    per_device: Annotated[
        str | None, typer.Option(help="Trainings that share a device, or auto: measured. (default: --workers)")
    ] = None,
    executor: Annotated[str | None, typer.Option(help=f"{_choices('executors')}. (default: processes)")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N, mps. (default: auto)")] = None,
    timeout: Annotated[float | None, typer.Option(help="Give a training up after so many seconds.")] = None,
    inherit: Annotated[
        bool | None,
        typer.Option("--inherit", help="Start children from their parents' weights. (default: from scratch)"),
    ] = None,
    stop_early: Annotated[
        float | None, typer.Option(help="Give up what cannot come among this share of the best. (default: never)")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of split, search and trainings. (default: 0)")] = None,
    name: Annotated[str | None, typer.Option(help="Of the run. (default: made from data and encoding)")] = None,
    out: Annotated[str | None, typer.Option(help="Folder for the results. (default: runs/NAME)")] = None,
    root: Annotated[str | None, typer.Option(help="Folder of torchvision's data sets.")] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict", help="Refuse data of which a file is passed over, or a value clipped.")
    ] = None,
    archive: ArchiveOption = None,
    quiet: QuietOption = False,
) -> None:
    """Search a network for a data set, train the best in full, and write network and report to a folder."""
    given = {key: value for key, value in locals().items() if key not in ("config", "quiet") and value is not None}
    from evonas.app.config import SearchConfig

    settings = SearchConfig.make(given) if config is None else SearchConfig.from_toml(config, given)
    from evonas.app import job

    _load_torch()
    _carry_out(job.prepare(settings, command=_command()), job.carry_out, quiet)


@app.command()
def resume(
    run: Annotated[str, typer.Argument(help="Name of the run; `evonas runs list` shows them.")],
    trials: Annotated[int | None, typer.Option(help="Another budget than it had.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Another budget than it had.")] = None,
    archive: ArchiveOption = None,
    quiet: QuietOption = False,
) -> None:
    """Go on with a run where it stopped."""
    from evonas.app import job

    _load_torch()
    prepared = job.prepare_resume(run, archive=archive, trials=trials, seconds=seconds)
    _carry_out(prepared, job.go_on, quiet)


@app.command()
def report(
    run: Annotated[str, typer.Argument(help="Name of the run.")],
    out: Annotated[str | None, typer.Option(help="Folder for report.html. (default: the run's own)")] = None,
    archive: ArchiveOption = None,
) -> None:
    """Write the report of a run again, also of one that is not finished."""
    from evonas.app.results import report_again
    from evonas.memory.archive import Archive

    print(report_again(Archive(archive), run, out))


@app.command()
def export(
    run: Annotated[str, typer.Argument(help="Name of the run.")],
    out: Annotated[str, typer.Option(help="Folder for the network and its report.")],
    archive: ArchiveOption = None,
) -> None:
    """Train the best network of a run in full, finished or not, and write it to a folder."""
    from evonas.app import job, results

    prepared = job.prepare_resume(run, archive=archive)
    trials = prepared.archive.trials(run)
    if not any(trial.evaluation.ok for trial in trials):
        raise EvonasError(f"run {run!r} has no successful trial to export; go on with it: evonas resume {run}")
    results.check_folder(Path(out), run)
    print(results.finish(prepared, trials, "exported", Path(out)).folder)


app.command("plugins")(list_plugins)


def _carry_out(prepared: Job, work: Any, quiet: bool) -> None:
    """Run the job with a display, say where the results are, or how to go on."""
    from evonas.app.job import Interrupted
    from evonas.memory.places import shown

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)  # what schedulers send; to us it is Ctrl-C
    try:
        result = work(prepared, _display(prepared, quiet))
    except Interrupted as interrupted:
        words = ["evonas", "resume", interrupted.name]
        words += ["--archive", shown(prepared.config.archive)] if prepared.config.archive else []
        print_line(f"{interrupted}; go on with: {shlex.join(words)}", sys.stderr)
        raise typer.Exit(130) from None
    finally:
        signal.signal(signal.SIGTERM, before)
    if not quiet:
        _print_result(result)
    if result["genome"] is None:
        print_line(f"evonas: no trial succeeded; see {result.folder / 'report.html'} for the reasons", sys.stderr)
        raise typer.Exit(1)


def _load_torch() -> None:
    """Its import takes seconds, and dies of a Ctrl-C with a core dump: it is held back for so long."""
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: pressed.append(number))
    try:
        import torch  # noqa: F401
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        raise KeyboardInterrupt


def _display(prepared: Job, quiet: bool) -> Sequence[Callback]:
    from evonas.app.display import watchers

    return watchers(prepared.budget, prepared.goal, quiet=quiet)


def _print_result(result: Result) -> None:
    if result["genome"] is not None:
        print_line(f"{'  '.join(_figures(result))}\n{result['genome']}")
    print_line(f"results in {result.folder}: {', '.join(result.files)}")


def _figures(result: Result) -> list[str]:
    """Test, objectives and parameters, with what they are of: a short training is no whole one."""
    names = [objective["name"] for objective in result["objectives"]]
    part = "" if result["fidelity"] == 1 else f" (after {100 * result['fidelity']:.0f} % of a training)"
    texts = [f"{metric(name).label} {metric(name).text(result['metrics'].get(name))}{part}" for name in names]
    if result["test_accuracy"] is not None:
        texts.insert(0, f"test accuracy {metric('test_accuracy').text(result['test_accuracy'])}")
    if result["params"] is not None and "params" not in names:
        texts.append(f"{result['params']:,} parameters")
    return [*texts, f"{result['trials']} trials ({result['failed']} failed)", duration(result["seconds"])]


def _command() -> str:
    return shlex.join(["evonas", *sys.argv[1:]])


def main() -> None:
    """The `evonas` command. What a user can mend is one line and exit code 2."""
    tolerate_any_console()
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except EvonasError as error:
        sys.exit(_complain(str(error)))
    except _UsageError as error:
        sys.exit(_misused(error))
    except typer.Abort:  # a question was left without an answer
        sys.exit(_complain("nothing was done", 1))
    except BrokenPipeError:  # whoever read has left: `evonas runs list | head`
        sys.stderr.close()
        sys.exit(141)


def _complain(message: str, code: int = 2) -> int:
    print_line(f"evonas: {message}", sys.stderr)
    return code


_UsageError: Any = typer.BadParameter.__base__  # click's; newer versions of typer carry their own click


def _misused(error: Any) -> int:
    """One line on a word that the command line does not take; where there was no word, the help is printed already."""
    message = error.format_message().strip()
    if not message or "\n" in message:
        print(message, end="")
        return 2
    path = error.ctx.command_path if error.ctx else "evonas"
    return _complain(f"{message[0].lower()}{message[1:].rstrip('.')}; see {path} --help")


if __name__ == "__main__":
    main()
