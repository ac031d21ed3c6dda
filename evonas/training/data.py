"""Images as tensors on the device: gathered, normalised and augmented there, a whole batch at a time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True)
class Preprocessing:
    """What a network expects: `(pixel / 255 - mean) / deviation` a channel."""

    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    @classmethod
    def of(cls, images: np.ndarray) -> Preprocessing:
        """From (n, height, width, channels) uint8 images; a constant channel is left unscaled."""
        sums, squares = np.zeros(images.shape[-1]), np.zeros(images.shape[-1])
        for start in range(0, len(images), 4096):  # in pieces: a float copy of everything would not fit everywhere
            piece = images[start : start + 4096].astype(np.float64) / 255
            sums += piece.sum((0, 1, 2))
            squares += (piece**2).sum((0, 1, 2))
        pixels = np.prod(images.shape[:3])
        mean = sums / pixels
        deviation = np.sqrt(np.maximum(squares / pixels - mean**2, 0))
        return cls(tuple(map(float, mean)), tuple(float(d) if d > 1e-6 else 1.0 for d in deviation))

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """(n, channels, height, width) uint8 -> float."""
        mean = torch.tensor(self.mean, device=images.device).view(1, -1, 1, 1)
        deviation = torch.tensor(self.deviation, device=images.device).view(1, -1, 1, 1)
        return (images.float() / 255 - mean) / deviation


@dataclass
class DeviceData:
    """A set of images on a device: `x` (n, channels, height, width) uint8 or normalised floats, `y` (n,)."""

    x: torch.Tensor
    y: torch.Tensor
    preprocessing: Preprocessing

    @classmethod
    def put(cls, images: np.ndarray, labels: np.ndarray, preprocessing: Preprocessing, device: str) -> DeviceData:
        """On a CPU small sets are normalised once and for all; on a GPU bytes are kept and normalised in the batch."""
        x = torch.from_numpy(np.ascontiguousarray(np.moveaxis(images, -1, 1))).to(device)
        if device == "cpu" and x.numel() * 4 <= _NORMALISED_AT_ONCE:
            x = preprocessing(x)
        return cls(x, torch.from_numpy(labels).to(device), preprocessing)

    def __len__(self) -> int:
        return len(self.y)

    def batch(self, rows: torch.Tensor) -> torch.Tensor:
        """(n, channels, height, width) normalised floats of these rows."""
        x = self.x[rows]
        return x if x.is_floating_point() else self.preprocessing(x)


_NORMALISED_AT_ONCE = 2**29  # bytes


def crop_padding(size: int) -> int:
    """Pixels that an image of this size may be shifted: 4 of 32 as is usual, 1 of 8."""
    return round(size / 8)


def augment(x: torch.Tensor, padding: int, flip: bool, generator: torch.Generator) -> torch.Tensor:
    """Each image shifted by up to `padding` pixels (what comes in is the border's mean level, 0), and perhaps mirrored.

    Drawn from a CPU generator, so that every device gets the same.
    """
    n, _, height, width = x.shape
    if padding:
        shifts = torch.randint(0, 2 * padding + 1, (2, n), generator=generator).to(x.device)
        rows = torch.arange(height, device=x.device) + shifts[0, :, None]
        columns = torch.arange(width, device=x.device) + shifts[1, :, None]
        if flip:
            mirrored = (torch.rand(n, 1, generator=generator) < 0.5).to(x.device)
            columns = torch.where(mirrored, columns.flip(1), columns)
        padded = torch.nn.functional.pad(x, (padding,) * 4)
        images = torch.arange(n, device=x.device)[:, None, None]
        return padded.permute(0, 2, 3, 1)[images, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
    if flip:
        mirrored = (torch.rand(n, 1, 1, 1, generator=generator) < 0.5).to(x.device)
        return torch.where(mirrored, x.flip(3), x)
    return x
