"""`evonas meta-train`: train a distribution of tasks, and say what was learned from it."""

from __future__ import annotations

import json
import math
import shlex
import sys
from dataclasses import asdict
from typing import Annotated

import typer

from evonas.app import completion
from evonas.app.console import print_line, print_table
from evonas.app.runs import ArchiveOption

meta_train_app = typer.Typer()


@meta_train_app.command()
def meta_train(
    tasks: Annotated[
        str, typer.Option(help="Sources of data, comma-separated: digits,torchvision:MNIST,npz:mine.npz.")
    ],
    encoding: Annotated[
        str,
        typer.Option(
            help="One with genes: net, cell, your file.py:attribute.", autocompletion=completion.of_plugins("encodings")
        ),
    ] = "net",
    trials: Annotated[int, typer.Option(min=1, help="Trainings of each task.")] = 40,
    method: Annotated[
        str, typer.Option(help="What proposes them; random says most about a space.", autocompletion=completion.methods)
    ] = "random",
    first: Annotated[int, typer.Option(min=1, help="How many first choices are judged.")] = 5,
    epochs: Annotated[int | None, typer.Option(help="Full epochs of a training. [from the data's size]")] = None,
    train_size: Annotated[int | None, typer.Option(help="Train on so many images only.")] = None,
    workers: Annotated[int | None, typer.Option(help="Trainings at the same time. [1]")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda, cuda:N, mps. [auto]")] = None,
    seed: Annotated[int | None, typer.Option(help="Of split, search and trainings. [0]")] = None,
    name: Annotated[str, typer.Option(help="The runs are called NAME-TASK.")] = "meta",
    root: Annotated[str | None, typer.Option(help="Folder of torchvision's data sets.")] = None,
    archive: ArchiveOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress.")] = False,
) -> None:
    """Train a distribution of tasks, from which rankers and the generator learn, and judge them by leaving one out.

    The same command again goes on where it stopped; with more --trials, or more tasks, it does what is missing.

    \b
    Examples:
      evonas meta-train --tasks digits,torchvision:MNIST --train-size 6000
      evonas meta-train --tasks digits,npz:a.npz --encoding cell --trials 60
    """
    from evonas.app.running import Output, carry_out, load_torch
    from evonas.core.specs import split_specs

    load_torch()
    from evonas_surrogates.distribution import leave_one_out, work

    optional = {"epochs": epochs, "train_size": train_size, "workers": workers, "device": device, "seed": seed}
    optional |= {"root": root, "archive": archive}
    given = {key: value for key, value in optional.items() if value is not None}
    names, out = [], sys.stderr if as_json else sys.stdout
    for run, prepared, go in work(split_specs(tasks), name, encoding=encoding, trials=trials, method=method, **given):
        names.append(run)
        print_line(f"{run}: {'done before' if prepared is None else 'training'}", out)
        if prepared is not None:
            carry_out(prepared, go, Output(quiet or as_json))
    judged = [asdict(one) for one in leave_one_out(names, first, archive)]
    apply = f"evonas search --data DATA --encoding {shlex.quote(encoding)} --method policy"
    if as_json:
        plain = [{key: value if value == value else None for key, value in one.items()} for one in judged]
        print(json.dumps({"runs": names, "first": first, "judged": plain, "apply": apply}, indent=2))
        return
    heads = ("task", "trainings", "best of all", "random", "ranker", "generator")
    print_line(
        f"each task left out: the best of the first {first} choices among its trainings, by what the others taught"
    )
    print_table(heads, [(one["task"], f"{one['trainings']}", *map(_figure, list(one.values())[2:])) for one in judged])
    print_line(f"apply it to new data: {apply}")


def _figure(value: float) -> str:
    return f"{value:.4f}" if math.isfinite(value) else "–"
