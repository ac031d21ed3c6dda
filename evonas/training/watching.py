"""How far a training has come, for those who watch it from another process: a file of its own in a folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from evonas.training.checkpoints import digest

Tell = Callable[[float, float, float], None]
"""Called after each epoch with the share of the training that is done, its mean loss and its accuracy."""


def curve_file(folder: Path, genome: Any) -> Path:
    return folder / f"{digest(genome)}.jsonl"


def teller(folder: str | Path | None, genome: Any) -> Tell | None:
    """What a training of the genome calls; a line each time. Where nothing can be written nobody watches."""
    if folder is None:
        return None
    path = curve_file(Path(folder), genome)
    with suppress(OSError):
        path.unlink(missing_ok=True)  # of an attempt before

    def tell(*point: float) -> None:
        with suppress(OSError), open(path, "a", encoding="ascii") as file:
            file.write(json.dumps([float(f"{value:.4g}") for value in point]) + "\n")

    return tell
