"""A table of our own: the same 420 cells of a small network, trained on five small image sets.

Here is what was trained and how (`cells`, `small_split`, `trainer`), and the table.
`benchmarks/studies/small_images/make.py` made it; its card is beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.types import Task
from evonas.encodings.cell import EDGES, OPERATIONS, CellEncoding, cell_string
from evonas_benchmarks.tables import trainings_file
from evonas_benchmarks.tables.lookup import Entry, Table, mean_over_seeds
from evonas_benchmarks.tables.restricted import RestrictedEncoding

if TYPE_CHECKING:
    from evonas.domains.images import Split
    from evonas.training.trainer import TorchTrainer

FILE = Path(__file__).parent / "data" / "small_images.parquet"
MEASURED = ("val_accuracy", "val_loss", "train_accuracy", "params", "flops", "seconds")


@dataclass(frozen=True)
class Data:
    """A data set's share of the recipe: fixed images of so many, `halved` to half their height and width, and for how
    many epochs. Sized so that a training takes about two seconds on a core and leaves room for better cells."""

    file: str | None  # in the folder of images; None comes with scikit-learn
    train: int
    validate: int
    epochs: int
    halved: bool = False


DATA = {
    "digits": Data(None, 719, 719, 12),  # the half that validates measures cells finer than the usual fifth
    "mnist": Data("mnist.npz", 1500, 2000, 6, halved=True),
    "fashion_mnist": Data("fashion_mnist.npz", 1500, 2000, 6, halved=True),
    "kmnist": Data("kmnist_10k.npz", 1500, 1600, 6, halved=True),
    "usps": Data("usps.npz", 500, 1458, 12),
}
CELLS, TWICE = 420, 84  # distinct cells, and how many of them, the first, with a second seed
WIDTH = 8  # channels of the first stage
THIRD = 1 / 3  # the lower fidelity: the first third of the same training
DRAW = 2026  # seed of the draw of the cells and of the subsets


def encoding() -> CellEncoding:
    return CellEncoding(width=WIDTH)


def cells() -> list[str]:
    """The cells, in the order they are trained: drawn from all 6,466 canonical ones, each as likely as any other."""
    space = encoding()
    everything = (cell_string(operations) for operations in product(OPERATIONS, repeat=len(EDGES)))
    canonical = [cell for cell in everything if space.canonical(cell) == cell]
    chosen = np.random.default_rng(DRAW).choice(len(canonical), size=CELLS, replace=False)
    return [canonical[i] for i in chosen]


def small_split(name: str, folder: Path | None = None) -> Split:
    """The fixed images of a data set, stratified by class, none of them of the test set.

    Descriptors and fingerprint of its task are of the whole set. Raises EvonasError where `folder` lacks the file.
    """
    from evonas.domains.images import load_images, split

    data = DATA[name]
    if data.file is not None and folder is None:
        raise EvonasError(f"{name!r} needs the folder of {data.file}; give --images FOLDER")
    whole = split(load_images(name if data.file is None else f"npz:{folder}/{data.file}"), seed=DRAW)
    return some_of(whole, name, data)


class Share(Protocol):
    """How many images of a data set are trained on and validate, and whether they are halved."""

    @property
    def train(self) -> int: ...

    @property
    def validate(self) -> int: ...

    @property
    def halved(self) -> bool: ...


def some_of(whole: Split, name: str, data: Share) -> Split:
    """The share of a data set's images that learn and validate, stratified by class, always the same; all test images.
    Its task has this name."""
    from evonas.domains.splitting import stratified

    x, y = np.concatenate([whole.x_train, whole.x_val]), np.concatenate([whole.y_train, whole.y_val])
    rng = np.random.default_rng(DRAW)
    rest, train = stratified(y, data.train, rng, name)
    val = rest if len(rest) <= data.validate else rest[stratified(y[rest], data.validate, rng, name)[1]]
    sized = halve if data.halved else np.asarray
    x_train, x_val, x_test = sized(x[train]), sized(x[val]), sized(whole.x_test)
    height, width, channels = x_train.shape[1:]
    return replace(
        whole,
        task=replace(whole.task, name=name, input_shape=(channels, height, width)),
        x_train=x_train,
        y_train=y[train],
        x_val=x_val,
        y_val=y[val],
        x_test=x_test,
    )


def halve(images: np.ndarray) -> np.ndarray:
    """(n, height, width, channels) uint8 of even height and width -> half of each, the mean of two by two pixels."""
    n, height, width, channels = images.shape
    pairs = images.reshape(n, height // 2, 2, width // 2, 2, channels)
    return np.rint(pairs.mean((2, 4), dtype=np.float32)).astype(np.uint8)


def trainer(name: str, folder: Path | None = None, checkpoints: Path | None = None) -> TorchTrainer:
    """What trains the table's networks on a data set: on one thread of a CPU, with convolutions in bfloat16."""
    from evonas.training.trainer import TorchTrainer

    return TorchTrainer(
        encoding(),
        small_split(name, folder),
        epochs=DATA[name].epochs,
        batch_size=64,
        lr=0.1,
        device="cpu",
        threads=1,
        precision="bfloat16",
        checkpoints=checkpoints,
    )


@cache
def small_images() -> Table:
    """The table: 420 cells on five image sets, the first 84 with two seeds; see the card beside its file.

    Metrics are those of full trainings, and `third NAME` those after a third of them. All of its space is there: its
    encoding stays within the cells that were trained.
    """
    found = read()
    members = list(dict.fromkeys(found["cell"].tolist()))
    return Table(
        "small-images",
        RestrictedEncoding(encoding(), members),
        members,
        {name: _entry(name, found, members) for name in DATA},
    )


def _entry(name: str, found: Mapping[str, np.ndarray], members: list[str]) -> Entry:
    """The columns of one data set: (n, seeds) accuracies and losses, (n,) of the rest."""
    place = {cell: i for i, cell in enumerate(members)}
    columns: dict[str, np.ndarray] = {}
    for prefix, full in (("", True), ("third ", False)):
        mine = (found["data"] == name) & ((found["fidelity"] == 1) == full)
        rows, seeds = [place[cell] for cell in found["cell"][mine]], found["seed"][mine]
        for metric in MEASURED:
            column = np.full((len(members), found["seed"].max() + 1), np.nan)
            column[rows, seeds] = found[metric][mine]
            varies = metric.startswith(("val", "train"))
            columns[prefix + metric] = column if varies else mean_over_seeds(column)
    return Entry(Task(name, (0, 0, 0), 10), columns, seconds="seconds")


def read(file: Path = FILE) -> dict[str, np.ndarray]:
    """Column -> (n,) values: `data`, `cell`, `seed`, `fidelity` (a third, or 1) and what was measured.

    Raises EvonasError where the file is missing or no such table.
    """
    return trainings_file.read(file, ("data", "cell", "seed", "fidelity"), MEASURED)
