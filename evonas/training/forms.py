"""Test-time augmentation: a network looks at an image in several forms and gives the mean of its logits."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from evonas.core.recipe import Recipe, shift_pixels
from evonas.training.probing import shifted

SLIGHT = 1 / 32  # of a side, and one pixel at least: more would cut off what matters


@dataclass(frozen=True)
class Forms:
    """The forms of an image: mirrored left to right or top to bottom, or not; shifted by so many pixels, down and to
    the right or up and to the left, or not. All combinations."""

    mirror_x: bool = False
    mirror_y: bool = False
    shift_x: int = 0
    shift_y: int = 0

    @classmethod
    def of(cls, recipe: Recipe, input_shape: tuple[int, ...]) -> Forms:
        """Those of images that a network was trained with, less shifted; of anything but images the one it has."""
        if len(input_shape) != 3:
            return cls()
        _, height, width = input_shape
        shifts = [
            min(shift_pixels(share, side), max(1, round(SLIGHT * side)))
            for share, side in ((recipe.shift_x, width), (recipe.shift_y, height))
        ]
        return cls(recipe.mirror_x, recipe.mirror_y, *shifts)

    @property
    def count(self) -> int:
        """How many there are: so many times an image goes through the network."""
        return (3 if self.shift_x or self.shift_y else 1) * (1 + self.mirror_x) * (1 + self.mirror_y)

    def each(self, x: torch.Tensor) -> list[torch.Tensor]:
        """(n, channels, height, width) images in one form after the other, the first as they are."""
        moves = (0, 1, -1) if self.shift_x or self.shift_y else (0,)
        found = [shifted(shifted(x, move * self.shift_x, 3), move * self.shift_y, 2) if move else x for move in moves]
        for mirrored, axis in ((self.mirror_x, 3), (self.mirror_y, 2)):
            found += [form.flip(axis) for form in found] if mirrored else []
        return found


ONE_FORM = Forms()


class OverForms(nn.Module):
    """A network's mean logits over the forms of an image."""

    def __init__(self, network: nn.Module, forms: Forms):
        super().__init__()
        self.network, self.forms = network, forms

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels, height, width) -> (n, classes). One form after the other, so that it takes no more memory; all
        in one batch where a program is made of it, which has the network once then."""
        forms = self.forms.each(x)
        if torch.compiler.is_compiling():
            return self.network(torch.cat(forms)).unflatten(0, (len(forms), -1)).mean(0)
        return torch.stack([self.network(form) for form in forms]).mean(0)


def over_forms(network: nn.Module, forms: Forms) -> nn.Module:
    """The network itself where there is one form."""
    return OverForms(network, forms) if forms.count > 1 else network
