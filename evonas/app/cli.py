"""The command line. Heavy packages are imported by the commands that need them, so `evonas --help` is quick."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from evonas import __version__
from evonas.app.runs import ArchiveOption, print_table, runs_app
from evonas.core import plugins, trust
from evonas.core.errors import EvonasError

if TYPE_CHECKING:
    from evonas.app.job import Job
    from evonas.app.results import Result
    from evonas.core.types import Callback


_TRUST = "--trust"


class _WithPlugins(TyperGroup):
    """Adds the commands that other packages register under `evonas.commands`; they load when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [*super().list_commands(ctx), *sorted(plugins.available("evonas.commands"))]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        entries = plugins.available("evonas.commands")
        if cmd_name not in entries:
            return super().get_command(ctx, cmd_name)
        command = typer.main.get_command(entries[cmd_name].load())
        command.name = cmd_name
        return command

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """What stands on the command line is trusted; `--trust`, also behind a command, extends that to files."""
        trust.trust_everything(_TRUST in args)
        trust.given(*args, *(arg.partition("=")[2] for arg in args if arg.startswith("--")))
        return super().parse_args(ctx, [arg for arg in args if arg != _TRUST])

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:  # outside of a search, which says itself what is kept
            print("evonas: interrupted; nothing was kept of this command", file=sys.stderr)
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_WithPlugins,
    help="Search neural architectures by evolution, and remember every training.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(runs_app, name="runs")

QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]


def _version(wanted: bool) -> None:
    if wanted:
        print(f"evonas {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
    trusting: Annotated[
        bool, typer.Option(_TRUST, help="Run code that files name (a run, a suite, a network); ask about none of it.")
    ] = False,
) -> None:
    pass


@app.command()
def search(
    config: Annotated[Path | None, typer.Argument(help="TOML file with any of these options.")] = None,
    data: Annotated[str | None, typer.Option(help="digits, torchvision:NAME, npz:PATH, folder:PATH. [digits]")] = None,
    encoding: Annotated[str | None, typer.Option(help="cell, macro, your file.py:attribute. [cell]")] = None,
    method: Annotated[str | None, typer.Option(help="evolution, aging, nsga2, random, local. [evolution]")] = None,
    surrogate: Annotated[
        str | None, typer.Option(help="What ranks the offspring: meta, boosting, none. [meta]")
    ] = None,
    objectives: Annotated[str | None, typer.Option(help="Metrics, the first decides. [val_accuracy]")] = None,
    trials: Annotated[int | None, typer.Option(help="Trainings to spend. [24]")] = None,
    seconds: Annotated[float | None, typer.Option(help="Seconds of wall clock to spend.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Full epochs of a training. [from the data's size]")] = None,
    train_size: Annotated[int | None, typer.Option(help="Train on so many images only.")] = None,
    workers: Annotated[int | None, typer.Option(help="Trainings at the same time. [1]")] = None,
    per_device: Annotated[
        str | None, typer.Option(help="Trainings that share a device, or auto: measured. [--workers]")
    ] = None,
    executor: Annotated[str | None, typer.Option(help="processes, ray, dask. [processes]")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N, mps. [auto]")] = None,
    timeout: Annotated[float | None, typer.Option(help="Give a training up after so many seconds.")] = None,
    inherit: Annotated[
        bool | None, typer.Option("--inherit", help="Start children from their parents' weights. [from scratch]")
    ] = None,
    stop_early: Annotated[
        float | None, typer.Option(help="Give up what cannot come among this share of the best. [never]")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of split, search and trainings. [0]")] = None,
    name: Annotated[str | None, typer.Option(help="Of the run. [made from data and encoding]")] = None,
    out: Annotated[str | None, typer.Option(help="Folder for the results. [runs/NAME]")] = None,
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
    out: Annotated[str | None, typer.Option(help="Folder for report.html. [the run's own]")] = None,
    archive: ArchiveOption = None,
) -> None:
    """Write the report of a run again, also of one that is not finished."""
    from evonas.app import results

    prepared, trials = _recorded(run, archive)
    values = results.summary(prepared, trials, "not finished") | dict(prepared.record.result or {})
    folder = Path(out) if out else prepared.folder
    folder.mkdir(parents=True, exist_ok=True)
    print(results.write_report(prepared, trials, values, folder))


@app.command()
def export(
    run: Annotated[str, typer.Argument(help="Name of the run.")],
    out: Annotated[str, typer.Option(help="Folder for the network and its report.")],
    archive: ArchiveOption = None,
) -> None:
    """Train the best network of a run in full, finished or not, and write it to a folder."""
    from evonas.app import results

    prepared, trials = _recorded(run, archive)
    if not any(trial.evaluation.ok for trial in trials):
        raise EvonasError(f"run {run!r} has no successful trial to export; go on with it: evonas resume {run}")
    results.check_folder(Path(out), run)
    print(results.finish(prepared, trials, "exported", Path(out)).folder)


@app.command("plugins")
def list_plugins() -> None:
    """What is installed, and where it comes from."""
    rows = []
    for group in ("encodings", "tasks", "searchers", "rankers", "executors", "suites", "commands"):
        for name, entry in sorted(plugins.available(f"evonas.{group}").items()):
            dist = entry.dist
            rows.append((group, name, entry.value, f"{dist.name} {dist.version}" if dist else ""))
    print_table(("group", "name", "from", "package"), rows)


def _recorded(run: str, archive: str | None) -> tuple[Job, Sequence[Any]]:
    from evonas.app import job

    prepared = job.prepare_resume(run, archive=archive)
    return prepared, prepared.archive.trials(run)


def _carry_out(prepared: Job, work: Any, quiet: bool) -> None:
    """Run the job with a display, say where the results are, or how to go on."""
    from evonas.app.job import Interrupted
    from evonas.memory.places import shown

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)  # what schedulers send; to us it is Ctrl-C
    try:
        result = work(prepared, _display(prepared, quiet))
    except Interrupted as interrupted:
        where = f" --archive {shlex.quote(shown(prepared.config.archive))}" if prepared.config.archive else ""
        print(f"{interrupted}; go on with: evonas resume {interrupted.name}{where}", file=sys.stderr)
        raise typer.Exit(130) from None
    if not quiet:
        _print_result(result)
    if result["genome"] is None:
        print(f"evonas: no trial succeeded; see {result.folder / 'report.html'} for the reasons", file=sys.stderr)
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
        print(
            f"test accuracy {result['test_accuracy']:.4f}  validation {result['val_accuracy']:.4f}  "
            f"{result['params']:,} parameters  {result['trials']} trials ({result['failed']} failed)  "
            f"{result['seconds']:.0f} s\n{result['genome']}"
        )
    print(f"results in {result.folder}: report.html, result.json, genome.json, model.safetensors, model.pt2")


def _command() -> str:
    return shlex.join(["evonas", *sys.argv[1:]])


def main() -> None:
    """The `evonas` command. What a user can mend is one line and exit code 2."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except EvonasError as error:
        sys.exit(_complain(str(error)))
    except _UsageError as error:
        sys.exit(_misused(error))
    except typer.Abort:  # a question was left without an answer
        sys.exit(_complain("nothing was done", 1))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)


def _complain(message: str, code: int = 2) -> int:
    print(f"evonas: {message}", file=sys.stderr)
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
