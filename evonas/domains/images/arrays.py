"""From a user's arrays to `Images`: shapes, values and labels, checked and brought to one form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.domains.images.dataset import Images
from evonas.domains.splitting import stratified

TEST_SHARE = 0.2
TEST_SEED = 0  # a test set that has to be carved out is the same one whatever the run's seed


def images_from_arrays(
    x: Any,
    y: Any,
    x_test: Any = None,
    y_test: Any = None,
    *,
    name: str = "memory",
    class_names: Sequence[str] | None = None,
    flip: bool | None = None,
) -> Images:
    """`Images` of arrays or tensors.

    Args:
        x: (n, height, width), (n, height, width, channels) or (n, channels, height, width); the latter where the second
            axis has 1 or 3 entries and the last has not. uint8, or numbers from 0 to 1 or from 0 to 255.
        y: (n,) labels, whole numbers or strings; their sorted values become 0, 1, ….
        x_test, y_test: the same; where missing, a stratified fifth of `x` is put aside.
        class_names: of the sorted labels.
        flip: whether a mirrored image keeps its class; by default for colour images only.

    Raises EvonasError, one line, where shapes, values or labels will not do.
    """
    images, labels = to_uint8(x, "x"), to_labels(y, "y")
    _check_count(images, labels, name)
    if (x_test is None) != (y_test is None):
        raise EvonasError(f"{name!r} has one of x_test and y_test; give both, or neither")
    classes = np.unique(labels)
    if len(classes) < 2:
        raise EvonasError(f"{name!r} has one class only, {classes[0]!s}; a search needs images of two or more")
    if len(images) < len(classes):
        raise EvonasError(f"{name!r} has {len(images)} images for {len(classes)} classes; give several for each")
    codes = np.searchsorted(classes, labels)
    if class_names is not None:
        _check_names(class_names, len(classes), name)
    words = tuple(map(str, classes if class_names is None else class_names))
    _check_enough(codes, words, name, 2 if x_test is not None else 3)
    if x_test is None:
        kept, aside = stratified(codes, round(TEST_SHARE * len(codes)), np.random.default_rng(TEST_SEED), name)
        images, codes, test, test_codes = images[kept], codes[kept], images[aside], codes[aside]
    else:
        test, test_labels = to_uint8(x_test, "x_test", like=x), to_labels(y_test, "y_test")
        _check_count(test, test_labels, name)
        if test.shape[1:] != images.shape[1:]:
            raise EvonasError(f"{name!r} has images of {images.shape[1:]} but test images of {test.shape[1:]}")
        unknown = np.setdiff1d(test_labels, classes)
        if len(unknown):
            raise EvonasError(f"{name!r} has test labels that no training image has: {unknown[:5].tolist()}")
        test_codes = np.searchsorted(classes, test_labels)
    return Images(
        name=name,
        x=images,
        y=codes.astype(np.int64),
        x_test=test,
        y_test=test_codes.astype(np.int64),
        class_names=words,
        flip=images.shape[-1] == 3 if flip is None else flip,
    )


def to_uint8(images: Any, what: str, like: Any = None) -> np.ndarray:
    """(n, height, width, channels) uint8. Numbers up to 1 are taken as 0 to 1, unless those of `like` go further.

    Raises EvonasError where that cannot be had.
    """
    array = _array(images, what)
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or 0 in array.shape:
        raise EvonasError(
            f"{what} has shape {array.shape}; give (n, height, width), (n, height, width, channels) "
            "or (n, channels, height, width)"
        )
    if array.shape[1] in (1, 3) and array.shape[-1] not in (1, 3):
        array = np.moveaxis(array, 1, -1)
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if array.dtype.kind not in "bfiu":
        raise EvonasError(f"{what} holds {array.dtype} values; give uint8, or numbers from 0 to 1 or 0 to 255")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise EvonasError(f"{what} holds NaN or infinite values; remove those images, or set them to a number")
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 255:
        raise EvonasError(f"{what} has values from {low:g} to {high:g}; bring them to 0 to 1 or 0 to 255")
    if like is not None and (others := _array(like, what)).dtype != np.uint8:
        limit = float(others.max())
        if limit <= 1 < high:
            raise EvonasError(f"{what} has values to {high:g}, x to {limit:g}; bring both to 0 to 1 or to 0 to 255")
        high = max(high, limit)
    scale = 255.0 if high <= 1 else 1.0
    return np.ascontiguousarray(np.rint(array.astype(np.float32) * scale).astype(np.uint8))


def to_labels(labels: Any, what: str) -> np.ndarray:
    """(n,) whole numbers or strings. Raises EvonasError where they are something else."""
    array = _array(labels, what)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        raise EvonasError(f"{what} has shape {array.shape}; give one label an image, shape (n,)")
    if array.dtype.kind == "f":
        if not (np.isfinite(array).all() and (array == np.rint(array)).all()):
            raise EvonasError(f"{what} holds NaN or numbers that are not whole; give classes as 0, 1, … or as strings")
        array = array.astype(np.int64)
    if array.dtype == object and len({type(label) for label in array}) == 1:  # as a column of a data frame is
        array = np.array(array.tolist())
    if array.dtype.kind not in "biuUS":
        raise EvonasError(f"{what} holds {array.dtype} values; give classes as whole numbers or strings")
    return array


def _array(values: Any, what: str) -> np.ndarray:
    if hasattr(values, "detach"):  # a torch tensor, on whatever device
        values = values.detach().cpu().numpy()
    try:
        return np.asarray(values)
    except ValueError as error:
        raise EvonasError(f"{what} is no regular array: {error}; all images need one size") from error


def _check_count(images: np.ndarray, labels: np.ndarray, name: str) -> None:
    if len(images) != len(labels):
        raise EvonasError(f"{name!r} has {len(images)} images but {len(labels)} labels; give one label an image")


def _check_enough(codes: np.ndarray, words: Sequence[str], name: str, needed: int) -> None:
    counts = np.bincount(codes)
    if counts.min() < needed:
        what = "train and validate on" if needed == 2 else "train, validate and test on"
        raise EvonasError(
            f"class {words[int(counts.argmin())]!r} of {name!r} has {counts.min()} of the {needed} images or more "
            f"that it takes to {what}; add some, or leave the class out"
        )


def _check_names(class_names: Sequence[str], classes: int, name: str) -> None:
    if len(class_names) != classes:
        raise EvonasError(f"{name!r} has {classes} classes but {len(class_names)} class names")
    twice = [word for word in class_names if list(class_names).count(word) > 1]
    if twice:
        raise EvonasError(f"{name!r} has the class name {twice[0]!r} twice; give each class its own")
