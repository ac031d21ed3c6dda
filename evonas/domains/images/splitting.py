"""Images as one run has them: split, with the task that they make."""

from __future__ import annotations

from evonas.core.types import Task
from evonas.domains.fingerprint import fingerprint
from evonas.domains.images.dataset import Images, Split
from evonas.domains.images.descriptors import describe
from evonas.domains.splitting import split_positions


def split(images: Images, *, seed: int, train_size: int | None = None) -> Split:
    """Training and validation images by `evonas.domains.splitting.split_positions`.

    The task's descriptors and fingerprint are of the whole data set. Raises EvonasError where a class would be missing
    from either part.
    """
    rest, val = split_positions(images.y, seed=seed, train_size=train_size, name=images.name)
    height, width, channels = images.x.shape[1:]
    task = Task(
        name=images.name,
        input_shape=(channels, height, width),
        n_classes=len(images.class_names),
        features=describe(images),
        fingerprint=fingerprint(images.x, images.x_test),
        domain=images.domain,
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
