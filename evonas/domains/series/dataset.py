"""A data set of series in memory, whole and split, and on the device where it is trained on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from evonas.core.recipe import Recipe
from evonas.core.types import Task
from evonas.domains.fingerprint import fingerprint
from evonas.domains.series.descriptors import describe
from evonas.domains.splitting import ArraySplit

if TYPE_CHECKING:
    import torch

    from evonas.training.data import Preprocessing


@dataclass(frozen=True)
class Series:
    """A whole data set as it was loaded, before any split.

    `x` (n, length, channels) finite floats and `y` (n,) int64 are what may be learned from; `x_test`, `y_test` are
    touched once, at the end; where `x_val` is given, it validates. `notes` say what was done to the values on the way.
    `aside` are positions, among all that were given, of test series that had to be taken from there; those of one of
    the `groups` (n,), from 0, are never on two sides of a split.
    """

    domain: ClassVar[str] = "series"

    name: str
    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    x_val: np.ndarray | None = None
    y_val: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    aside: np.ndarray | None = None
    groups: np.ndarray | None = None

    @cached_property
    def task(self) -> Task:
        """The task that the data set makes, with descriptors and fingerprint of the whole; computed once."""
        length, channels = self.x.shape[1:]
        parts = [part for part in (self.x, self.x_test, self.x_val) if part is not None]
        return Task(
            name=self.name,
            input_shape=(channels, length),
            n_classes=len(self.class_names),
            features=describe(self.x, self.y, len(self.class_names)),
            fingerprint=fingerprint(*(part.astype(np.float32) for part in parts)),
            domain=self.domain,
        )


@dataclass(frozen=True)
class Split(ArraySplit):
    """What one run works with: series (n, length, channels), int64 labels (n,), and the task they make."""

    notes: tuple[str, ...] = ()

    def preprocessing(self) -> Preprocessing:
        """Mean and deviation of each channel of the training series; a constant channel is left unscaled."""
        from evonas.training.data import Preprocessing

        values = self.x_train.reshape(-1, self.x_train.shape[-1]).astype(np.float64)
        means = values[0] + (values - values[0]).mean(0)  # sums of large values would round
        deviations = np.where(values.max(0) > values.min(0), values.std(0), 1.0)
        return Preprocessing(tuple(map(float, means)), tuple(map(float, deviations)), scale=1.0)

    @property
    def recipe(self) -> Recipe:
        return Recipe()

    def put(self, x: np.ndarray, y: np.ndarray, preprocessing: Preprocessing, device: str) -> DeviceSeries:
        """Series of this split on a device; those that take too much of a GPU's memory stay with the host."""
        import torch

        from evonas.training.data import fits

        normalised = preprocessing(torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1))))
        if device != "cpu" and fits(normalised.nbytes, device):
            normalised = normalised.to(device)
        return DeviceSeries(normalised, torch.from_numpy(y).to(device), device)


@dataclass
class DeviceSeries:
    """A set for one device: `x` (n, channels, length) normalised floats, there or with the host; `y` (n,) there."""

    x: torch.Tensor
    y: torch.Tensor
    device: str

    def __len__(self) -> int:
        return len(self.y)

    def batches(self, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """All, in order."""
        from evonas.training.data import sent

        return zip((sent(x, self.device) for x in self.x.split(size)), self.y.split(size), strict=True)

    def augmented(self, recipe: Recipe, generator: torch.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """An epoch: all in random order, drawn from a CPU generator, so that every device gets the same.

        They are not varied: what a shift or noise leaves of a class depends on the signal.
        """
        import torch

        from evonas.training.data import sent

        order = torch.randperm(len(self), generator=generator)
        labels, order = self.y[order.to(self.device)], order.to(self.x.device)
        some = (sent(self.x[places], self.device) for places in order.split(recipe.batch_size))
        return zip(some, labels.split(recipe.batch_size), strict=True)
