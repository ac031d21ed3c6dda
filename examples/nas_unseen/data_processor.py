"""The challenge's arrays as loaders: checked, whole, said aloud."""

import warnings
from collections.abc import Iterable
from numbers import Integral

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset

from evonas.core.errors import EvonasError
from evonas.domains.images.npy import checked_parts
from evonas.domains.images.npy_metadata import contradictions
from evonas.domains.parts import unvalidated

PARTS = ("train", "valid", "test")
BATCH = 128  # images; evonas chooses its own


class DataProcessor:
    """Images are real numbers (n, channels, height, width), labels (n,) whole numbers, `metadata` a mapping."""

    def __init__(self, train_x, train_y, valid_x, valid_y, test_x, metadata, clock):
        parts = {"train_x": train_x, "train_y": train_y, "valid_x": valid_x, "valid_y": valid_y, "test_x": test_x}
        self.arrays = {name: np.asarray(array) for name, array in parts.items()}
        self.metadata, self.clock = metadata or {}, clock

    def process(self) -> tuple[DataLoader, DataLoader, DataLoader]:
        """Loaders of float images with their labels, as they are given; the test loader's are images alone, in order.

        NaN and infinite values become the mean of the training images, with a warning, as whatever else is strange.
        Raises EvonasError, one line, where the arrays do not fit each other or show nothing that could be learned.
        """
        arrays, labels, notes, replaced = checked_parts(self.arrays)
        found = {label for distinct, _ in labels.values() for label in distinct}
        order = label_order([np.array(list(found))], self.metadata)
        notes += unvalidated(labels["train_y"][0], labels["valid_y"][0], "image")
        _, unread = contradictions(self.metadata, arrays["train_x"].shape, order, notes)
        if missing := sorted(set(order) - set(labels["train_y"][0])):
            notes.append(f"no training image is of {len(missing)} of the {len(order)} classes: {missing[:5]}")
        if order != list(range(len(order))):
            notes.append(f"labels are not 0 to n − 1: logits stand for them in order, {order[:5]}, …")
        for line in [*notes, *replaced, *unread]:
            warnings.warn(line, stacklevel=2)
        images = {key: torch.from_numpy(np.require(arrays[f"{key}_x"], np.float32, ["C", "W"])) for key in PARTS}
        answers = {
            key[:-2]: torch.from_numpy(np.array(all_)[codes].astype(int)) for key, (all_, codes) in labels.items()
        }
        train, valid = (TensorDataset(images[part], answers[part]) for part in ("train", "valid"))
        seeded = torch.Generator().manual_seed(0)  # the same order every time, and so the same search
        return (
            DataLoader(train, BATCH, shuffle=True, generator=seeded),
            DataLoader(valid, BATCH),
            DataLoader(TensorDataset(images["test"]), BATCH, collate_fn=lambda rows: torch.stack([x for (x,) in rows])),
        )


def label_order(labels: Iterable, metadata) -> list[int]:
    """The label of each logit: 0…n−1 with n the metadata's `num_classes`, or, where other labels are there or it is no
    number, the distinct ones of `labels`, which are arrays or tensors of whole numbers, sorted.

    Raises EvonasError where they are text.
    """
    found = sorted({label for some in labels for label in np.unique(np.asarray(some)).tolist()})
    if not all(isinstance(label, int) for label in found):
        raise EvonasError(f"labels are {found[:3]}, …; the challenge's are whole numbers, as from 0 to num_classes − 1")
    classes = (metadata or {}).get("num_classes")
    if isinstance(classes, Integral) and found[0] >= 0 and found[-1] < int(classes):
        return list(range(int(classes)))
    return found
