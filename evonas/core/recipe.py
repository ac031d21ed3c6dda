"""How a network is trained, whatever the length: the optimizer, its settings, and how training images are varied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from numbers import Real
from typing import Literal, get_args

from evonas.core.errors import EvonasError

Optimizer = Literal["sgd", "adamw", "muon"]
OPTIMIZERS: tuple[str, ...] = get_args(Optimizer)


@dataclass(frozen=True)
class Recipe:
    """The settings of a training. Lengths are shares, so that one recipe fits every size of image and every budget.

    An encoding whose genomes hold recipes has `recipe(genome)` (`evonas.core.optional.HasRecipe`), and the trainer
    obeys it.

    Args:
        optimizer: `sgd` with Nesterov momentum; `adamw` (Loshchilov & Hutter 2019, ICLR); `muon`: orthogonalised
            momentum for weights of two axes and more (Jordan et al. 2024), SGD for the rest.
        lr: the highest learning rate.
        weight_decay: of weights; scales and shifts of normalisation, and biases, keep their freedom.
        label_smoothing: share of the target that goes to all classes alike.
        batch_size: images a step, 2 or more: batch normalisation needs two.
        warm_up: share of the training in which the learning rate rises; then it falls in a cosine.
        mirror_x, mirror_y: whether images are mirrored left to right, and top to bottom, half of the time.
        shift_x, shift_y: share of the width and of the height by which images are shifted, at most.
        rotation: degrees by which images are turned, at most.
        cutout: side of the square that is blanked out, as a share of the shorter side (DeVries & Taylor 2017).
        mixup: α of the Beta distribution by which two images are mixed (Zhang et al. 2018, ICLR); 0: they are not.
        averaging: share of the training's steps over which weights are averaged at its end (exponentially, as a time
            constant; Izmailov et al. 2018, UAI, average with equal weights); 0: the last weights are taken.

    Raises EvonasError where a value is out of its range.
    """

    optimizer: Optimizer = "sgd"
    lr: float = 0.2
    weight_decay: float = 5e-4
    label_smoothing: float = 0.1
    batch_size: int = 64
    warm_up: float = 0.1
    mirror_x: bool = False
    mirror_y: bool = False
    shift_x: float = 0.0
    shift_y: float = 0.0
    rotation: float = 0.0
    cutout: float = 0.0
    mixup: float = 0.0
    averaging: float = 0.0

    def __post_init__(self) -> None:
        if self.optimizer not in OPTIMIZERS:
            raise EvonasError(f"no optimizer {self.optimizer!r}; there are {', '.join(OPTIMIZERS)}")
        for field in fields(self):
            if field.name not in RANGES:
                continue
            value, (valid, words) = getattr(self, field.name), RANGES[field.name]
            if isinstance(value, bool) or not isinstance(value, Real) or not valid(float(value)):
                raise EvonasError(f"a recipe's {field.name} is {value!r}; give {words}")


RANGES: dict[str, tuple[Callable[[float], bool], str]] = {
    "lr": (lambda value: 0 < value < float("inf"), "a number above 0"),
    "weight_decay": (lambda value: 0 <= value < float("inf"), "0 or more"),
    "label_smoothing": (lambda value: 0 <= value < 1, "0 up to below 1"),
    "batch_size": (lambda value: value >= 2 and value == int(value), "a whole number of 2 or more"),
    "warm_up": (lambda value: 0 <= value < 1, "0 up to below 1"),
    "shift_x": (lambda value: 0 <= value <= 1, "a share of 0 to 1"),
    "shift_y": (lambda value: 0 <= value <= 1, "a share of 0 to 1"),
    "rotation": (lambda value: 0 <= value <= 180, "0 to 180 degrees"),
    "cutout": (lambda value: 0 <= value <= 1, "a share of 0 to 1"),
    "mixup": (lambda value: 0 <= value < float("inf"), "0 or more"),
    "averaging": (lambda value: 0 <= value < 1, "0 up to below 1"),
}


def shift_pixels(share: float, size: int) -> int:
    """Pixels of a shift by a share of an image's side: 4 of 32 for an eighth, 1 of 8."""
    return round(share * size)
