"""`npy:FOLDER`: the layout of the NAS Unseen-Data challenge, arrays in files of their own beside a `metadata`.

Geada et al., "Insights from the Use of Previously Unseen Neural Architecture Search Datasets", CVPR 2024.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError, choices
from evonas.domains.array_files import mapped_npy
from evonas.domains.images.arrays import images_from_arrays
from evonas.domains.images.dataset import Images
from evonas.domains.images.npy_metadata import contradictions, read_metadata
from evonas.domains.images.npy_values import mended
from evonas.domains.labels import Label, read_labels, word

PARTS = ("train", "valid", "test")
ARRAYS = tuple(f"{part}_{kind}" for part in PARTS for kind in "xy")


def from_npy(argument: str, *, root: Path | None = None) -> Images:
    """`train_x.npy, train_y.npy[, valid_x.npy, valid_y.npy][, test_x.npy[, test_y.npy]]`, and perhaps `metadata`.

    Images are real numbers (n, channels, height, width), mapped and not loaded; labels (n,) whole numbers; `metadata`
    JSON. What becomes of them is said in `images_of_parts`.

    Raises EvonasError, one line, where a file is missing, damaged or of another form, or holds pickled objects.
    """
    folder = Path(os.path.expanduser(argument))
    if not argument or not folder.is_dir():
        raise EvonasError(f"no folder {argument!r}; give npy:FOLDER of a folder with train_x.npy and train_y.npy")
    files = {path.name for path in folder.iterdir()}
    arrays = {name: _array(folder / f"{name}.npy") for name in ARRAYS if f"{name}.npy" in files}
    metadata = read_metadata(folder / "metadata") if "metadata" in files else {}
    known = {f"{name}.npy" for name in ARRAYS}
    others = [name for name in files - known if name.endswith(".npy") or name == "metadata.json"]
    left_out = [f"files that no search uses ({len(others)}): {choices(others)}"] if others else []
    return images_of_parts(arrays, metadata, name=word(folder.resolve().name), left_out=left_out)


def images_of_parts(
    arrays: Mapping[str, np.ndarray],
    metadata: Mapping[str, Any] | None = None,
    *,
    name: str = "memory",
    left_out: Sequence[str] = (),
) -> Images:
    """`Images` of the challenge's arrays.

    Args:
        arrays: `train_x` (n, channels, height, width) and `train_y` (n,); perhaps `valid_…` and `test_…`. Without test
            labels half of the validation images test, or a fifth of the training images where none validate.
        metadata: becomes `Images.metadata`; where it contradicts the arrays, they count, and it is said.
        name: of the data set.
        left_out: lines on what was passed over already.

    Values that are NaN or infinite become the mean of the training images. Images are not mirrored: nobody says that
    they keep their class. Raises EvonasError where arrays are missing, do not fit each other, or hold one value only.
    """
    arrays, labels, notes, replaced = checked_parts(arrays, name)
    metadata, unread = contradictions(metadata or {}, arrays["train_x"].shape, labels["train_y"][0], notes)
    if "test_y" not in arrays:
        _without_test(arrays, labels, notes)
    images = images_from_arrays(
        arrays["train_x"],
        arrays["train_y"],
        arrays.get("test_x"),
        arrays.get("test_y"),
        x_val=arrays.get("valid_x"),
        y_val=arrays.get("valid_y"),
        name=name,
        flip=False,
        channels="first",
        notes=notes,
        left_out=[*left_out, *replaced, *unread],
    )
    return replace(images, metadata=metadata)


def checked_parts(
    arrays: Mapping[str, np.ndarray], name: str = "memory"
) -> tuple[dict[str, np.ndarray], dict[str, tuple[list[Label], np.ndarray]], list[str], list[str]]:
    """The challenge's arrays where they fit each other: images of four axes and finite values.

    Also for each `…_y` its distinct labels, sorted, with (n,) positions among them; lines on what was found; lines on
    what was replaced. Raises EvonasError as `images_of_parts` does.
    """
    arrays = dict(arrays)
    _check_names(arrays, name)
    notes: list[str] = []
    for one in [key for key in arrays if key.endswith("_x")]:
        arrays[one] = _four_axes(arrays[one], one, notes)
    _check_shapes(arrays)
    arrays, replaced = mended(arrays, notes)
    labels = {key: read_labels(arrays[key], f"{key}.npy") for key in arrays if key.endswith("_y")}
    return arrays, labels, notes, replaced


def _array(path: Path) -> np.ndarray:
    """The array of a file; images stay in it until they are needed."""
    mapped = mapped_npy(path)
    return np.asarray(mapped) if path.stem.endswith("_x") else np.array(mapped)


def _check_names(arrays: Mapping[str, np.ndarray], name: str) -> None:
    for needed, beside in [("train_x", ""), ("train_y", ""), ("valid_x", "valid_y"), ("valid_y", "valid_x")]:
        if needed not in arrays and (not beside or beside in arrays):
            held = choices(f"{key}.npy" for key in arrays) or "none of the arrays"
            out = f"; give it, or take {beside}.npy away" if beside else ""
            raise EvonasError(f"{name!r} has no {needed}.npy; it has {held}{out}")
    if "test_y" in arrays and "test_x" not in arrays:
        raise EvonasError(f"{name!r} has test_y.npy without test_x.npy; give both, or take test_y.npy away")


def _four_axes(array: np.ndarray, name: str, notes: list[str]) -> np.ndarray:
    if array.dtype.kind not in "biuf":
        raise EvonasError(f"{name}.npy holds {array.dtype} values; give floats or whole numbers")
    if array.ndim == 3:
        notes.append(f"{name}.npy has shape {array.shape}: read as images of one channel")
        array = array[:, None]
    if array.ndim != 4 or 0 in array.shape:
        raise EvonasError(
            f"{name}.npy has shape {array.shape}; give (n, channels, height, width), of one image or more"
        )
    return array


def _check_shapes(arrays: Mapping[str, np.ndarray]) -> None:
    shape = arrays["train_x"].shape[1:]
    for key, array in arrays.items():
        if key.endswith("_x") and array.shape[1:] != shape:
            raise EvonasError(
                f"{key}.npy has images of {array.shape[1:]}, train_x.npy of {shape}; give all one (channels, height, "
                "width)"
            )
        beside = arrays.get(f"{key[:-2]}_y")
        if key.endswith("_x") and beside is not None and (beside.ndim == 0 or len(beside) != len(array)):
            many = beside.shape[0] if beside.ndim else "no list of"
            raise EvonasError(
                f"{key}.npy has {len(array)} images, {key[:-2]}_y.npy {many} labels; give one label an image"
            )


def _without_test(arrays: dict[str, np.ndarray], labels: Mapping[str, Any], notes: list[str]) -> None:
    """Test images out of the validation images, of each class half: those for training stay whole."""
    unlabelled = arrays.pop("test_x", None)
    if unlabelled is not None:
        notes.append(
            f"test_x.npy ({len(unlabelled):,} images) has no labels beside it, and is left for prediction: "
            "evonas.load(FOLDER).predict(numpy.load('test_x.npy'))"
        )
    if "valid_y" not in arrays or len(arrays["valid_y"]) < 2:
        return  # images_from_arrays puts training images aside, and says so
    codes = labels["valid_y"][1]
    shuffled = np.random.default_rng(0).permutation(len(codes))  # the same ones whatever the run's seed
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    test, kept = np.sort(by_class[1::2]), np.sort(by_class[::2])
    for key in ("valid_x", "valid_y"):
        arrays[key.replace("valid", "test")], arrays[key] = arrays[key][test], arrays[key][kept]
    notes.append(f"no test labels were given: {len(test):,} of the validation images, half of each class, are the test")
