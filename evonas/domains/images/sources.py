"""Where images come from: `digits`, `npz:PATH`, `folder:PATH`, `torchvision:NAME`, or a user's own loader."""

from __future__ import annotations

import io
import zipfile
import zlib
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError, choices
from evonas.core.trust import given
from evonas.domains.domain import load_data
from evonas.domains.images.arrays import images_from_arrays
from evonas.domains.images.dataset import Images

DEFAULT_SIZE = 32
PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm"}
TORCHVISION = (
    "MNIST", "FashionMNIST", "KMNIST", "QMNIST", "EMNIST", "USPS", "CIFAR10", "CIFAR100", "SVHN", "STL10", "GTSRB",
)  # fmt: skip
MIRRORED = {"FashionMNIST", "CIFAR10", "CIFAR100", "STL10"}  # data sets whose images keep their class in a mirror


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
    """Arrays `x_train, y_train[, x_test, y_test][, class_names]`, or JPEG bytes `jpeg_train` with `offset_train`."""
    path = Path(argument).expanduser()
    if not path.is_file():
        raise EvonasError(f"no file {argument!r}; give npz:PATH of a file with x_train and y_train")
    try:
        if not zipfile.is_zipfile(path):
            raise ValueError("it is another kind of file, or a part of one")
        with np.load(path, allow_pickle=False) as arrays:
            held = {key: arrays[key] for key in arrays.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise EvonasError(f"{str(path)!r} cannot be read as an npz file without pickled objects: {error}") from error
    for part in ("train", "test"):
        if f"jpeg_{part}" in held and f"offset_{part}" in held:
            held[f"x_{part}"] = _decode_all(held[f"jpeg_{part}"], held[f"offset_{part}"], path)
    missing = [key for key in ("x_train", "y_train") if key not in held]
    if missing:
        raise EvonasError(f"{str(path)!r} has no array {missing[0]!r}; it has {choices(held)}")
    names = [str(name) for name in held["class_names"]] if "class_names" in held else None
    return images_from_arrays(
        held["x_train"], held["y_train"], held.get("x_test"), held.get("y_test"), name=path.stem, class_names=names
    )


def from_folder(argument: str, *, root: Path | None = None) -> Images:
    """`PATH/CLASS/*.png`, or `PATH/train/CLASS/*` and `PATH/test/CLASS/*`; resized to 32×32, or `PATH?size=48`.

    Grey where every image is. Mirroring is for colour images only.
    """
    text, _, query = argument.partition("?")
    size = _size(query, argument)
    path = Path(text).expanduser()
    if not text or not path.is_dir():
        raise EvonasError(f"no folder {text!r}; give folder:PATH with one folder of images a class")
    parts = [path / "train", path / "test"] if (path / "train").is_dir() and (path / "test").is_dir() else [path]
    files = [[(p, p.parent.name) for p in sorted(part.glob("*/*")) if _is_picture(p)] for part in parts]
    for part, held in zip(parts, files, strict=True):
        classes = [p for p in sorted(part.iterdir()) if p.is_dir() and not p.name.startswith(".")]
        empty = [p for p in classes if p.name not in {label for _, label in held}] if held else [part]
        if empty:
            raise EvonasError(f"the folder {str(empty[0])!r} holds no images; give each class a folder with some")
    arrays = [np.stack([_picture(p, size) for p, _ in part]) for part in files]
    if all((a[..., 0] == a[..., 1]).all() and (a[..., 0] == a[..., 2]).all() for a in arrays):
        arrays = [a[..., :1] for a in arrays]
    labels = [np.array([label for _, label in part]) for part in files]
    test = (arrays[1], labels[1]) if len(parts) == 2 else (None, None)
    return images_from_arrays(arrays[0], labels[0], *test, name=path.resolve().name)


def from_torchvision(argument: str, *, root: Path | None = None) -> Images:
    """One of torchvision's data sets, downloaded to `root` unless it is there; `EMNIST/letters` names a split."""
    from platformdirs import user_cache_path
    from torchvision import datasets

    wanted, _, part = argument.partition("/")
    name = next((n for n in TORCHVISION if n.lower() == wanted.lower()), None)
    if name is None:
        raise EvonasError(f"no torchvision data set named {wanted!r} here; there are {choices(TORCHVISION)}")
    folder = Path(root) if root else user_cache_path("evonas", appauthor=False) / "torchvision"
    if (name == "EMNIST") != bool(part):
        raise EvonasError(
            f"torchvision:{argument} will not do; EMNIST needs a split (EMNIST/letters), others have none"
        )
    if part and part not in datasets.EMNIST.splits:
        raise EvonasError(f"EMNIST has no split {part!r}; it has {choices(datasets.EMNIST.splits)}")
    halves = []
    for train in (True, False):
        by_split = name in ("SVHN", "STL10", "GTSRB")
        which: dict[str, Any] = {"split": "train" if train else "test"} if by_split else {"train": train}
        if part:
            which["split"] = part
        halves.append(_arrays(_present_or_downloaded(getattr(datasets, name), name, folder, which), name))
    (x, y, names), (x_test, y_test, _) = halves
    name_words = f"{name}-{part}" if part else name
    return images_from_arrays(x, y, x_test, y_test, name=name_words.lower(), class_names=names, flip=name in MIRRORED)


def _present_or_downloaded(dataset: Any, name: str, folder: Path, which: dict[str, Any]) -> Any:
    try:
        return dataset(str(folder), download=False, **which)
    except (RuntimeError, FileNotFoundError):
        pass
    except Exception as error:  # whatever a torchvision reader meets in a damaged file
        raise EvonasError(
            f"the files of torchvision's {name} in {str(folder)!r} are damaged ({_first_line(error)}); "
            "remove them, and they are downloaded again"
        ) from error
    made = [path for path in (folder, folder / name, folder / name / "raw") if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return dataset(str(folder), download=True, **which)
    except Exception as error:
        for path in reversed(made):  # nothing is left but what was downloaded
            with suppress(OSError):
                path.rmdir()
        raise EvonasError(
            f"torchvision's {name} is not in {str(folder)!r} and cannot be downloaded ({_first_line(error)}); "
            "put its files there, or give another --root"
        ) from error


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"


def _arrays(dataset: Any, name: str) -> tuple[np.ndarray, np.ndarray, list[str] | None]:
    """(n, height, width[, channels]) images, (n,) labels, class names where there are any for exactly these labels."""
    if name == "GTSRB":
        x = np.stack([np.asarray(image.convert("RGB").resize((DEFAULT_SIZE,) * 2)) for image, _ in dataset])
        return x, np.array([label for _, label in dataset]), None
    x = np.asarray(dataset.data)
    y = np.asarray(dataset.labels if name in ("SVHN", "STL10") else dataset.targets)
    if name == "QMNIST":
        y = y[:, 0]
    if name in ("SVHN", "STL10"):
        x = np.moveaxis(x, 1, -1)
    if name == "EMNIST":
        x = np.swapaxes(x, 1, 2)  # its files hold the images transposed
    known = getattr(dataset, "classes", None)
    labels = np.unique(y)
    if known is None or len(labels) == 0 or int(labels.max()) >= len(known):
        return x, y, None
    return x, y, [str(known[int(label)]) for label in labels]


def _decode_all(data: np.ndarray, offsets: np.ndarray, path: Path) -> np.ndarray:
    data = np.ascontiguousarray(data, dtype=np.uint8)
    try:
        images = [_rgb(io.BytesIO(data[a:b].tobytes())) for a, b in pairwise(offsets)]
    except (OSError, ValueError, SyntaxError, TypeError) as error:
        raise EvonasError(f"{str(path)!r} holds a JPEG that cannot be decoded: {error}") from error
    sizes = {f"{image.shape[1]}×{image.shape[0]}" for image in images}
    if len(sizes) != 1:
        raise EvonasError(f"{str(path)!r} holds JPEGs of {choices(sizes) or 'no image'}; all images need one size")
    return np.stack(images)


def _is_picture(path: Path) -> bool:
    """By its name; hidden files are what a system leaves behind."""
    return path.suffix.lower() in PICTURES and not path.name.startswith(".")


def _picture(path: Path, size: int) -> np.ndarray:
    """(size, size, 3) uint8. Raises EvonasError that names a file which is no image."""
    try:
        return _rgb(path, size)
    except (OSError, ValueError, SyntaxError) as error:
        raise EvonasError(f"the image {str(path)!r} cannot be read: {error}; mend or remove it") from error


def _rgb(source: Any, size: int | None = None) -> np.ndarray:
    from PIL import Image

    with Image.open(source) as image:
        image.draft("RGB", (size, size)) if size else None  # a large JPEG is decoded small at once
        colour = image.convert("RGB")
        if size and colour.size != (size, size):
            colour = colour.resize((size, size), Image.Resampling.BILINEAR)
        return np.asarray(colour)


def _size(query: str, argument: str) -> int:
    if not query:
        return DEFAULT_SIZE
    key, _, value = query.partition("=")
    if key != "size" or not value.isdigit() or not 4 <= int(value) <= 1024:
        raise EvonasError(f"cannot read {query!r} in folder:{argument}; write ?size=48, from 4 to 1024 pixels")
    return int(value)
