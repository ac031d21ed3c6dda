"""Views of earlier tasks of one encoding, brought to the genomes of another."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core.ranks import normal_scores
from evonas.core.types import Encoding, Task
from evonas.encodings.net import NetEncoding
from evonas.training.building import build, seeded
from evonas_benchmarks.tables import net_images, small_images
from evonas_benchmarks.tables.lookup import Table
from evonas_surrogates.forest import boosted
from studies.between_encodings.graph import graph_features

CELLS, DRAWN = 200, 300  # earlier trainings of `cell`; genomes of the new encoding that views are brought to
SHAPES = {"digits": 8, "mnist": 14, "fashion_mnist": 14, "kmnist": 14, "usps": 16}  # grey images of the cells' table


@dataclass(frozen=True)
class Side:
    """An encoding's table: `earlier` many of its genomes teach."""

    name: str
    encoding: Encoding[Any]
    table: Table
    earlier: int

    def genomes(self, n: int) -> list[Any]:
        return list(self.table.genomes[:n])  # they are in a random order, or all of them

    def scores(self, task: str) -> np.ndarray:
        """(n,) of all genomes; what diverged is as bad as the worst."""
        scores = self.table.scores(task)
        return np.where(np.isfinite(scores), scores, np.nanmin(scores))

    def input(self, task: str) -> tuple[tuple[int, ...], int]:
        """The shape of an image, and classes."""
        if self.name == "cell":
            return (1, SHAPES[task], SHAPES[task]), 10
        known = self.table.entry(task).task
        return known.input_shape, known.n_classes


@dataclass
class Counted:
    """The features of networks, kept in a file where one is given."""

    file: Path | None
    known: dict[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.file is not None and self.file.is_file():
            self.known = json.loads(self.file.read_text(encoding="utf-8"))

    def rows(self, side: Side, genomes: Sequence[Any], shape: tuple[int, ...], classes: int) -> np.ndarray:
        """(n, d) in the order of their names."""
        task, found = Task("", shape, classes), []
        for genome in genomes:
            key = json.dumps([side.name, genome, shape, classes])
            if key not in self.known:
                with seeded(0):
                    self.known[key] = graph_features(build(side.encoding, genome, task), shape)
            found.append([self.known[key][name] for name in sorted(self.known[key])])
        return np.array(found)

    def keep(self) -> None:
        if self.file is not None:
            self.file.write_text(json.dumps(self.known), encoding="utf-8")


def sides() -> tuple[Side, Side]:
    cells, nets = small_images.small_images(), net_images.net_images()
    return (
        Side("cell", small_images.encoding(), cells, CELLS),
        Side("net", NetEncoding(), nets, len(nets.genomes)),
    )


def earlier_tasks(earlier: Side, task: str) -> list[str]:
    """Those that share no source of images with a task."""
    mine = set(net_images.DATA[task].sources)
    return [name for name in earlier.table.entries if not mine & set(net_images.DATA[name].sources)]


def views(new: Side, earlier: Side, task: str, counted: Counted) -> tuple[np.ndarray, np.ndarray]:
    """(n, d) features of genomes of the new encoding, and (t, n) what models of t earlier tasks, fitted on what was
    counted in the other encoding's networks, say of them; all networks as they are built for the new task."""
    shape, classes = new.input(task)
    known = earlier.genomes(earlier.earlier)
    A, genomes = counted.rows(earlier, known, shape, classes), new.genomes(DRAWN)
    B = counted.rows(new, genomes, shape, classes)
    found = []
    for name in earlier_tasks(earlier, task):
        model = boosted(A, normal_scores(earlier.scores(name)[: len(known)]), 0, 100)
        found.append(model.predict(B))
    return np.asarray(new.table.features[: len(genomes)], dtype=float), np.array(found)
