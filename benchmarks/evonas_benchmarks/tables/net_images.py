"""A table of our own: the same genomes of `net`, trained on unlike image sets, each in three lengths of time.

Here is what was trained and how (`genomes`, `small_split`, `trainer`); `benchmarks/studies/net_images/make.py` made the
table. A length is a share of the seconds that the fixed baseline takes for `IMAGES` images, counted as the processor
time of one core: a slow network sees fewer. That is how a search for a deadline compares them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Task
from evonas.encodings.net import NetEncoding
from evonas.encodings.net_portfolio import OTHERS
from evonas_benchmarks.tables import trainings_file
from evonas_benchmarks.tables.lookup import Entry, Table
from evonas_benchmarks.tables.restricted import RestrictedEncoding
from evonas_benchmarks.tables.small_images import some_of

if TYPE_CHECKING:
    from evonas.domains.images import Split
    from evonas.training.trainer import TorchTrainer

Genome = tuple[Any, ...]
FILE = Path(__file__).parent / "data" / "net_images.parquet"
MEASURED = ("val_accuracy", "val_loss", "train_accuracy", "images", "seconds")


@dataclass(frozen=True)
class Data:
    """A data set's share of the recipe.

    Args:
        file: in the folder of images; None is made by evonas, or comes with scikit-learn.
        sources: what its images are made of: two sets that share one must not teach about each other.
        developed: whether defaults and the shipped memory were chosen while looking at it.
        halved: to half their height and width.
        train, validate: how many images.
    """

    file: str | None
    sources: tuple[str, ...]
    developed: bool = False
    halved: bool = False
    train: int = 3000
    validate: int = 1500


DATA = {
    "digits": Data(None, ("digits",), developed=True, train=900, validate=538),
    "chess": Data(None, ("chess",), developed=True),
    "words": Data(None, ("words",), developed=True),
    "spectra": Data(None, ("spectra",), developed=True),
    "shapes": Data(None, ("shapes",), developed=True),
    "sudoku": Data(None, ("sudoku",)),
    "usps": Data("usps.npz", ("usps",)),
    "mnist": Data("mnist.npz", ("mnist",), halved=True),
    "fashion_mnist": Data("fashion_mnist.npz", ("fashion_mnist",)),
    "kmnist": Data("kmnist_10k.npz", ("kmnist",), halved=True),
    "cifar10": Data("cifar10.npz", ("cifar10",), halved=True),
    "addnist": Data("mnist.npz", ("mnist",), halved=True),
    "multnist": Data("mnist.npz", ("mnist",), halved=True),
}
GENOMES = 160
IMAGES, MOST_SECONDS = 8000, 8.0  # of the longest training, in the fixed baseline's images; never more seconds
FIDELITIES = (1 / 9, 1 / 3, 1.0)  # of the longest training, each with a whole schedule of its own
MOST_FLOPS = 1.2e8  # of a colour image of 32×32: a slower network would see a few hundred images, which says nothing
MADE = 3600  # training images of a set that evonas makes; its validation images, a third as many, are learned from too
UNLIKE = (
    "ResNet-8", "board", "column", "wide", "row", "deep", "fast", "far", "careful", "plain", "small",
)  # of the portfolio, in the order of the table  # fmt: skip
DRAW = 2026  # seed of the draws of genomes and splits


def genomes() -> list[Genome]:
    """The genomes in the order they are trained: the portfolio, then in turn random ones, mutants of the portfolio's
    (each mutated one to three times) and children of two of them; distinct networks and recipes all."""
    net, rng = NetEncoding(), np.random.default_rng(DRAW)
    known = [net.canonical(net.genome(**choices)) for choices in ({}, *(OTHERS[name] for name in UNLIKE))]
    found = dict.fromkeys(known)
    while len(found) < GENOMES:
        kind = len(found) % 3
        if kind == 0:
            genome = net.sample(rng)
        elif kind == 1:
            genome = known[int(rng.integers(len(known)))]
            for _ in range(int(rng.integers(1, 4))):
                genome = net.mutate(genome, rng)
        else:
            a, b = rng.choice(len(known), 2, replace=False)
            genome = net.mutate(net.crossover(known[a], known[b], rng), rng)
        genome = net.canonical(genome)
        if net.plan(genome, (3, 32, 32)).flops(10) <= MOST_FLOPS:
            found.setdefault(genome)
    return list(found)


def small_split(name: str, images: Path, made: Path) -> Split:
    """The fixed images of a data set, stratified by class, none of them of the test set.

    Args:
        name: one of DATA.
        images: the folder of the .npz files.
        made: the folder where evonas's own sets are, or are made.

    Descriptors and fingerprint of its task are of the whole set. Raises EvonasError where a file is missing.
    """
    from evonas.domains.images import load_images, split

    data = DATA[name]
    whole = load_images(_source(name, images, made))
    if whole.x_val is not None and whole.y_val is not None:
        both = np.concatenate([whole.x, whole.x_val]), np.concatenate([whole.y, whole.y_val])
        whole = replace(whole, x=both[0], y=both[1], x_val=None, y_val=None)
    return some_of(split(whole, seed=DRAW), name, data)


def _source(name: str, images: Path, made: Path) -> str:
    from evonas.domains.images.made.making import make
    from evonas.domains.images.made.materials import material
    from evonas.domains.images.made.registry import made_sets

    data, kind = DATA[name], made_sets().get(name)
    if data.file is not None and not (images / data.file).is_file():
        raise EvonasError(f"{name!r} needs {data.file}, which is not in {str(images)!r}; give --images FOLDER")
    if kind is None:
        return name if data.file is None else f"npz:{images / data.file}"
    file = None if data.file is None else images / data.file
    folder, _ = make(kind, made, images=MADE, seed=DRAW, source=material(kind, made, file))
    return f"npy:{folder}"


def trainer(split: Split, seconds: float) -> TorchTrainer:
    """What trains on a data set for so many seconds of one thread of a CPU, by its own processor time."""
    from evonas.training.trainer import TorchTrainer

    options: Any = {"device": "cpu", "threads": 1, "precision": "float32", "clock": time.process_time}
    return TorchTrainer(NetEncoding(), split, seconds=seconds, **options)


def speed(split: Split) -> float:
    """Images a second that the fixed baseline is trained with on this machine, by one core's own time."""
    return trainer(split, MOST_SECONDS).rate(Candidate(genomes()[0]), 0, 2.0)["images_per_second"]


def read(file: Path = FILE) -> dict[str, np.ndarray]:
    """Column -> (n,) values: `data`, `genome` (its place in `genomes()`), `fidelity` and what was measured; NaN where a
    training diverged. Raises EvonasError where the file is missing or no such table."""
    return trainings_file.read(file, ("data", "genome", "fidelity"), MEASURED)


def table_of(found: Mapping[str, np.ndarray], tasks: Mapping[str, Any]) -> Table:
    """What was read, as a table: its metrics are those of the longest trainings, `1/3 NAME` and `1/9 NAME` those of
    shorter ones. It has all genomes that every data set has: its encoding stays within them. `tasks` are what is known
    of the data sets (`about`)."""
    names = list(dict.fromkeys(found["data"].tolist()))
    counts = [set(found["genome"][found["data"] == name].tolist()) for name in names]
    places = sorted(set.intersection(*counts))
    drawn = genomes()
    members = [drawn[place] for place in places]
    entries = {}
    for name in names:
        columns = {}
        for fidelity in FIDELITIES:
            mine = (found["data"] == name) & (np.abs(found["fidelity"] - fidelity) < 1e-3)
            rows = dict(zip(found["genome"][mine].tolist(), np.flatnonzero(mine), strict=True))
            for metric in MEASURED:
                columns[prefix(fidelity) + metric] = found[metric][[rows[place] for place in places]]
        known = tasks[name]
        task = Task(name, tuple(known["shape"]), known["classes"], known["features"], known["fingerprint"])
        entries[name] = Entry(task, columns, seconds="seconds", sources=DATA[name].sources)
    return Table("net-images", RestrictedEncoding(NetEncoding(), members), members, entries)


def net_images() -> Table:
    """The table that comes with evonas."""
    return table_of(read(), about()["tasks"])


def prefix(fidelity: float) -> str:
    """Before the names of a length's figures: nothing, `1/3 ` or `1/9 `."""
    return "" if fidelity == 1 else f"1/{round(1 / fidelity)} "


def write(rows: Sequence[Mapping[str, Any]], about: Mapping[str, Any], file: Path) -> None:
    """A row for each data set, genome and length; what diverged has none of the figures."""
    types = {name: "int32" if name == "images" else "float32" for name in MEASURED}
    trainings_file.write(rows, {"data": "word", "genome": "int16", "fidelity": "float32", **types}, about, file)


def about(file: Path = FILE) -> dict[str, Any]:
    """How the table was made: recipe, seconds, versions and processor."""
    return trainings_file.about(file)
