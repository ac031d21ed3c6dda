"""Stratified splits: which images are trained on, which validate."""

from __future__ import annotations

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.types import Task
from evonas.domains.images.dataset import Images, Split
from evonas.domains.images.descriptors import describe
from evonas.domains.images.fingerprint import fingerprint

VALIDATION_SHARE = 0.2
MOST_VALIDATION = 10_000  # images; more would cost time and tell little


def split(images: Images, *, seed: int, train_size: int | None = None) -> Split:
    """Training and validation images, stratified by class and drawn by `seed`.

    A fifth validates, 10,000 images at most. With `train_size`, so many are trained on, and a quarter as many more, of
    those that are left, validate. The task's descriptors and fingerprint are of the whole data set.

    Raises EvonasError where a class would be missing from either part.
    """
    rng = np.random.default_rng([seed, 0x5117])
    available, classes = len(images.y), len(images.class_names)
    validation = min(MOST_VALIDATION, round(available * VALIDATION_SHARE))
    if train_size is not None:
        if not classes <= train_size <= available - classes:
            raise EvonasError(
                f"--train-size {train_size} will not do: {images.name!r} has {available} images of {classes} classes "
                f"to train and validate on; give {classes} to {available - classes}"
            )
        validation = min(MOST_VALIDATION, max(classes, train_size // 4), available - train_size)
    rest, val = stratified(images.y, validation, rng, images.name)
    if train_size is not None and train_size < len(rest):
        rest = rest[_drawn(images.y[rest], train_size, rng, spared=0)]
    height, width, channels = images.x.shape[1:]
    task = Task(
        name=images.name,
        input_shape=(channels, height, width),
        n_classes=classes,
        features=describe(images),
        fingerprint=fingerprint(images.x, images.x_test),
    )
    return Split(
        task,
        images.x[rest],
        images.y[rest],
        images.x[val],
        images.y[val],
        images.x_test,
        images.y_test,
        images.class_names,
        images.flip,
    )


def stratified(labels: np.ndarray, total: int, rng: np.random.Generator, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Positions of those kept and of the `total` put aside, both sorted; of each class at least one on either side.

    Raises EvonasError where a class has a single image.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        lonely = classes[counts.argmin()]
        raise EvonasError(f"class {lonely} of {name!r} has a single image, too few to split; give at least two a class")
    aside = _drawn(labels, total, rng, spared=1)
    return np.setdiff1d(np.arange(len(labels)), aside, assume_unique=True), aside


def _drawn(labels: np.ndarray, total: int, rng: np.random.Generator, spared: int) -> np.ndarray:
    """Sorted positions of `total` labels, of each class in proportion, at least one and at most all but `spared`."""
    _, counts = np.unique(labels, return_counts=True)
    order = rng.permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    starts = np.cumsum(counts) - counts
    quotas = _quotas(counts, total, counts - spared)
    return np.sort(np.concatenate([by_class[s : s + quota] for s, quota in zip(starts, quotas, strict=True)]))


def _quotas(counts: np.ndarray, total: int, most: np.ndarray) -> np.ndarray:
    """`total` divided in proportion to `counts` by largest remainders, as far as shares of 1 to `most` allow."""
    exact = counts * total / counts.sum()
    quotas = np.clip(np.floor(exact).astype(int), 1, most)
    while missing := total - quotas.sum():
        step = 1 if missing > 0 else -1
        free = quotas < most if step > 0 else quotas > 1
        if not free.any():
            break
        quotas[np.where(free, step * (exact - quotas), -np.inf).argmax()] += step
    return quotas
