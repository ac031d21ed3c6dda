"""The images that others are made of: one of torchvision's sets, or a file with the same."""

from __future__ import annotations

from pathlib import Path

from evonas.core.errors import EvonasError
from evonas.domains.images.dataset import Images
from evonas.domains.images.made.made_set import MadeSet
from evonas.domains.images.sources import from_npz
from evonas.domains.images.torchvision_sets import from_torchvision

SHAPES = {"MNIST": (28, 28, 1), "CIFAR10": (32, 32, 3)}
CLASSES = 10


def material(kind: MadeSet, root: Path, file: Path | None) -> Images | None:
    """What the set is made of: `file`, as `npz:` reads it, or torchvision's, downloaded to `root` unless it is there.

    Raises EvonasError where it cannot be had, is of another form, or nothing is needed and a file is given.
    """
    if kind.needs is None:
        if file is not None:
            raise EvonasError(f"{kind.name} is made of no other images; leave --source {str(file)!r} out")
        return None
    found = from_torchvision(kind.needs, root=root) if file is None else from_npz(str(file))
    shape, classes = found.x.shape[1:], len(found.class_names)
    if shape != SHAPES[kind.needs] or classes != CLASSES:
        raise EvonasError(
            f"{kind.name} is made of {kind.needs}: images of {SHAPES[kind.needs]} in {CLASSES} classes; "
            f"{found.name!r} holds images of {shape} in {classes}"
        )
    if len(set(found.y_test.tolist())) != CLASSES:
        raise EvonasError(
            f"{found.name!r} has no test image of some class; give x_test and y_test with all of {CLASSES}"
        )
    return found
