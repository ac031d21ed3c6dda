"""From a user's arrays to `Images`: shapes, values and labels, checked and brought to one form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.domains.images.dataset import Images
from evonas.domains.images.layout import Channels
from evonas.domains.images.reader import ImageReader
from evonas.domains.labels import Label, class_words, read_labels
from evonas.domains.splitting import stratified

TEST_SHARE = 0.2
TEST_SEED = 0  # a test set that has to be carved out is the same one whatever the run's seed


def images_from_arrays(
    x: Any,
    y: Any,
    x_test: Any = None,
    y_test: Any = None,
    *,
    x_val: Any = None,
    y_val: Any = None,
    name: str = "memory",
    class_names: Sequence[str] | None = None,
    flip: bool | None = None,
    channels: Channels | None = None,
    notes: Sequence[str] = (),
    left_out: Sequence[str] = (),
) -> Images:
    """`Images` of arrays or tensors.

    Args:
        x: (n, height, width), (n, height, width, channels) or (n, channels, height, width) real numbers of any type:
            bytes, booleans, whole numbers, floats from 0 to 1, to 255, or of any range, as standardised ones are.
            `PixelScale.of` says which become black and white.
        y: (n,) labels, whole numbers or strings; their sorted values become 0, 1, ….
        x_test, y_test: the same, on the scale of `x`; where missing, a stratified fifth of `x` is put aside.
        x_val, y_val: the same; where missing, each search validates on some of `x`.
        class_names: of the sorted labels.
        flip: whether a mirrored image keeps its class; by default for colour images only.
        channels: `first` or `last`; by default found from the shape (`find_channels`).
        notes, left_out: lines on how the arrays came about.

    Raises EvonasError, one line, where shapes, values or labels are not valid.
    """
    for given, part in (((x_test, y_test), "test"), ((x_val, y_val), "val")):
        if (given[0] is None) != (given[1] is None):
            raise EvonasError(f"{name!r} has one of x_{part} and y_{part}; give both, or neither")
    reader, images, clipped = ImageReader.of(x, "x", channels)
    classes, codes = read_labels(y, "y")
    _check_count(images, codes, name)
    if len(classes) < 2:
        raise EvonasError(f"{name!r} has one class only, {classes[0]!s}; a search needs images of two or more")
    if len(images) < len(classes):
        raise EvonasError(f"{name!r} has {len(images)} images for {len(classes)} classes; give several for each")
    words = class_words(classes if class_names is None else class_names, len(classes), name)
    missing = [use for use, part in (("validate", x_val), ("test", x_test)) if part is None]
    _check_enough(codes, words, name, missing)
    parts = {"x_val": None, "y_val": None}
    notes, left_out = list(notes), [*left_out, *clipped]
    for part, given, labels in (("val", x_val, y_val), ("test", x_test, y_test)):
        if given is not None:
            read, clipped = reader.batch(given, f"x_{part}", beside="x")
            parts |= {f"x_{part}": read, f"y_{part}": _codes(labels, f"y_{part}", classes, part, name)}
            _check_count(read, parts[f"y_{part}"], name)
            left_out += clipped
    if x_test is None:
        kept, aside = stratified(codes, round(TEST_SHARE * len(codes)), np.random.default_rng(TEST_SEED), name)
        parts |= {"x_test": images[aside], "y_test": codes[aside]}
        images, codes = images[kept], codes[kept]
        notes.append("no test images were given: a fixed fifth, stratified by class, is kept for the test")
    return Images(
        name=name,
        x=images,
        y=codes,
        **parts,
        class_names=words,
        flip=images.shape[-1] == 3 if flip is None else flip,
        reader=reader,
        notes=tuple(notes),
        left_out=tuple(left_out),
    )


def _codes(labels: Any, what: str, classes: Sequence[Label], part: str, name: str) -> np.ndarray:
    """(n,) positions in `classes`."""
    code = {label: i for i, label in enumerate(classes)}
    found, codes = read_labels(labels, what)
    unknown = [label for label in found if label not in code]
    if unknown:
        kind = "validation" if part == "val" else part
        raise EvonasError(f"{name!r} has {kind} labels that no training image has: {unknown[:5]}")
    return np.array([code[label] for label in found], dtype=np.int64)[codes]


def _check_count(images: np.ndarray, labels: np.ndarray, name: str) -> None:
    if len(images) != len(labels):
        raise EvonasError(f"{name!r} has {len(images)} images but {len(labels)} labels; give one label an image")


def _check_enough(codes: np.ndarray, words: Sequence[str], name: str, missing: Sequence[str]) -> None:
    """Of each class one image to train on, and one for each of the parts that have to be carved out."""
    counts, needed = np.bincount(codes), 1 + len(missing)
    if counts.min() < needed:
        uses = " and ".join(filter(None, [", ".join(["train", *missing][:-1]), ["train", *missing][-1]]))
        raise EvonasError(
            f"class {words[int(counts.argmin())]!r} of {name!r} has {counts.min()} of the {needed} images or more "
            f"that it takes to {uses} on; add some, or leave the class out"
        )
