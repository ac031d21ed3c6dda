"""`evonas data`: making data sets to search on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from evonas.app import completion
from evonas.app.console import print_line, print_table

data_app = typer.Typer(help="Data sets that evonas makes itself: list, make.", no_args_is_help=True)


@data_app.command("list")
def list_data() -> None:
    """What can be made, what its labels say, and what it needs.

    \b
    Example:
      evonas data list
    """
    from evonas.domains.images.made.registry import made_sets

    rows = [
        (kind.name, "×".join(map(str, kind.shape)), kind.classes, kind.needs or "nothing", kind.label)
        for kind in made_sets().values()
    ]
    print_table(("name", "image", "classes", "needs", "label"), rows)


@data_app.command("make")
def make_data(
    name: Annotated[str, typer.Argument(help="One of evonas data list.", autocompletion=completion.made_sets)],
    root: Annotated[
        Path, typer.Option(help="It is written to ROOT/NAME; torchvision's sets that it needs lie or go here too.")
    ],
    images: Annotated[
        int, typer.Option(help="Training images; valid and test ones are a third and two ninths of it.")
    ] = 45_000,
    seed: Annotated[int, typer.Option(help="The same seed makes the same files.")] = 0,
    source: Annotated[
        Path | None,
        typer.Option(
            help="An .npz file with x_train, y_train, x_test, y_test of what it needs, instead of torchvision."
        ),
    ] = None,
) -> None:
    """Make a data set in the layout of the NAS Unseen-Data challenge; search on it with --data npy:ROOT/NAME.

    \b
    Examples:
      evonas data make sudoku --root made
      evonas data make addnist --root made --images 9000 --source mnist.npz
    """
    from evonas.domains.images.made.making import make, sizes
    from evonas.domains.images.made.materials import material
    from evonas.domains.images.made.registry import made_set

    kind = made_set(name)
    counts = sizes(kind, images)  # before anything is downloaded
    folder, there = make(kind, root, images=images, seed=seed, source=material(kind, root, source))
    if there:
        print_line(f"{folder} holds exactly this already")
    else:
        parts = ", ".join(f"{count:,} {part}" for part, count in counts.items())
        print_line(
            f"{folder}: {parts} images of {'×'.join(map(str, kind.shape))} in {kind.classes} classes; "
            f"label: {kind.label}"
        )
    print_line(f"evonas search --data npy:{folder}")
