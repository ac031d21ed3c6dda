"""Stratified splits: which images are trained on, which validate."""

from __future__ import annotations

import numpy as np

from evonas.errors import EvonasError
from evonas.tasks.descriptors import describe
from evonas.tasks.fingerprint import fingerprint
from evonas.tasks.images import Images, Split
from evonas.types import Task

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
    rest, val = stratified(images.y, validation / available, rng, images.name)
    if train_size is not None and train_size < len(rest):
        _, chosen = stratified(images.y[rest], train_size / len(rest), rng, images.name)
        rest = rest[chosen]
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


def stratified(labels: np.ndarray, share: float, rng: np.random.Generator, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Positions of those kept and of those put aside, about `share` of each class, at least one; both sorted.

    Raises EvonasError where a class has a single image.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        lonely = classes[counts.argmin()]
        raise EvonasError(f"class {lonely} of {name!r} has a single image, too few to split; give at least two a class")
    quotas = _quotas(counts, round(share * len(labels)))
    order = rng.permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    starts = np.cumsum(counts) - counts
    aside = np.concatenate([by_class[s : s + quota] for s, quota in zip(starts, quotas, strict=True)])
    kept = np.setdiff1d(np.arange(len(labels)), aside, assume_unique=True)
    return kept, np.sort(aside)


def _quotas(counts: np.ndarray, total: int) -> np.ndarray:
    """`total` divided in proportion to `counts` (largest remainders), at least one and at most all but one of each."""
    exact = counts * total / counts.sum()
    quotas = np.floor(exact).astype(int)
    missing = total - quotas.sum()
    quotas[np.argsort(quotas - exact, kind="stable")[: max(missing, 0)]] += 1
    return np.clip(quotas, 1, counts - 1)
