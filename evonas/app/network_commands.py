"""The commands of a finished network's life: predict, export. Each imports what it needs when it is called."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from evonas.app import completion
from evonas.app.console import print_line
from evonas.app.running import load_torch
from evonas.app.runs import ArchiveOption

RunArgument = Annotated[
    str,
    typer.Argument(
        help="Name of a run, its folder, or a folder that a network was exported to.", autocompletion=completion.runs
    ),
]


def predict(
    run: RunArgument,
    files: Annotated[list[str], typer.Argument(help="Pictures, folders of pictures, or arrays in .npy files.")],
    out: Annotated[
        str | None, typer.Option(help="CSV file: file, class, probability, and a column of each class's probability.")
    ] = None,
    fit: Annotated[
        str | None,
        typer.Option(
            help="How pictures of any size come to the network's: pad, crop, stretch. (default: as in the training; a "
            "network of arrays takes its own size only)"
        ),
    ] = None,
    archive: ArchiveOption = None,
) -> None:
    """Say what a network sees in pictures, read as its training pictures were.

    \b
    Examples:
      evonas predict photos-net-1 new.jpg
      evonas predict photos-net-1 holiday/ new.jpg --out predictions.csv
    """
    from evonas.app.networks import network_folder
    from evonas.core.errors import EvonasError
    from evonas.core.optional import ReadsPictures

    place = network_folder(run, archive)
    load_torch()
    from evonas.app import predicting
    from evonas.domains.export import load

    if out is not None:
        predicting.check_out(Path(out))
    network = load(place)
    if fit is not None and not isinstance(network, ReadsPictures):
        raise EvonasError(f"--fit {fit} is for pictures, and this network is of none; leave it out")
    network = network.framed(fit) if fit is not None and isinstance(network, ReadsPictures) else network
    found = predicting.predictions(network, files, lambda line: print_line(line, sys.stderr))
    if out is None:
        predicting.print_rows(found, network.class_names)
        return
    rows = predicting.write_csv(found, network.class_names, Path(out))
    print_line(f"{rows:,} predictions in {out}")


def export(
    run: RunArgument,
    out: Annotated[
        str | None, typer.Option(help="Folder for the files. (default: beside the network; needed to train one)")
    ] = None,
    formats: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="With commas between: safetensors (for evonas), torch.export (model.pt2), onnx, standalone (model.py, "
            "by torch and Pillow alone). (default: what the search left)",
            autocompletion=completion.formats,
        ),
    ] = None,
    pick: Annotated[
        str | None,
        typer.Option(
            help="Of several objectives a member of the front instead, trained in full: best, knee, the best that "
            "keeps a limit as 'latency_ms<=1', or its place, from 1."
        ),
    ] = None,
    whole: Annotated[
        bool, typer.Option("--all", help="Every member of the front, each to a folder in --out by its trial.")
    ] = False,
    trial: Annotated[
        int | None, typer.Option(help="The network of this trial instead, trained in full; they count from 1.")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Do the run's final training again, though its network is there.")
    ] = False,
    push: Annotated[
        str | None, typer.Option(help="Also to this repository of the Hugging Face Hub, OWNER/NAME; private if new.")
    ] = None,
    archive: ArchiveOption = None,
) -> None:
    """Take a network away, with a model card; nothing that is there is trained again.

    \b
    Examples:
      evonas export photos-net-1 --format onnx,standalone --out taken
      evonas export photos-net-1 --trial 7 --out seventh
      evonas export photos-net-1 --pick 'params<=20000' --out small
      evonas export photos-net-1 --format onnx --push me/photos
    """
    from evonas.app import pushing
    from evonas.app.formats import DEFAULT, FILES, parse_formats
    from evonas.core.errors import EvonasError

    wanted = parse_formats(formats)
    if push is not None:
        pushing.check_push(push)
    load_torch()
    from evonas.app import exporting

    def say(line: str) -> None:
        print_line(line, sys.stderr)

    if whole:
        others = {"--pick": pick, "--trial": trial, "--again": again or None, "--push": push}
        if other := next((name for name, value in others.items() if value is not None), None):
            raise EvonasError(f"--all and {other} exclude one another; leave one out")
        if out is None:
            raise EvonasError("--all writes a folder for each network: give --out FOLDER")
        for result in exporting.export_front(run, out, formats=wanted, archive=archive, say=say):
            print_line(str(result.folder))
        return
    wanted = wanted or (DEFAULT if out is None and push is not None else ())
    result = exporting.export(run, out, formats=wanted, pick=pick, trial=trial, again=again, archive=archive, say=say)
    print_line(str(result.folder))
    if push is not None:
        files = [file for one in wanted or DEFAULT for file in FILES[one] if (result.folder / file).exists()]
        say(f"pushed to {pushing.push(result.folder, [*files, 'README.md'], push)}")
