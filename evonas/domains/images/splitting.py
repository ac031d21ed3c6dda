"""Images as one run has them: split, with the task that they make."""

from __future__ import annotations

from evonas.domains.groups import one_sided
from evonas.domains.images.dataset import Images, Split
from evonas.domains.mapped import taken
from evonas.domains.splitting import split_positions


def split(images: Images, *, seed: int, train_size: int | None = None) -> Split:
    """Training and validation images by `evonas.domains.splitting.split_positions`; given validation images validate.

    The task's descriptors and fingerprint are of the whole data set. Raises EvonasError where a class would be missing
    from either part.
    """
    given = images.x_val is not None
    rest, val = split_positions(
        images.y, seed=seed, train_size=train_size, name=images.name, validated=given, groups=images.groups
    )
    y_val = images.y_val if images.y_val is not None else images.y[val]
    return Split(
        images.task,
        taken(images.x, rest),
        images.y[rest],
        images.x_val if images.x_val is not None else taken(images.x, val),
        y_val,
        images.x_test,
        images.y_test,
        images.class_names,
        given,
        images.flip,
        images.reader,
        (*images.notes, *one_sided(images, y_val, images.y_test, "image")),
        images.left_out,
        images.files_test,
    )
