"""In which ways images may be varied and keep their class, by what a trained network makes of varied ones."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import torch
from torch import nn
from torch.nn import functional as F

from evonas.core.recipe import Recipe, shift_pixels
from evonas.training.data import DeviceSet, at_once

FEWEST, MOST, SHARE = 256, 1024, 48  # images of the validation part: one to so many that the network was trained on
SHIFT, LEAST = 0.125, 2  # of a side, and pixels at least: by one, nearly all squares of a board are seen as they were
LEARNED = 0.05  # accuracy above chance below which it is too coarse a measure
SURE = 3.0  # standard errors that a network's information must lie above none
SHARPNESS = tuple(0.02 * 1.5**k for k in range(20))  # of logits: networks that know little are often too sure

SHIFTS = ("shift_x", "shift_y")

Way = Callable[[torch.Tensor], torch.Tensor]


def kept(network: nn.Module, data: DeviceSet, n_classes: int, trained: Recipe, images: int = 0) -> dict[str, float]:
    """`keeps_mirror_x`, `keeps_mirror_y`: which share of its information on the classes a network keeps on images that
    are mirrored; `keeps_shift_x`, `keeps_shift_y`: which share of its accuracy above chance (where that is little, of
    its information) on images that are shifted by an eighth of a side. `images` is how many it was trained on.

    Of what it was `trained` on so it says nothing: it has learned to keep that. Nor does it where it has learned too
    little to tell. A class that a mirrored image loses (letters, digits in channels) is no class to train with mirrored
    images.
    """
    shape = tuple(next(iter(data.batches(1)))[0].shape[1:])
    if len(shape) != 3:
        return {}
    recipe = Recipe(batch_size=max(2, at_once(shape, FEWEST)))
    looked_at = min(MOST, max(FEWEST, images // SHARE))
    drawn = data.augmented(recipe, torch.Generator().manual_seed(0))
    batches = list(islice(drawn, -(-looked_at // recipe.batch_size)))
    network.eval()

    def logits(way: Way) -> torch.Tensor:
        with torch.inference_mode():
            return torch.cat([network(way(some)).float() for some, _ in batches])

    plain = logits(lambda x: x)
    known = Known.of(plain, torch.cat([labels for _, labels in batches]), n_classes)
    if not known.sure:
        return {}
    of_shifts = known.above_chance if known.above_chance(plain) >= LEARNED else known.information
    found = {}
    for name, ways in variations(*shape[1:]).items():
        if not getattr(trained, name):
            measure = of_shifts if name in SHIFTS else known.information
            varied = sum(measure(logits(way)) for way in ways) / len(ways)
            found[f"keeps_{name}"] = max(0.0, varied / measure(plain))
    return found


@dataclass(frozen=True)
class Known:
    """What a network knows of the classes of some images, by its logits.

    Information is the mean of log2(p / frequency), in bits, p the probability that the network gives an image's class
    and the frequency that class's own. It shows long before accuracy does (boards, puzzles, many classes), and by
    fewer images.

    Args:
        labels: (n,).
        prior: (n_classes,) logarithms of the classes' frequencies.
        sharpness: what logits are multiplied by before they are probabilities.
        sure: whether the information is more than none beyond chance.
    """

    labels: torch.Tensor
    prior: torch.Tensor
    sharpness: float = 1.0
    sure: bool = False

    @classmethod
    def of(cls, logits: torch.Tensor, labels: torch.Tensor, n_classes: int) -> Known:
        """With the sharpness that makes most of `logits`, (n, n_classes)."""
        counts = labels.bincount(minlength=n_classes) + 1.0
        prior = (counts / counts.sum()).log()
        scale = float(logits.std()) or 1.0
        tried = [cls(labels, prior, sharpness / scale) for sharpness in SHARPNESS]
        found = max(tried, key=lambda one: one.information(logits))
        bits = found.bits(logits)
        error = float(bits.std()) / len(bits) ** 0.5
        return cls(labels, prior, found.sharpness, float(bits.mean()) > SURE * error)

    def bits(self, logits: torch.Tensor) -> torch.Tensor:
        """(n,): of each image."""
        centred = logits - logits.mean(1, keepdim=True)
        gained = F.log_softmax(self.sharpness * centred + self.prior, 1) - self.prior
        return gained.gather(1, self.labels[:, None])[:, 0] / math.log(2)

    def information(self, logits: torch.Tensor) -> float:
        return float(self.bits(logits).mean())

    def above_chance(self, logits: torch.Tensor) -> float:
        """Accuracy, less the share of the commonest class."""
        commonest = float(self.labels.bincount().max()) / len(self.labels)
        return float((logits.argmax(1) == self.labels).float().mean()) - commonest


def variations(height: int, width: int) -> dict[str, list[Way]]:
    """What is done to images of a size, by the name of the recipe's field."""
    down, across = (max(LEAST, shift_pixels(SHIFT, side)) for side in (height, width))
    return {
        "mirror_x": [lambda x: x.flip(3)],
        "mirror_y": [lambda x: x.flip(2)],
        "shift_x": [lambda x: shifted(x, across, 3), lambda x: shifted(x, -across, 3)],
        "shift_y": [lambda x: shifted(x, down, 2), lambda x: shifted(x, -down, 2)],
    }


def shifted(x: torch.Tensor, by: int, axis: int) -> torch.Tensor:
    """Pixels that come in from outside are those that were next to the border before."""
    size = x.shape[axis]
    places = (torch.arange(size, device=x.device) - by).clamp(0, size - 1)
    return x.index_select(axis, places)
