"""The commands of a search's life: search, resume, report. Each imports what it needs when it is called."""

from __future__ import annotations

import shlex
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from evonas.app import completion
from evonas.app.console import print_line
from evonas.app.live.commands import LiveOption, PortOption, port_of
from evonas.app.running import Output, carry_out, load_torch
from evonas.app.runs import ArchiveOption
from evonas.app.timetable import process_age
from evonas.core import plugins, trust
from evonas.core.goals import searchable_names

QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but errors.")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="The result on standard output, for programs; the progress on the error stream.")
]
RunArgument = Annotated[
    str, typer.Argument(help="Name of the run; `evonas runs list` shows them.", autocompletion=completion.runs)
]
LogOption = Annotated[Path | None, typer.Option("--log", help="Append the progress to this file too, with times.")]


OUTPUT = (
    "config",
    "live",
    "port",
    "as_json",
    "log",
    "quiet",
)  # words of `evonas search` that are no options of the search


def _choices(group: str) -> str:
    """The names of what is installed; nothing is imported."""
    return ", ".join(sorted(plugins.available(f"evonas.{group}")))


def search(
    config: Annotated[Path | None, typer.Argument(help="TOML file with any of these options.")] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help=f"{_choices('tasks')}; NAME:WHAT, or your file.py:loader. (default: digits)",
            autocompletion=completion.of_plugins("tasks"),
        ),
    ] = None,
    evaluator: Annotated[
        str | None, typer.Option(help="Instead of --data: your file.py:function (candidate, task, seed) -> metrics.")
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(
            help=f"{_choices('encodings')}, or your file.py:attribute; what goes into brackets says evonas plugins "
            "NAME. (default: the data's own)",
            autocompletion=completion.of_plugins("encodings"),
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            help=f"{_choices('searchers')}, or your file.py:attribute. (default: evolution)",
            autocompletion=completion.methods,
        ),
    ] = None,
    surrogate: Annotated[
        str | None,
        typer.Option(
            help=f"What ranks the offspring: {_choices('rankers')}, your file.py:attribute, none. (default: meta)",
            autocompletion=completion.of_plugins("rankers", "none"),
        ),
    ] = None,
    objectives: Annotated[
        str | None,
        typer.Option(
            help=f"Metrics, the first decides: {', '.join(searchable_names())}, or any of your evaluator's as "
            "NAME:max or NAME:min. (default: val_accuracy)",
            autocompletion=completion.metrics,
        ),
    ] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option(
            help="What the network has to keep, repeatable: 'params<=200000', 'model_kb<=256', 'latency_ms<=2', any "
            "metric with <= or >=. What is known before training is checked before. (default: none)"
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(
            help="A metric of your own, repeatable: your file.py:energy, or NAME=file.py:function, of genome (known "
            "before training), network (untrained), trained, or y_true and y_pred (its answers); as in --objectives "
            "val_accuracy,energy:min. (default: none)"
        ),
    ] = None,
    start: Annotated[
        list[str] | None,
        typer.Option(
            help="A network of your own, repeatable: a genome.json, or a cell of NAS-Bench-201 as its string; tried "
            "right after the fixed baseline."
        ),
    ] = None,
    trials: Annotated[int | None, typer.Option(help="Trainings to spend. (default: 24)")] = None,
    seconds: Annotated[float | None, typer.Option(help="Seconds of wall clock to spend.")] = None,
    deadline: Annotated[
        str | None,
        typer.Option(
            help="From the command to the last file: 90s, 10m, 1h30m; evonas divides it. (default for images, where no "
            "--trials, --seconds or --epochs are given: as suits the data)"
        ),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Full epochs of a training. (default: from the data's size)")
    ] = None,
    groups: Annotated[
        str | None,
        typer.Option(
            help="What stays on one side of every split, as all images of a patient: a file with a group for each "
            "image, in their order, or with lines FILE,GROUP; or a level of folders: 1 is the first below a class's. "
            "(default: none)"
        ),
    ] = None,
    train_size: Annotated[int | None, typer.Option(help="Train on so many images only.")] = None,
    workers: Annotated[int | None, typer.Option(help="Trainings at the same time. (default: 1)")] = None,
    per_device: Annotated[
        str | None, typer.Option(help="Trainings that share a device, or auto: measured. (default: --workers)")
    ] = None,
    together: Annotated[
        str | None, typer.Option(help="Trainings that take turns in each process, or auto: measured. (default: 1)")
    ] = None,
    executor: Annotated[
        str | None,
        typer.Option(
            help=f"{_choices('executors')}. (default: processes)", autocompletion=completion.of_plugins("executors")
        ),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(
            help="auto, cpu, cuda, cuda:N, mps. (default: auto)",
            autocompletion=completion.devices,
        ),
    ] = None,
    timeout: Annotated[float | None, typer.Option(help="Give a training up after so many seconds.")] = None,
    inherit: Annotated[
        bool | None,
        typer.Option("--inherit", help="Start children from their parents' weights. (default: from scratch)"),
    ] = None,
    refit_all: Annotated[
        bool | None,
        typer.Option("--refit-all", help="Train the final network on given validation examples too. (default: not)"),
    ] = None,
    balance: Annotated[
        bool | None, typer.Option("--balance", help="Let classes count alike in the loss. (default: examples do)")
    ] = None,
    loss: Annotated[
        str | None, typer.Option(help="Your file.py:function (logits, labels) -> loss. (default: cross-entropy)")
    ] = None,
    optimizer: Annotated[
        str | None, typer.Option(help="Your file.py:function, parameters -> optimizer of torch. (default: searched)")
    ] = None,
    augment: Annotated[
        str | None, typer.Option(help="Your file.py:function, images -> images. (default: searched)")
    ] = None,
    ensemble: Annotated[
        int | None, typer.Option(help="With a deadline: so many of the best share the final training. (default: 1)")
    ] = None,
    tta: Annotated[
        str | None,
        typer.Option(help="Test-time augmentation, with a deadline: auto (where it helps on validation), off. (auto)"),
    ] = None,
    stop_early: Annotated[
        float | None, typer.Option(help="Stop what cannot come among this share of the best. (default: never)")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of split, search and trainings. (default: 0)")] = None,
    name: Annotated[str | None, typer.Option(help="Of the run. (default: made from data and encoding)")] = None,
    out: Annotated[str | None, typer.Option(help="Folder for the results. (default: runs/NAME)")] = None,
    root: Annotated[str | None, typer.Option(help="Folder of torchvision's data sets.")] = None,
    track: Annotated[
        str | None,
        typer.Option(
            help=f"Trackers of experiments, with commas: {_choices('trackers')}; a row a trial, report and result at "
            "the end. (default: none)",
            autocompletion=completion.of_plugins("trackers"),
        ),
    ] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict", help="Refuse data of which a file is passed over, or a value clipped.")
    ] = None,
    archive: ArchiveOption = None,
    live: LiveOption = False,
    port: PortOption = None,
    as_json: JsonOption = False,
    log: LogOption = None,
    quiet: QuietOption = False,
) -> None:
    """Search a network for a data set, train the best in full, and write network and report to a folder.

    \b
    Examples:
      evonas search                                    # scikit-learn's digits
      evonas search --data folder:photos --deadline 10m
      evonas search --data npz:mine.npz --limit 'params<=200000' --name small
      evonas search --method aging --encoding 'cell(width=32)' --trials 40
      evonas search --evaluator mine.py:score --encoding mine.py:Space
      evonas search mine.toml --json --log mine.log
      evonas search --live                             # watched in a browser
    """
    given = {key: value for key, value in locals().items() if key not in OUTPUT and value is not None}
    from evonas.app.config import SearchConfig, specs

    if limit := given.pop("limit", None):
        given["limits"] = limit
    if metric := given.pop("metric", None):
        given["metrics"] = metric
        trust.given(*specs(given))  # what stands behind NAME= is no word of the command line by itself

    from evonas.app.logfile import logged

    output = Output(quiet, as_json, log, port_of(live, port))
    command = shlex.join(["evonas", *sys.argv[1:]])
    with logged(log, command):
        settings = SearchConfig.make(given) if config is None else SearchConfig.from_toml(config, given)
        from evonas.app import job

        load_torch()
        began = time.monotonic() - process_age()
        with output.apart():
            prepared = job.prepare(settings, command=command, began=began)
        carry_out(prepared, job.carry_out, output)


def resume(
    run: RunArgument,
    trials: Annotated[int | None, typer.Option(help="Another budget than it had.")] = None,
    seconds: Annotated[float | None, typer.Option(help="Another budget than it had.")] = None,
    deadline: Annotated[str | None, typer.Option(help="A later deadline than it had, from the first command.")] = None,
    track: Annotated[str | None, typer.Option(help="Other trackers than it had; see evonas search.")] = None,
    archive: ArchiveOption = None,
    live: LiveOption = False,
    port: PortOption = None,
    as_json: JsonOption = False,
    log: LogOption = None,
    quiet: QuietOption = False,
) -> None:
    """Go on with a run where it stopped.

    \b
    Examples:
      evonas resume digits-net-1
      evonas resume digits-net-1 --trials 60           # more than it had
    """
    from evonas.app.logfile import logged

    output = Output(quiet, as_json, log, port_of(live, port))
    with logged(log, shlex.join(["evonas", *sys.argv[1:]])):
        from evonas.app import job

        load_torch()
        began = time.monotonic() - process_age()
        changes = {"trials": trials, "seconds": seconds, "deadline": deadline, "track": track}
        with output.apart():
            prepared = job.prepare_resume(run, archive=archive, began=began, **changes)
        carry_out(prepared, job.go_on, output)


def report(
    run: RunArgument,
    out: Annotated[str | None, typer.Option(help="Folder for report.html. (default: the run's own)")] = None,
    archive: ArchiveOption = None,
) -> None:
    """Write the report of a run again, also of one that is not finished.

    \b
    Example:
      evonas report digits-net-1 --out elsewhere
    """
    from evonas.app.results import report_again
    from evonas.memory.archive import Archive

    print_line(str(report_again(Archive(archive), run, out)))
