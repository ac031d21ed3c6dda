"""How training images are varied: shifted, mirrored, turned, a square blanked out. Drawn once an epoch, on the CPU."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch.nn import functional as F

from evonas.core.recipe import Recipe, shift_pixels


@dataclass(frozen=True)
class Variation:
    """What is drawn for n images, each (n,): `order` their positions in the set; pixels of a shift; whether they are
    mirrored; radians; the first row and column of a hole of `hole` pixels a side. None: not at all."""

    order: torch.Tensor
    shift_y: torch.Tensor | None = None
    shift_x: torch.Tensor | None = None
    mirror_y: torch.Tensor | None = None
    mirror_x: torch.Tensor | None = None
    angle: torch.Tensor | None = None
    hole_y: torch.Tensor | None = None
    hole_x: torch.Tensor | None = None
    hole: int = 0

    @classmethod
    def draw(cls, n: int, height: int, width: int, recipe: Recipe, generator: torch.Generator) -> Variation:
        """For a whole epoch of n images, from a CPU generator, so that every device gets the same."""
        order = torch.randperm(n, generator=generator)
        most_y, most_x = shift_pixels(recipe.shift_y, height), shift_pixels(recipe.shift_x, width)
        shifts = [torch.randint(0, 2 * most + 1, (n,), generator=generator) - most for most in (most_y, most_x)]
        mirrored = [
            torch.rand(n, generator=generator) < 0.5 if mirror else None
            for mirror in (recipe.mirror_x, recipe.mirror_y)
        ]
        angle = None
        if recipe.rotation:
            angle = (2 * torch.rand(n, generator=generator) - 1) * math.radians(recipe.rotation)
        hole, corners = shift_pixels(recipe.cutout, min(height, width)), [None, None]
        if hole:  # the middle is anywhere, so that parts of it may lie outside (DeVries & Taylor 2017)
            corners = [torch.randint(0, side, (n,), generator=generator) - hole // 2 for side in (height, width)]
        return cls(
            order,
            shifts[0] if most_y else None,
            shifts[1] if most_x else None,
            mirrored[1],
            mirrored[0],
            angle,
            corners[0],
            corners[1],
            hole,
        )

    def to(self, device: torch.device) -> Variation:
        return replace(self, **{name: draw.to(device) for name, draw in self._drawn().items()})

    def __getitem__(self, some: slice) -> Variation:
        """That of some of the images."""
        return replace(self, **{name: draw[some] for name, draw in self._drawn().items()})

    def _drawn(self) -> dict[str, torch.Tensor]:
        return {name: value for name, value in vars(self).items() if isinstance(value, torch.Tensor)}

    def images(self, x: torch.Tensor, black: torch.Tensor) -> torch.Tensor:
        """(n, height, width, channels) of the set `x` of such images, shifted and mirrored by one gather.

        What a shift brings in from outside is `black` (channels,).
        """
        _, height, width, channels = x.shape
        rows, rows_inside = _moved(height, self.shift_y, self.mirror_y, x.device)
        columns, columns_inside = _moved(width, self.shift_x, self.mirror_x, x.device)
        if len(rows) == len(columns) == 1 and self.mirror_x is None and self.mirror_y is None:
            found = x[self.order]
        else:
            pixels = (self.order[:, None] * height + rows)[:, :, None] * width + columns[:, None, :]
            found = x.reshape(-1, channels)[pixels]
        if rows_inside is not None:
            found = torch.where(rows_inside[:, :, None, None], found, black)
        if columns_inside is not None:
            found = torch.where(columns_inside[:, None, :, None], found, black)
        return found

    def turned(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels, height, width) floats: turned, and with their holes, both of which show 0, the mean."""
        if self.angle is not None:
            cosine, sine, zero = self.angle.cos(), self.angle.sin(), torch.zeros_like(self.angle)
            ratio = x.shape[2] / x.shape[3]  # the grid counts each side as 2, whatever its pixels
            matrix = torch.stack([cosine, -sine * ratio, zero, sine / ratio, cosine, zero], 1).view(-1, 2, 3)
            grid = F.affine_grid(matrix.to(x.device), list(x.shape), align_corners=False)
            x = F.grid_sample(x, grid, align_corners=False)
        if self.hole_y is not None and self.hole_x is not None:
            in_rows, in_columns = (
                (torch.arange(side, device=x.device) - corner[:, None] >= 0)
                & (torch.arange(side, device=x.device) - corner[:, None] < self.hole)
                for side, corner in ((x.shape[2], self.hole_y), (x.shape[3], self.hole_x))
            )
            x = x.masked_fill((in_rows[:, :, None] & in_columns[:, None, :])[:, None], 0.0)
        return x


def _moved(
    side: int, shift: torch.Tensor | None, mirror: torch.Tensor | None, device: torch.device
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """(n, side) positions along a side, (1, side) where all are alike, and which of them lie inside the image."""
    places = torch.arange(side, device=device).expand(1, -1)
    if mirror is not None:
        places = torch.where(mirror[:, None], places.flip(1), places)
    if shift is None:
        return places, None
    places = places + shift[:, None]
    return places.clamp(0, side - 1), (places >= 0) & (places < side)
