"""Where images come from: `digits`, `npz:PATH`, `folder:PATH`, `torchvision:NAME`, or a user's own loader."""

from __future__ import annotations

import io
import os
from itertools import pairwise
from pathlib import Path

import numpy as np

from evonas.core.errors import EvonasError, choices, first_line
from evonas.core.trust import given
from evonas.domains.array_files import read_npz
from evonas.domains.domain import load_data
from evonas.domains.images.arrays import images_from_arrays
from evonas.domains.images.dataset import Images
from evonas.domains.images.folders import from_folder
from evonas.domains.images.pictures import read_picture
from evonas.domains.images.torchvision_sets import from_torchvision
from evonas.domains.labels import word

__all__ = ["digits", "from_folder", "from_npz", "from_torchvision", "load_images"]

NAMED = 5  # damaged images that a message names before it counts


def load_images(spec: str, *, root: Path | None = None) -> Images:
    """The images that `spec` names, for programs: who writes the spec here wants a loader of one's own to be run.

    `root` is where torchvision's data sets lie or go.

    Raises EvonasError, one line, where there are none or they are not valid.
    """
    given(spec)
    found = load_data(spec, root=root)
    if not isinstance(found, Images):
        raise EvonasError(f"{spec!r} gave a {type(found).__name__}, not Images; give a source of images")
    return found


def digits(argument: str = "", *, root: Path | None = None) -> Images:
    """scikit-learn's handwritten digits: 1,797 images of 8×8, 10 classes; a fixed fifth is the test set."""
    from sklearn.datasets import load_digits

    if argument:
        raise EvonasError(f"digits takes no argument, got {argument!r}; write --data digits")
    x, y = load_digits(return_X_y=True)
    return images_from_arrays(x.reshape(-1, 8, 8) / 16.0, y, name="digits")


def from_npz(argument: str, *, root: Path | None = None) -> Images:
    """Arrays `x_train, y_train[, x_val, y_val][, x_test, y_test][, class_names]`; instead of `x_…` also the bytes of
    picture files in `jpeg_…` with their `offset_…`."""
    path = Path(os.path.expanduser(argument))
    if not path.is_file():
        raise EvonasError(f"no file {argument!r}; give npz:PATH of a file with x_train and y_train")
    pairs = [f"{kind}_{part}" for kind in ("x", "y", "jpeg", "offset") for part in ("train", "val", "test")]
    known = [*pairs, "class_names"]
    held, others = read_npz(path, known)
    for part in ("train", "val", "test"):
        if f"jpeg_{part}" in held and f"offset_{part}" in held:
            held[f"x_{part}"] = _decode_all(held[f"jpeg_{part}"], held[f"offset_{part}"], path)
    missing = [key for key in ("x_train", "y_train") if key not in held]
    if missing:
        raise EvonasError(f"{str(path)!r} has no array {missing[0]!r}; it has {choices([*held, *others]) or 'none'}")
    return images_from_arrays(
        held["x_train"],
        held["y_train"],
        held.get("x_test"),
        held.get("y_test"),
        x_val=held.get("x_val"),
        y_val=held.get("y_val"),
        name=word(path.stem),
        class_names=held["class_names"].tolist() if "class_names" in held else None,
        left_out=[f"arrays that no search uses ({len(others)}): {choices(others)}"] if others else [],
    )


def _decode_all(data: np.ndarray, offsets: np.ndarray, path: Path) -> np.ndarray:
    """(n, height, width, 3) uint8. Raises EvonasError that names the images which cannot be decoded."""
    if data.ndim != 1 or offsets.ndim != 1 or offsets.dtype.kind not in "iu":
        raise EvonasError(
            f"{str(path)!r} has jpeg_… of shape {data.shape} and offset_… of {offsets.shape} {offsets.dtype}; give the "
            "bytes in a row, and whole numbers where each picture begins and the last ends"
        )
    data = np.ascontiguousarray(data, dtype=np.uint8)
    images: list[np.ndarray] = []
    broken: list[str] = []
    for number, (start, end) in enumerate(pairwise(offsets)):
        try:
            picture = read_picture(io.BytesIO(data[start:end].tobytes()))
            if picture.deep:
                raise ValueError("it has more than 8 bits a pixel; give its values in x_… instead")
            images.append(picture.pixels)
        except Exception as error:  # whatever a reader meets in damaged bytes
            broken.append(f"number {number}: {first_line(error)}")
    if broken:
        many = "a JPEG" if len(broken) == 1 else f"{len(broken):,} JPEGs"
        more = f", and {len(broken) - NAMED:,} more" if len(broken) > NAMED else ""
        raise EvonasError(f"{str(path)!r} holds {many} that cannot be decoded: {', '.join(broken[:NAMED])}{more}")
    sizes = {f"{image.shape[1]}×{image.shape[0]}" for image in images}
    if len(sizes) != 1:
        raise EvonasError(f"{str(path)!r} holds JPEGs of {choices(sizes) or 'no image'}; all images need one size")
    return np.stack(images)
