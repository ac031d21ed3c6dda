"""In which ways images may be varied and keep their class, by what a trained network makes of varied ones."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from evonas.core.recipe import Recipe, shift_pixels
from evonas.training.data import DeviceSet, at_once

PROBED = 256  # images of the validation part
SHIFT = 0.125  # of a side
LEARNED = 0.05  # accuracy above chance below which a network says nothing

MIRRORS = ("mirror_x", "mirror_y")
SHIFTS = ("shift_x", "shift_y")


def kept(network: nn.Module, data: DeviceSet, n_classes: int, trained: Recipe) -> dict[str, float]:
    """`keeps_mirror_x`, `keeps_mirror_y`, `keeps_shift_x`, `keeps_shift_y`: which share of its accuracy above chance a
    network keeps on images that are mirrored, or shifted by an eighth of a side; 0 where it has learned too little.
    Of what it was `trained` on so it says nothing: it has learned to keep that.

    A class that a mirrored image loses (letters, digits in channels) is no class to train with mirrored images.
    """
    recipe = Recipe(batch_size=max(2, at_once(tuple(next(iter(data.batches(1)))[0].shape[1:]), PROBED)))
    images, labels = next(iter(data.augmented(recipe, torch.Generator().manual_seed(0))))
    if images.ndim != 4:
        return {}
    chance = float(labels.bincount(minlength=n_classes).max()) / len(labels)
    height, width = images.shape[2:]
    down, across = max(1, shift_pixels(SHIFT, height)), max(1, shift_pixels(SHIFT, width))
    ways: dict[str, list[Callable[[torch.Tensor], torch.Tensor]]] = {
        "mirror_x": [lambda x: x.flip(3)],
        "mirror_y": [lambda x: x.flip(2)],
        "shift_x": [lambda x: shifted(x, across, 3), lambda x: shifted(x, -across, 3)],
        "shift_y": [lambda x: shifted(x, down, 2), lambda x: shifted(x, -down, 2)],
    }
    ways = {name: each for name, each in ways.items() if not getattr(trained, name)}
    network.eval()

    def above_chance(x: torch.Tensor) -> float:
        with torch.inference_mode():
            return float((network(x).argmax(1) == labels).float().mean()) - chance

    plain = above_chance(images)
    if plain < LEARNED:
        return {f"keeps_{name}": 0.0 for name in ways}
    return {
        f"keeps_{name}": max(0.0, sum(above_chance(way(images)) for way in each) / len(each) / plain)
        for name, each in ways.items()
    }


def shifted(x: torch.Tensor, by: int, axis: int) -> torch.Tensor:
    """Pixels that come in from outside are those that were next to the border before."""
    size = x.shape[axis]
    places = (torch.arange(size, device=x.device) - by).clamp(0, size - 1)
    return x.index_select(axis, places)
