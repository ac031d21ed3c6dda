"""From a user's arrays to `Images`: shapes, values and labels, checked and brought to one form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.domains.images.dataset import Images
from evonas.domains.images.layout import Channels
from evonas.domains.images.reader import ImageReader
from evonas.domains.parts import check_pairs, make_parts


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
    files: Sequence[str] = (),
    files_test: Sequence[str] = (),
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
        files, files_test: names of the files that they came from, one for each of `x` and of `x_test`.

    Raises EvonasError, one line, where shapes, values or labels are not valid.
    """
    check_pairs(name, test=(x_test, y_test), val=(x_val, y_val))
    reader, images, clipped = ImageReader.of(x, "x", channels)
    if not (flip is None or isinstance(flip, bool | np.bool_)):
        raise EvonasError(f"flip={flip!r} is neither True nor False; leave it out for what suits the images")
    left_out = [*left_out, *clipped]
    further = {}
    for part, given in (("val", x_val), ("test", x_test)):
        further[part], clipped = (None, ()) if given is None else reader.batch(given, f"x_{part}", beside="x")
        left_out += clipped
    test, val = (further["test"], y_test), (further["val"], y_val)
    parts = make_parts(images, y, test, val, name=name, what="image", class_names=class_names)
    aside = set() if parts.aside is None else set(parts.aside.tolist())
    if parts.aside is not None and files:
        files_test = [files[int(place)] for place in parts.aside]
    return Images(
        name=name,
        x=parts.x,
        y=parts.y,
        x_test=parts.x_test,
        y_test=parts.y_test,
        class_names=parts.class_names,
        flip=images.shape[-1] == 3 if flip is None else flip,
        x_val=parts.x_val,
        y_val=parts.y_val,
        reader=reader,
        notes=(*notes, *parts.notes),
        left_out=tuple(left_out),
        files_test=tuple(files_test),
        files=[name for i, name in enumerate(files) if parts.aside is None or i not in aside],
        aside=parts.aside,
    )
