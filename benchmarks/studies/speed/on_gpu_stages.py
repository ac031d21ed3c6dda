"""What on_gpu.py runs: a stage a script, with its arguments and its limit, what matters most first."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Stage:
    """A command that has `limit` seconds; `missing` says what it cannot be run without."""

    name: str
    limit: float
    command: Sequence[str]
    missing: str = ""


@dataclass(frozen=True)
class Kind:
    """A script's arguments on a GPU, sized to end within `limit` seconds there, and in a trial. `data` is how it is
    given the images; None where it takes none."""

    limit: float
    arguments: str
    quick: str
    data: str | None = "--data"


# CUDA's start, some five seconds a process, is in all of them. A figure of one seed is a figure; none is none.
KINDS = {
    "train": Kind(
        125,
        "--train-size 25000 --epochs 2 --seeds 3 --seconds 30 --networks cell",
        "--train-size 128 --epochs 1 --seeds 1 --networks light",
    ),
    "first_step": Kind(50, "--repeats 2", "--repeats 1 --epochs 1 --train-size 64", data=None),
    "sharing": Kind(  # processes, and together in one
        125,
        "--train-size 10000 --epochs 2 --trainings 12 --rounds 1 --seconds 90 --workers 1 4 8 --together 4 8 2x4",
        "--train-size 128 --epochs 1 --trainings 2 --rounds 1 --workers 1 --together 2",
    ),
    "nb201": Kind(
        115, "--seeds 3 --seconds 30", "--cells 2 --seeds 1 --epochs 1 --train-size 32 --seconds 1", "--images"
    ),
    "kernels": Kind(30, "--repeats 30", "--repeats 1"),
    "breakdown": Kind(30, "--networks dense mixed slim", "--steps 2 --networks light"),
}
TESTS = 60.0


def stages(folder: Path, options: argparse.Namespace) -> list[Stage]:
    """The tests, then the scripts of `folder`, by `device`, `quick`, `images`, `published` and `record`."""
    tests = ["tests/training/test_training_cuda.py"] if options.quick else ["tests/training"]  # all marked `gpu`
    pytest = [sys.executable, "-m", "pytest", "-m", "gpu", "-q", "-n", "0", "-p", "no:cacheprovider", *tests]
    return [
        Stage("tests", TESTS, pytest),
        *(_stage(name, kind, folder, options) for name, kind in KINDS.items()),
    ]


def _stage(name: str, kind: Kind, folder: Path, options: argparse.Namespace) -> Stage:
    script = folder / f"{name}.py"
    command = [sys.executable, str(script), "--device", options.device, "--json"]
    command += (kind.quick if options.quick else kind.arguments).split()
    missing = [] if script.exists() else [script.name]
    if kind.data == "--images":
        for wanted in ("images", "published"):
            path = getattr(options, wanted)
            command += [f"--{wanted}", str(path)]
            missing += [] if path and path.exists() else [f"--{wanted}"]
    elif kind.data and not options.quick:
        command += [kind.data, f"npz:{options.images}"]
        missing += [] if options.images and options.images.exists() else ["--images"]
    elif kind.data:
        command += [kind.data, "digits"]
    return Stage(name, kind.limit, [*command, *(["--record"] if options.record else [])], " and ".join(missing))
