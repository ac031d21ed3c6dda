"""A data set of images in memory, whole and split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.recipe import Recipe
from evonas.core.types import Task
from evonas.domains.fingerprint import fingerprint
from evonas.domains.images.descriptors import describe
from evonas.domains.images.reader import ImageReader
from evonas.domains.splitting import ArraySplit

if TYPE_CHECKING:
    from evonas.training.data import DeviceData, Preprocessing


@dataclass(frozen=True)
class Images:
    """A whole data set as it was loaded, before any split.

    Args:
        x, y: (n, height, width, channels) uint8 and (n,) whole numbers from 0: what may be learned from.
        x_test, y_test: the same; touched once, at the end.
        class_names: name of each class, so many as there are classes.
        flip: whether a mirrored image keeps its class (photographs: yes; digits: no).
        x_val, y_val: validation images, where they are given; else the split takes some of `x`.
        reader: how the arrays were read, and how a network reads its images; by default as bytes.
        notes: what is worth knowing about how the data were read, one line each.
        left_out: what was passed over or clipped, one line each; `strict` refuses it.
        metadata: what the source says of the data besides, as JSON values; `npy:` has the challenge's `benchmark`
            (percent) and `time_limit` (hours) here.
        files_test, files: names of the files that test images came from, and those of `x`, where they did.
        aside: positions, among all images that were given, of test images that had to be taken from there.
        groups: (n,) whole numbers from 0: images of the same one are never on two sides of a split.

    Raises EvonasError where the arrays are of another form: `images_from_arrays` brings them to it.
    """

    domain: ClassVar[str] = "images"

    name: str
    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    flip: bool = False
    x_val: np.ndarray | None = None
    y_val: np.ndarray | None = None
    reader: ImageReader | None = None
    notes: Sequence[str] = ()
    left_out: Sequence[str] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    files_test: Sequence[str] = ()
    files: Sequence[str] = ()
    aside: np.ndarray | None = None
    groups: np.ndarray | None = None

    def __post_init__(self) -> None:
        if (self.x_val is None) != (self.y_val is None):
            raise EvonasError(f"{self.name!r} has one of x_val and y_val; give both, or neither")
        for part in ("", "_test") if self.x_val is None else ("", "_test", "_val"):
            labels = self._checked(f"x{part}", f"y{part}")
            object.__setattr__(self, f"y{part}", labels)
        if self.reader is None:
            height, width, channels = self.x.shape[1:]
            object.__setattr__(self, "reader", ImageReader((height, width, channels)))

    def _checked(self, x: str, y: str) -> np.ndarray:
        """The labels as int64."""
        images, labels = np.asarray(getattr(self, x)), np.asarray(getattr(self, y))
        way_out = "evonas.domains.images.images_from_arrays makes Images of other arrays"
        if images.dtype != np.uint8 or images.ndim != 4:
            raise EvonasError(
                f"{x} of Images {self.name!r} holds {images.dtype} of shape {images.shape}, not uint8 of "
                f"(n, height, width, channels); {way_out}"
            )
        if images.shape[1:] != self.x.shape[1:]:
            raise EvonasError(f"{x} of Images {self.name!r} has images of {images.shape[1:]}, x of {self.x.shape[1:]}")
        if labels.dtype.kind not in "iu" or labels.shape != (len(images),):
            raise EvonasError(
                f"{y} of Images {self.name!r} holds {labels.dtype} of shape {labels.shape}, not one whole number for "
                f"each of {len(images)} images; {way_out}"
            )
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(self.class_names):
            raise EvonasError(
                f"{y} of Images {self.name!r} goes from {labels.min()} to {labels.max()}, but there are "
                f"{len(self.class_names)} class names; {way_out}"
            )
        return labels.astype(np.int64, copy=False)

    @cached_property
    def task(self) -> Task:
        """The task that the data set makes, with descriptors and fingerprint of the whole; computed once."""
        height, width, channels = self.x.shape[1:]
        parts = [part for part in (self.x, self.x_test, self.x_val) if part is not None]
        return Task(
            name=self.name,
            input_shape=(channels, height, width),
            n_classes=len(self.class_names),
            features=describe(self.x, self.y, len(self.class_names)),
            fingerprint=fingerprint(*parts),
            domain=self.domain,
        )


@dataclass(frozen=True)
class Split(ArraySplit):
    """What one run works with: uint8 images (n, height, width, channels), int64 labels (n,), and the task they make;
    `files_test` are the names of the test images' files, where they have any."""

    flip: bool = False
    reader: ImageReader | None = None
    notes: Sequence[str] = ()
    left_out: Sequence[str] = ()
    files_test: Sequence[str] = ()

    def preprocessing(self) -> Preprocessing:
        """Mean and deviation of the training images' channels, and how they were read."""
        from evonas.training.data import Preprocessing

        found = Preprocessing.of(self.x_train)
        return found if self.reader is None else replace(found, reading=self.reader.description())

    @property
    def recipe(self) -> Recipe:
        """Shifts of an eighth, as is usual (4 pixels of 32), and mirrored images where they keep their class."""
        return Recipe(shift_x=0.125, shift_y=0.125, mirror_x=self.flip)

    def put(self, x: np.ndarray, y: np.ndarray, preprocessing: Preprocessing, device: str) -> DeviceData:
        """Images of this split on a device."""
        from evonas.training.data import DeviceData

        return DeviceData.put(x, y, preprocessing, device)
