"""torchvision's data sets: those in a folder, downloaded where they are not there yet."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError, choices, named_line
from evonas.domains.images.arrays import images_from_arrays
from evonas.domains.images.dataset import Images

SIZE = 32  # of GTSRB's images, which come in all sizes
TORCHVISION = (
    "MNIST", "FashionMNIST", "KMNIST", "QMNIST", "EMNIST", "USPS", "CIFAR10", "CIFAR100", "SVHN", "STL10", "GTSRB",
)  # fmt: skip
MIRRORED = {"FashionMNIST", "CIFAR10", "CIFAR100", "STL10"}  # data sets whose images keep their class in a mirror


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
            f"torchvision:{argument} is no data set; EMNIST needs a split (EMNIST/letters), others have none"
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
    return images_from_arrays(
        x,
        y,
        x_test,
        y_test,
        name=name_words.lower(),
        class_names=names,
        flip=name in MIRRORED,
        channels="last",
    )


from_torchvision.names = TORCHVISION  # type: ignore[attr-defined]  # evonas.domains.domain.OffersSets


def _present_or_downloaded(dataset: Any, name: str, folder: Path, which: dict[str, Any]) -> Any:
    try:
        return dataset(str(folder), download=False, **which)
    except (RuntimeError, FileNotFoundError):
        pass
    except Exception as error:  # whatever a torchvision reader meets in a damaged file
        raise EvonasError(
            f"the files of torchvision's {name} in {str(folder)!r} are damaged ({named_line(error)}); "
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
            f"torchvision's {name} is not in {str(folder)!r} and cannot be downloaded ({named_line(error)}); "
            "put its files there, or give another --root"
        ) from error


def _arrays(dataset: Any, name: str) -> tuple[np.ndarray, np.ndarray, list[str] | None]:
    """(n, height, width[, channels]) images, (n,) labels, class names where there are any for exactly these labels."""
    if name == "GTSRB":
        x = np.stack([np.asarray(image.convert("RGB").resize((SIZE,) * 2)) for image, _ in dataset])
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
