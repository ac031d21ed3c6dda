"""The image sets of the comparison: made ones, and well-known ones from a folder of .npz files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from evonas.core.errors import EvonasError, choices

if TYPE_CHECKING:
    from evonas.domains.images import Images

FILES: Mapping[str, str] = {  # names of files, where one star stands for anything
    "fashion_mnist": "fashion_mnist.npz",
    "kmnist": "kmnist_10k.npz",
    "usps": "usps.npz",
    "cifar10": "cifar10*.npz",
}
MADE: Mapping[str, str | None] = {  # what they are made of
    "addnist": "mnist.npz",
    "multnist": "mnist.npz",
    "cifartile": FILES["cifar10"],
    "sudoku": None,
}
FULL_SIZE = 45_000  # training images of a made set, as the challenge's have; 15,000 validate, 10,000 test
SETS = (*MADE, *FILES)
ABLATED = ("addnist", "sudoku", "usps", "cifar10")  # of these parts of evonas are left out

# Test accuracies in percent that were published of the challenge's own sets, full size, on other hardware:
# of a ResNet-18, and of the best entry (Geada et al. 2024, arXiv 2404.02189)
PUBLISHED: Mapping[str, tuple[float, float]] = {
    "addnist": (92.08, 97.9),
    "multnist": (91.55, 98.1),
    "cifartile": (45.56, 92.3),
}


def ordered(names: Iterable[str], order: Sequence[str] = SETS) -> list[str]:
    """By their place in `order`; what is not there last, by name."""
    return sorted(names, key=lambda one: (order.index(one) if one in order else len(order), one))


def sources(given: str, images: Path | None, root: Path | None) -> dict[str, str]:
    """Set -> its source, as `evonas search --data` takes it; empty where it is one of ours (`load` finds or makes it).

    Args:
        given: NAME=SOURCE, or NAME of one of ours, separated by commas; empty for all of ours.
        images: the folder of .npz files.
        root: where made sets are, or go.

    Raises EvonasError where a name is unknown, or a file that will be needed is missing.
    """
    found = {}
    for one in given.split(",") if given else SETS:
        name, _, source = one.partition("=")
        found[name] = source
        if source:
            continue
        if name not in SETS:
            raise EvonasError(f"no set {name!r}; there are {choices(SETS)}, or give {name}=SOURCE")
        if name in FILES:
            file_of(FILES[name], images)
        elif root is None:
            raise EvonasError(f"{name} is made by evonas; give --root FOLDER, where it is or goes")
        elif (made_of := MADE[name]) and not (root / name).exists():
            file_of(made_of, images)
    return found


def file_of(pattern: str, images: Path | None) -> Path:
    """The one file of this name. Raises EvonasError where there is none, or several."""
    if images is None:
        raise EvonasError(f"{pattern} is needed; give --images FOLDER, which holds it, or --sets NAME=SOURCE,…")
    found = sorted(images.glob(pattern))
    if len(found) != 1:
        there = choices(path.name for path in (found or images.glob("*.npz"))) or "no .npz file"
        raise EvonasError(f"{str(images)!r} has {len(found)} files {pattern}, not one; there is {there}")
    return found[0]


def load(
    name: str, source: str, images: Path | None, root: Path | None, most: int | None, size: int = FULL_SIZE
) -> Images:
    """The set, of what may be learned from at most so many images, drawn by a fixed seed; tested on all.

    A made set that is not there yet is made, with `size` training images. Raises EvonasError where it is there with
    another size.
    """
    from evonas.domains.images import load_images

    return limited(load_images(source or _ours(name, images, root, size)), name, most)


def limited(data: Images, name: str, most: int | None) -> Images:
    """At most so many images to learn from, of given validation images too: each seed draws its own."""
    from dataclasses import replace

    import numpy as np

    x, y = data.x, data.y
    if data.x_val is not None and data.y_val is not None:
        x, y = np.concatenate([x, data.x_val]), np.concatenate([y, data.y_val])
    some = np.sort(np.random.default_rng(0).permutation(len(y))[:most])
    return replace(data, name=name, x=x[some], y=y[some], x_val=None, y_val=None)


def _ours(name: str, images: Path | None, root: Path | None, size: int) -> str:
    if name in FILES:
        return f"npz:{file_of(FILES[name], images)}"
    from evonas.domains.images.made.making import make
    from evonas.domains.images.made.materials import material
    from evonas.domains.images.made.registry import made_set

    assert root is not None  # sources() refuses it
    kind, made_of = made_set(name), MADE[name]
    there = (root / name).exists()
    file = None if there or made_of is None else file_of(made_of, images)
    folder, _ = make(kind, root, images=size, source=None if there else material(kind, root, file))
    return f"npy:{folder}"
