"""Where series come from: `series:FILE.npz`, or `ucr:PATH` of the UCR/UEA archives' files."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from evonas.core.errors import EvonasError, choices
from evonas.domains.array_files import read_npz
from evonas.domains.series import files
from evonas.domains.series.arrays import series_from_arrays
from evonas.domains.series.dataset import Series

KNOWN = ("x_train", "y_train", "x_test", "y_test", "class_names")
TRAIN, TEST = "_TRAIN", "_TEST"


def from_npz(argument: str, *, root: Path | None = None) -> Series:
    """Arrays `x_train, y_train[, x_test, y_test][, class_names]`; `x` is (n, length, channels) or (n, length)."""
    path = Path(os.path.expanduser(argument))
    if argument and (path.suffix.lower() in files.SUFFIXES or path.is_dir()):
        raise EvonasError(f"{argument!r} is no npz file; write --data ucr:{argument}")
    if not path.is_file():
        raise EvonasError(f"no file {argument!r}; give series:PATH of an npz file with x_train and y_train")
    held, others = read_npz(path, KNOWN)
    missing = [key for key in ("x_train", "y_train") if key not in held]
    if missing:
        raise EvonasError(f"{str(path)!r} has no array {missing[0]!r}; it has {choices([*held, *others]) or 'none'}")
    names = [str(name) for name in np.atleast_1d(held["class_names"])] if "class_names" in held else None
    return series_from_arrays(
        held["x_train"], held["y_train"], held.get("x_test"), held.get("y_test"), name=path.stem, class_names=names
    )


def from_ucr(argument: str, *, root: Path | None = None) -> Series:
    """`PATH/NAME_TRAIN.ts` or `.tsv` with its `NAME_TEST` beside it, the folder that holds them, or any one file."""
    path = _file(Path(os.path.expanduser(argument)), argument)
    stem = path.stem.removesuffix(TRAIN)
    test = path.with_name(f"{stem}{TEST}{path.suffix}")
    if path.stem.endswith(TEST):
        raise EvonasError(f"{str(path)!r} is the test part; give the {TRAIN} file, and it is found beside it")
    series, labels = files.read(path)
    held, answers = files.read(test) if path.stem.endswith(TRAIN) and test.is_file() else (None, None)
    return series_from_arrays(series, labels, held, answers, name=stem)


def _file(path: Path, argument: str) -> Path:
    if path.is_file():
        if path.suffix.lower() not in files.SUFFIXES:
            raise EvonasError(f"{argument!r} is neither a .ts nor a .tsv file; an npz file is series:{argument}")
        return path
    if not argument or not path.is_dir():
        raise EvonasError(f"no file or folder {argument!r}; give ucr:PATH of a .ts or .tsv file, or of their folder")
    found = {one.stem: one for suffix in reversed(files.SUFFIXES) for one in sorted(path.glob(f"*{TRAIN}{suffix}"))}
    if path.name + TRAIN in found:
        return found[path.name + TRAIN]
    if len(found) != 1:
        there = f"those of {choices(found)}" if found else "none"
        raise EvonasError(f"the folder {argument!r} needs one file NAME{TRAIN}.ts or .tsv, it holds {there}; name one")
    return next(iter(found.values()))
