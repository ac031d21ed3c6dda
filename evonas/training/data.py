"""Images as tensors on the device: varied and normalised there, many batches at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import torch

from evonas.core.recipe import Recipe
from evonas.core.types import Task
from evonas.training.accelerators import kind_of, memory
from evonas.training.augmentation import Variation

NORMALISED_AT_ONCE = 2**29  # bytes of floats: a CPU normalises sets up to this once and for all
AUGMENTED_AT_ONCE = 2**20  # numbers: few calls for small images, and large ones stay in the caches
AUGMENTED_ON_A_GPU = 2**22  # where a call takes as long as the numbers of a whole batch
LARGE = 2**25  # numbers that are held as floats at once, where they are looked at only
FREE_SHARE = 0.5  # of the memory that a process may have on a GPU for data; larger sets stay with the host and stream


class DeviceSet(Protocol):
    """Examples and labels of one part, where they are trained on: `y` (n,) is on the device."""

    y: torch.Tensor
    device: str

    def __len__(self) -> int: ...

    def batches(self, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """(n, *input_shape) normalised floats and (n,) labels on the device: all, in order."""
        ...

    def augmented(self, recipe: Recipe, generator: torch.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """The same in random order and varied as the recipe says, drawn from a CPU generator: an epoch."""
        ...


class TrainingData(Protocol):
    """What a trainer needs of the data: parts with their labels (n,), and how they come to a device."""

    @property
    def task(self) -> Task: ...

    @property
    def recipe(self) -> Recipe:
        """How networks are trained on them whose encoding does not say it."""
        ...

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

    def refits(self, given: bool) -> bool:
        """Whether a final network learns from validation examples too; from `given` ones where that is asked for."""
        ...

    def labelled(self) -> tuple[np.ndarray, np.ndarray]:
        """Training and validation examples together, with their labels."""
        ...

    def preprocessing(self) -> Preprocessing:
        """What every network for these data expects, learned from the training part."""
        ...

    def put(self, x: np.ndarray, y: np.ndarray, preprocessing: Preprocessing, device: str) -> DeviceSet:
        """Examples of any part on a device."""
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
        # in pieces: a float copy of everything would not fit everywhere
        step = at_once(images.shape[1:], 4096)
        for start in range(0, len(images), step):
            piece = images[start : start + step].astype(np.float64)
            piece /= 255
            sums += piece.sum((0, 1, 2))
            np.square(piece, out=piece)
            squares += piece.sum((0, 1, 2))
        pixels = np.prod(images.shape[:3])
        mean = sums / pixels
        deviation = np.sqrt(np.maximum(squares / pixels - mean**2, 0))
        return cls(tuple(map(float, mean)), tuple(float(d) if d > 1e-6 else 1.0 for d in deviation))

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """(n, channels, *sizes) as they are held -> normalised floats."""
        x = x if x.dtype == torch.float64 else x.float()  # a large mean is taken from doubles before they are rounded
        each = (1, -1, *[1] * (x.ndim - 2))
        there = _kept_there if x.is_cuda else _there
        mean, deviation = (there(tuple(v), x.device, x.dtype).view(each) for v in (self.mean, self.deviation))
        return ((x / self.scale - mean) / deviation).float()


def _there(values: tuple[float, ...], device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    return torch.tensor(values, device=device, dtype=dtype)


@lru_cache(64)
def _kept_there(values: tuple[float, ...], device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    """Once for all: a GPU would be waited for each time."""
    with torch.inference_mode(False):
        return _there(values, device, dtype)


@dataclass
class DeviceData:
    """A set of images for one device.

    `x` (n, height, width, channels) is normalised floats on a CPU, bytes on a GPU, and bytes of the host where the
    GPU's memory is too small. `y` (n,) is on the device.
    """

    x: torch.Tensor
    y: torch.Tensor
    preprocessing: Preprocessing
    device: str

    @classmethod
    def put(cls, images: np.ndarray, labels: np.ndarray, preprocessing: Preprocessing, device: str) -> DeviceData:
        """From (n, height, width, channels) uint8 images and (n,) labels."""
        x = torch.from_numpy(np.ascontiguousarray(images))
        data = cls(x, torch.from_numpy(labels).to(device), preprocessing, device)
        if device == "cpu":
            if images.nbytes * 4 <= NORMALISED_AT_ONCE:
                data.x = data._normalised(data.x).permute(0, 2, 3, 1).contiguous()
        elif fits(images.nbytes, device):
            data.x = data.x.to(device)
        return data

    def __len__(self) -> int:
        return len(self.y)

    def batches(self, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """(n, channels, height, width) normalised floats, channels last in memory, and (n,) labels: all, in order."""
        for x, y in zip(self.x.split(size), self.y.split(size), strict=True):
            yield self._normalised(sent(x, self.device)), y

    def augmented(self, recipe: Recipe, generator: torch.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """An epoch: batches of all images in random order, each varied in its own way (`Variation`).

        Many batches are made at once. Where the host keeps the images, it varies the next ones while the device
        trains.
        """
        n, (height, width, channels) = len(self), self.x.shape[1:]
        drawn = Variation.draw(n, height, width, recipe, generator)
        labels = self.y[drawn.order.to(self.device)]
        here, there = drawn.to(self.x.device), drawn.to(torch.device(self.device))
        black = torch.zeros(channels, dtype=self.x.dtype, device=self.x.device)
        if self.x.is_floating_point():
            black = self.preprocessing(black.view(1, -1, 1, 1)).flatten()
        most = AUGMENTED_AT_ONCE if self.device == "cpu" else AUGMENTED_ON_A_GPU
        chunk = recipe.batch_size * max(1, most // (recipe.batch_size * height * width * channels))
        for start in range(0, n, chunk):
            some = slice(start, start + chunk)
            images = sent(here[some].images(self.x, black), self.device)
            images = there[some].turned(self._normalised(images))
            yield from zip(images.split(recipe.batch_size), labels[some].split(recipe.batch_size), strict=True)

    def _normalised(self, x: torch.Tensor) -> torch.Tensor:
        """(n, height, width, channels) as they are held -> (n, channels, height, width) floats, without a copy of
        what is normalised already."""
        x = x.permute(0, 3, 1, 2)
        return x if x.is_floating_point() else self.preprocessing(x)


def at_once(shape: tuple[int, ...], most: int) -> int:
    """So many examples of a shape as are held as floats at once, at least one."""
    return max(1, min(most, LARGE // max(1, int(np.prod(shape)))))


def fits(size: int, device: str) -> bool:
    """Whether a set of so many bytes may lie on a GPU, with the sets (and all else) that lie there already: asked where
    it is put there, in the process that trains, for others take of the same memory."""
    most, taken = memory(device)
    return size + taken <= FREE_SHARE * most


def sent(x: torch.Tensor, device: str) -> torch.Tensor:
    """The same on the device. What lies with the host goes to CUDA by pinned memory, while the device works on."""
    if kind_of(device) == x.device.type:
        return x
    return (x.pin_memory() if kind_of(device) == "cuda" else x).to(device, non_blocking=True)
