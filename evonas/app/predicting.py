"""`evonas predict`: what a finished network says of pictures, or of arrays in .npy files."""

from __future__ import annotations

import csv
import os
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from evonas.core.errors import EvonasError
from evonas.core.figures import percent
from evonas.core.files import whole
from evonas.core.optional import ReadsPictures

if TYPE_CHECKING:
    from evonas.domains.network import Network

AT_ONCE = 256  # examples that are held in memory
NAMED = 3  # damaged files that a message names before it counts
HEAD = ("file", "class", "probability")


@dataclass(frozen=True)
class Prediction:
    """Of one example: its file, for one of several in an array with its number, and the probability of each class."""

    file: str
    probabilities: np.ndarray

    @property
    def ranked(self) -> list[int]:
        """Classes by position, the most probable first; of equals the first."""
        return np.argsort(-self.probabilities, kind="stable").tolist()


def predictions(
    network: Network, places: Sequence[str], say: Callable[[str], Any] = lambda line: None
) -> Iterator[Prediction]:
    """Of pictures, of all pictures below folders, and of arrays in .npy files (one example, or n of them), in order.

    A file that cannot be read is left out, and all others are predicted; `say` gets a line on what was passed over,
    clipped or made grey. Raises EvonasError where a place is none of these, and at the end where files were left out.
    """
    files = _files(network, places, say)
    broken: list[str] = []
    warned: list[str] = []
    held: list[tuple[list[str], torch.Tensor]] = []
    for file in files:
        try:
            examples = _read(network, file, warned)
        except EvonasError as error:
            line = _named(str(error), file)
            broken.append(line if repr(str(file)) in line else f"{str(file)!r}: {line}")
            continue
        names = [str(file)] if len(examples) == 1 else [f"{file}[{i}]" for i in range(len(examples))]
        held.append((names, examples))
        if sum(len(names) for names, _ in held) >= AT_ONCE:
            yield from _predicted(network, held)
            held = []
    yield from _predicted(network, held)
    for line in _counted(warned):
        say(line)
    if broken:
        more = f"; and {len(broken) - NAMED:,} more" if len(broken) > NAMED else ""
        raise EvonasError(f"{len(broken):,} of {len(files):,} files were left out: {'; '.join(broken[:NAMED])}{more}")


def _read(network: Network, file: Path, warned: list[str]) -> torch.Tensor:
    """The examples of a file; what reading them warns of is added to the list. Raises EvonasError."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        examples = network.read(_contents(file))
    warned += [_named(str(one.message), file) for one in caught]
    return examples


def _named(line: str, file: Path) -> str:
    """With the file for the batch, which holds nothing else."""
    name = repr(str(file))
    return line.replace(f"{name} of the batch", name).replace("the batch", name)


def _predicted(network: Network, held: Sequence[tuple[list[str], torch.Tensor]]) -> Iterator[Prediction]:
    if not held:
        return
    probabilities = network.of_read(torch.cat([examples for _, examples in held])).softmax(1).numpy()
    names = [name for names, _ in held for name in names]
    yield from map(Prediction, names, probabilities)


def _files(network: Network, places: Sequence[str], say: Callable[[str], Any]) -> list[Path]:
    found: list[Path] = []
    for place in places:
        path = Path(os.path.expanduser(place))
        if not path.exists():
            raise EvonasError(f"there is no file {place!r}; give pictures, folders of them, or .npy files")
        if path.suffix.lower() != ".npy" and not isinstance(network, ReadsPictures):
            raise EvonasError(f"{place!r} is no .npy file, and this network is not of pictures; give arrays as .npy")
        if path.is_dir() and isinstance(network, ReadsPictures):
            below, passed = network.files(path)
            if not below:
                raise EvonasError(f"the folder {place!r} holds no pictures{'; '.join(['', *passed])}")
            found += below
            for line in passed:
                say(f"passed over in {place!r}: {line}")
        else:
            found.append(path)
    return found


def _contents(file: Path) -> Any:
    """What `read` takes. Raises EvonasError where a .npy file is damaged, or needs unpickling."""
    if file.suffix.lower() != ".npy":
        return [file]
    from evonas.domains.array_files import mapped_npy

    return mapped_npy(file)


def _counted(warned: Sequence[str]) -> list[str]:
    """The first line of each kind, and how many more there are."""
    kinds = Counter("were made grey" in line for line in warned)
    first = {kind: next(line for line in warned if ("were made grey" in line) == kind) for kind in kinds}
    return [first[kind] + (f"; and of {n - 1:,} more files" if n > 1 else "") for kind, n in kinds.items()]


def write_csv(found: Iterator[Prediction], names: Sequence[str], out: Path) -> int:
    """`file, class, probability`, then a column for each class; returns how many rows.

    Raises EvonasError where the file cannot be written, and, when it is, where files were left out.
    """
    rows, left_out = 0, None
    try:
        with whole(out) as unfinished, unfinished.open("w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow([*HEAD, *(f"p:{name}" for name in names)])
            try:
                for rows, one in enumerate(found, 1):  # noqa: B007
                    best = one.ranked[0]
                    shown = [one.probabilities[best], *one.probabilities]
                    table.writerow([one.file, names[best], *(f"{p:.6g}" for p in shown)])
            except EvonasError as error:
                left_out = error
    except OSError as error:
        raise EvonasError(f"--out {str(out)!r} cannot be written: {error.strerror or error}") from error
    if left_out is not None:
        raise left_out
    return rows


def check_out(out: Path) -> None:
    """Raises EvonasError where predictions cannot be written there, or something else stands there."""
    if out.is_dir() or not out.absolute().parent.is_dir():
        raise EvonasError(f"--out {str(out)!r} is no file that can be written; give a CSV file in a folder that exists")
    if out.exists() and not out.read_text(encoding="utf-8", errors="replace").startswith((",".join(HEAD), "\n")):
        raise EvonasError(f"--out {str(out)!r} holds something else than predictions; give another file")


def print_rows(found: Iterator[Prediction], names: Sequence[str]) -> None:
    """A line each: file, class, probability, and the next probable class."""
    from evonas.app.console import print_table

    rows: list[list[str]] = []
    try:
        for one in found:
            best, *others = one.ranked
            then = f"{names[others[0]]} {percent(one.probabilities[others[0]])}" if others else ""
            rows.append([one.file, names[best], percent(one.probabilities[best]), then])
    finally:  # those that could be read, where others could not
        if rows:
            print_table([*HEAD, "next"], rows)
            sys.stdout.flush()
