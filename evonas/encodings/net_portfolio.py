"""What of `net` is worth trying before anything else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evonas.encodings.recipe_genes import DEFAULT_RECIPE

BASELINE: Mapping[str, Any] = {
    "stem": "white",
    "reduction": 1,
    "width": 32,
    "stages": 3,
    "growth": 1.5,
    "depth": 1,
    "block": "pool",
    "kernel": "3x3",
    "head": "mean",
    "dropout": 0.0,
    **DEFAULT_RECIPE,
}

# What each changes: several things at once, so that they are unlike. Of the first seven each adds most to those before
# it, on data sets that nothing is reported on (digits, chess, words, spectra, shapes).
OTHERS: Mapping[str, Mapping[str, Any]] = {
    "column": {"stem": "column", "width": 48, "stages": 2, "dropout": 0.1, "lr": 0.5},
    "fast": {"reduction": 2, "stages": 2, "growth": 2.0, "lr": 2.0, "batch": 32},
    "far": {"width": 24, "kernel": "5x5", "growth": 2.0, "head": "mean+max", "lr": 0.5, "smoothing": 0.0},
    "ResNet-8": {"stem": "conv", "width": 16, "growth": 2.0, "depth": 0, "block": "residual", "optimizer": "sgd"},
    "board": {"stem": "conv", "stages": 2, "head": "flatten", "dropout": 0.1, "lr": 0.5},
    "wide": {"width": 64, "stages": 2, "growth": 2.0, "depth": 0, "lr": 0.5},
    "row": {"stem": "row", "width": 48, "stages": 2, "dropout": 0.1, "lr": 0.5},
    "deep": {"width": 24, "depth": 3, "lr": 0.5, "decay": 5.0},
    "careful": {"width": 16, "growth": 2.0, "block": "residual", "lr": 0.25, "batch": 128},
    "plain": {"stem": "conv", "reduction": 2, "growth": 2.0, "block": "plain", "optimizer": "adamw", "averaging": 0.1},
    "small": {"width": 16, "growth": 2.0, "stages": 4, "batch": 32, "head": "flatten", "averaging": 0.1},
}
# The baseline of boards, where every place counts to the end. On four that nothing is reported on (chess, queens,
# lines, latin squares) it makes half of the errors of what wins in short trainings, or fewer, in 37 s on a core.
PLACES: Mapping[str, Any] = {
    "stem": "conv",
    "stages": 1,
    "depth": 3,
    "block": "residual",
    "head": "flatten",
    "dropout": 0.1,
}
OF_LINES = ("board", "column", "row")  # what is laid out rather than photographed


def portfolio(shape: Sequence[int]) -> list[Mapping[str, Any]]:
    """Choices that differ from `BASELINE`'s: the fixed baseline, then others.

    Of pictures with a side below 16 pixels, or more than twice as long as wide, those of lines are the next; where both
    sides are that short, the baseline is the one for boards.
    """
    sides = sorted(shape[1:])
    lines = len(sides) == 2 and (sides[0] < 16 or sides[1] > 2 * sides[0])
    others = [OTHERS[name] for name in sorted(OTHERS, key=lambda name: lines and name not in OF_LINES)]
    return [PLACES, others[0], {}, *others[1:]] if lines and sides[1] < 16 else [{}, *others]
