"""Images as tensors on the device: cropped, mirrored and normalised there, many batches at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch

from evonas.core.types import Task

NORMALISED_AT_ONCE = 2**29  # bytes of floats: a CPU normalises sets up to this once and for all
AUGMENTED_AT_ONCE = 2**20  # numbers: few calls for small images, and large ones stay in the caches
FREE_SHARE = 0.5  # of a GPU's free memory that images may take; larger sets stay with the host and stream


class DeviceSet(Protocol):
    """Examples and labels of one part, where they are trained on: `y` (n,) is on the device."""

    y: torch.Tensor
    device: str

    def __len__(self) -> int: ...

    def batches(self, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """(n, *input_shape) normalised floats and (n,) labels on the device: all, in order."""
        ...

    def augmented(
        self, size: int, flip: bool, generator: torch.Generator
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The same in random order and varied, drawn from a CPU generator: an epoch."""
        ...


class TrainingData(Protocol):
    """What a trainer needs of the data: parts with their labels (n,), and how they come to a device.

    `flip` is whether a mirrored example keeps its class.
    """

    @property
    def task(self) -> Task: ...

    @property
    def flip(self) -> bool: ...

    @property
    def x_train(self) -> np.ndarray: ...

    @property
    def y_train(self) -> np.ndarray: ...

    @property
    def x_val(self) -> np.ndarray: ...

    @property
    def y_val(self) -> np.ndarray: ...

    @property
    def x_test(self) -> np.ndarray: ...

    @property
    def y_test(self) -> np.ndarray: ...

    def preprocessing(self) -> Preprocessing:
        """What every network for these data expects, learned from the training part."""
        ...

    def put(
        self, x: np.ndarray, y: np.ndarray, preprocessing: Preprocessing, device: str, augmented: bool
    ) -> DeviceSet:
        """Examples of any part on a device, ready to be augmented where they are trained on."""
        ...


@dataclass(frozen=True)
class Preprocessing:
    """What a network expects: `(value / scale - mean) / deviation` a channel.

    `reading` is its domain's record, in JSON values, of how a user's arrays come to these values; empty where there is
    one way only.
    """

    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    scale: float = 255.0
    reading: Mapping[str, Any] = field(default_factory=dict)

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

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels, *sizes) as they are held -> normalised floats."""
        x = x if x.dtype == torch.float64 else x.float()  # a large mean is taken from doubles before they are rounded
        each = (1, -1, *[1] * (x.ndim - 2))
        mean = torch.tensor(self.mean, device=x.device, dtype=x.dtype).view(each)
        deviation = torch.tensor(self.deviation, device=x.device, dtype=x.dtype).view(each)
        return ((x / self.scale - mean) / deviation).float()


@dataclass
class DeviceData:
    """A set of images for one device.

    `x` (n, height + 2·padding, width + 2·padding, channels) has a black border around each image, so that a shifted
    crop is one gather and the same as torchvision's `RandomCrop`. It is normalised floats on a CPU, bytes on a GPU,
    and bytes of the host where the GPU's memory is too small. `y` (n,) is on the device.
    """

    x: torch.Tensor
    y: torch.Tensor
    preprocessing: Preprocessing
    device: str
    padding: int = 0

    @classmethod
    def put(
        cls, images: np.ndarray, labels: np.ndarray, preprocessing: Preprocessing, device: str, padding: int = 0
    ) -> DeviceData:
        """From (n, height, width, channels) uint8 images and (n,) labels."""
        n, height, width, channels = images.shape
        padded = np.zeros((n, height + 2 * padding, width + 2 * padding, channels), np.uint8)
        padded[:, padding : padding + height, padding : padding + width] = images
        data = cls(torch.from_numpy(padded), torch.from_numpy(labels).to(device), preprocessing, device, padding)
        if device == "cpu":
            if padded.nbytes * 4 <= NORMALISED_AT_ONCE:
                data.x = data._normalised(data.x).permute(0, 2, 3, 1).contiguous()
        elif padded.nbytes <= FREE_SHARE * _free_memory(device):
            data.x = data.x.to(device)
        return data

    def __len__(self) -> int:
        return len(self.y)

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) without the border."""
        return self.x.shape[1] - 2 * self.padding, self.x.shape[2] - 2 * self.padding, self.x.shape[3]

    def batches(self, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """(n, channels, height, width) normalised floats, channels last in memory, and (n,) labels: all, in order."""
        height, width, _ = self.image_shape
        inner = self.x[:, self.padding : self.padding + height, self.padding : self.padding + width]
        for x, y in zip(inner.split(size), self.y.split(size), strict=True):
            yield self._normalised(x.contiguous().to(self.device, non_blocking=True)), y

    def augmented(
        self, size: int, flip: bool, generator: torch.Generator
    ) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """An epoch: batches of all images in random order, each shifted by up to `padding` pixels, perhaps mirrored.

        Drawn from a CPU generator and once an epoch, so that every device gets the same. Many batches are cropped by
        one gather. Where the host keeps the images, it crops the next ones while the device trains.
        """
        n = len(self)
        order = torch.randperm(n, generator=generator)
        shifts = torch.randint(0, 2 * self.padding + 1, (2, n), generator=generator)
        mirrored = torch.rand(n, generator=generator) < 0.5 if flip else torch.zeros(n, dtype=torch.bool)
        labels = self.y[order.to(self.device)]
        place = self.x.device
        order, shifts, mirrored = (draw.to(place) for draw in (order, shifts, mirrored))
        at_once = size * max(1, AUGMENTED_AT_ONCE // (size * int(np.prod(self.image_shape))))
        for start in range(0, n, at_once):
            some = slice(start, start + at_once)
            images = self._cropped(order[some], shifts[:, some], mirrored[some])
            if images.device.type != torch.device(self.device).type:
                images = images.pin_memory().to(self.device, non_blocking=True)
            yield from zip(self._normalised(images).split(size), labels[some].split(size), strict=True)

    def _cropped(self, images: torch.Tensor, shifts: torch.Tensor, mirrored: torch.Tensor) -> torch.Tensor:
        """(n, height, width, channels) of these positions in `x`."""
        height, width, channels = self.image_shape
        rows = torch.arange(height, device=images.device) + shifts[0, :, None]
        columns = torch.arange(width, device=images.device).expand(len(images), -1)
        columns = torch.where(mirrored[:, None], columns.flip(1), columns) + shifts[1, :, None]
        pixels = (images[:, None] * self.x.shape[1] + rows)[:, :, None] * self.x.shape[2] + columns[:, None, :]
        return self.x.view(-1, channels)[pixels]

    def _normalised(self, x: torch.Tensor) -> torch.Tensor:
        """(n, height, width, channels) as they are held -> (n, channels, height, width) floats, without a copy of
        what is normalised already."""
        x = x.permute(0, 3, 1, 2)
        return x if x.is_floating_point() else self.preprocessing(x)


def _free_memory(device: str) -> int:
    return torch.cuda.mem_get_info(device)[0] if device.startswith("cuda") else 2**62  # MPS shares the host's


def crop_padding(size: int) -> int:
    """Pixels that an image of this size may be shifted: 4 of 32 as is usual, 1 of 8."""
    return round(size / 8)
