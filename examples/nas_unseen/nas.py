"""A search by evonas within the clock, and its network as a module that takes raw batches."""

import math
import time
import warnings
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from data_processor import label_order
from torch import nn

from evonas import load, search  # now, for it takes seconds that no deadline counts
from evonas.core.errors import DeadlineTooShort, EvonasError
from evonas.domains.images.pixels import PixelScale
from evonas.domains.images.reader import ImageReader
from evonas.training.data import Preprocessing

KEPT, LEAST, MOST = 0.1, 3.0, 120.0  # share of the clock for loading the network and predicting; its bounds in seconds
LOADING, PIXELS = 1.5, 1e6  # seconds of work, and pixels a second of a core, for as many images as validate …
THIRD = 1 / 3  # … if they take this share of the clock at most
NEVER = -1e4  # the logit of a class without images; half precision has it too


class Classifier(nn.Module):
    """(n, channels, height, width) numbers of a loader -> (n, len(labels)) logits, one for each of `labels` in order.

    `model` has one for each of `known`, labels that it has learned; values beyond those of the training images are
    clipped, as in training.
    """

    def __init__(self, model: nn.Module, preprocessing: Preprocessing, known: list[int], labels: list[int]):
        super().__init__()
        self.model, self.preprocessing, self.labels = model, preprocessing, labels
        self.scale = PixelScale(**preprocessing.reading["scale"])
        self.columns = [labels.index(label) for label in known]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        shifted = (x - self.scale.low) * (255 / (self.scale.high - self.scale.low))
        found = self.model(self.preprocessing(shifted.round().clamp(0, 255)))
        logits = found.new_full((len(x), len(self.labels)), NEVER)
        logits[:, self.columns] = found
        return logits


class NAS:
    """Loaders give batches of images (n, channels, height, width) and labels (n,); `clock.check()` seconds left."""

    def __init__(self, train_loader, valid_loader, metadata, clock):
        self.train_loader, self.valid_loader, self.metadata, self.clock = train_loader, valid_loader, metadata, clock

    def search(self) -> nn.Module:
        """The network that evonas finds and trains in the time left, in eval mode, or where there is none the nearest
        class mean. Raises EvonasError, one line, where images hold NaN."""
        start, worked = time.monotonic(), time.thread_time()
        (x, y), (x_val, y_val) = whole(self.train_loader), whole(self.valid_loader)
        # seconds that pass while this thread works one: on a busy machine all that follows takes as many times as long
        busy = max(1.0, (time.monotonic() - start) / max(time.thread_time() - worked, 0.01))
        alone = ~np.isin(y_val, y)  # classes that only validation has must be learned too
        x, y = np.concatenate([x, x_val[alone]]), np.concatenate([y, y_val[alone]])
        x_val, y_val = x_val[~alone], y_val[~alone]
        labels = label_order([y], self.metadata)
        # Nobody looks into the folder: what counts are predictions. Without an archive of earlier runs, a run can be
        # repeated; the memory that comes with evonas is used.
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            try:
                self._search(x, y, x_val, y_val, Path(folder), busy)
            except (EvonasError, RuntimeError, MemoryError) as error:  # torch has RuntimeErrors for want of memory
                warnings.warn(f"the search ended early: {error}", stacklevel=2)
            try:
                network = load(Path(folder) / "out")  # of a search that was broken off, the best so far
            except EvonasError:
                warnings.warn("there is no network: images get the class with the nearest mean", stacklevel=2)
                return nearest_mean(np.concatenate([x, x_val]), np.concatenate([y, y_val]), labels)
        return Classifier(network.model, network.preprocessing, [int(name) for name in network.class_names], labels)

    def _search(self, x, y, x_val, y_val, folder: Path, busy: float) -> None:
        left = self.clock.check()
        work = LOADING + (0.0 if torch.cuda.is_available() else len(x_val) * math.prod(x.shape[2:]) / PIXELS)
        kept = min(max(KEPT * left, LEAST, min(busy * work, THIRD * left)), MOST)
        given = {"x_val": x_val, "y_val": y_val} if len(x_val) else {}
        # Test labels are secret, and evonas would put images aside for a test: one image says that there is one.
        test = (x_val[:1], y_val[:1]) if len(x_val) else (x[:1], y[:1])
        places = {"out": folder / "out", "archive": folder / "archive.db", "name": "nas"}
        given |= {"flip": False, "channels": "first", "refit_all": True}
        try:  # evonas refuses what is too short, 0.1 seconds too
            result = search(x, y, *test, **given, deadline=max(left - kept, 0.1), **places)
        except DeadlineTooShort as error:
            raise EvonasError(f"the clock has {left:.1f} seconds left, too few for a search: {error}") from error
        print(*filter(None, (result["time"], result["against"])), sep="\n")


def whole(loader) -> tuple[np.ndarray, np.ndarray]:
    """All images and all labels of a loader."""
    images, labels = zip(*loader, strict=True)
    return torch.cat(images).numpy(), torch.cat(labels).numpy()


def nearest_mean(x: np.ndarray, y: np.ndarray, labels: list[int]) -> Classifier:
    """What can be had without training: a linear layer that finds the class whose mean image is the nearest.

    Raises EvonasError where images (n, channels, height, width) hold NaN.
    """
    reader, images, _ = ImageReader.of(x, "the batch of train_loader's images", "first")
    preprocessing = replace(Preprocessing.of(images), reading=reader.description())
    known = np.unique(y).tolist()
    means = np.stack([images[y == label].mean(0, dtype=np.float64) for label in known])
    rows = preprocessing(torch.from_numpy(means).permute(0, 3, 1, 2)).flatten(1)
    layer = nn.Linear(rows.shape[1], len(known))
    with torch.no_grad():
        layer.weight.copy_(rows)
        layer.bias.copy_(-rows.square().sum(1) / 2)
    return Classifier(nn.Sequential(nn.Flatten(), layer), preprocessing, known, labels).eval()
