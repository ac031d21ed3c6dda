"""The card of the table `small-images`: what it is, how it was made, how noisy it is. Every figure is computed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy.stats import rankdata

from evonas.domains.images import Split
from evonas.training.checkpoints import digest
from evonas_benchmarks.pages.text import markdown
from evonas_benchmarks.tables.small_images import DATA

Rows = Mapping[str, np.ndarray]

SOURCES = {
    "digits": "scikit-learn's copy of UCI's optical handwritten digits (Alpaydin & Kaynak 1998); CC BY 4.0",
    "mnist": "MNIST (LeCun, Cortes & Burges), its training images; MIT",
    "fashion_mnist": "Fashion-MNIST (Xiao et al. 2017), its training images; MIT",
    "kmnist": "KMNIST (Clanuwat et al. 2018), 8,000 of its 10,000 official test images; CC BY-SA 4.0",
    "usps": "USPS (Hull 1994), the official training images",
}

COMMAND = "python benchmarks/studies/small_images/make.py --images FOLDER --out FOLDER"
RECIPE = ("data set", "trained on", "validated on", "pixels", "epochs")
LEVEL = ("data set", "worst", "median", "best", "deviation", "median seconds", "after a third: median")
NOISE = ("data set", "cells", "seed against seed", "the same after a third", "noise", "between cells")


def images(splits: Mapping[str, Split]) -> dict[str, str]:
    """A digest of the images and labels that were trained and validated on, by data set."""
    return {name: digest(s.x_train, s.y_train, s.x_val, s.y_val) for name, s in splits.items()}


def card(rows: Rows, about: Mapping[str, Any]) -> str:
    """Markdown, of the table's columns and of what is known of its making."""
    names = [name for name in DATA if (rows["data"] == name).any()]
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    cells = len(set(rows["cell"]))
    return f"""# small-images

The same {cells} networks trained on {len(names)} small image sets, each to two fidelities: {len(rows["data"]):,} rows.
A network is a cell of NAS-Bench-201 (Dong & Yang 2020) in evonas's skeleton, `cell(width={about["recipe"]["width"]})`:
stem, three stages of one cell, two residual reductions between. The cells are drawn from the 6,466 distinct ones, each
as likely as any other. The suite of this name searches among them, and nothing is absent: mutations lead to the nearest
cell that was trained (`evonas_benchmarks.tables.restricted.RestrictedEncoding`).

Made by `{COMMAND}` on {about["processor"]}; {versions}.

## Columns

| column | meaning |
| --- | --- |
| `data`, `cell`, `seed` | data set; the cell's string, in canonical form; seed of weights, order and shifts |
| `fidelity` | 1, or a third: the same training, measured after the first third of its epochs |
| `val_accuracy`, `val_loss` | on the images that validate: 0 to 1, and mean cross-entropy in nats |
| `train_accuracy` | on the shifted images of the last epoch, while training |
| `params`, `flops` | of the network; a multiply-add is two operations |
| `seconds` | processor time of the one thread until that measurement, on a machine with other work: compare with care |

## Data and recipe

{markdown(RECIPE, [_recipe(name) for name in names])}

No image of a test set is used. The 28×28 images are halved (the mean of two by two pixels), so that a training takes
some two seconds of a processor core and still gets somewhere. Subsets are stratified by class and fixed. Descriptors
and fingerprints of tasks made from them are those of the whole sets. SGD with Nesterov momentum, highest learning rate
0.1 with warm-up and cosine, batches of 64, weight decay 5e-4, label smoothing 0.1, shifts by up to an eighth; bfloat16
convolutions. No network was left out{_diverged(rows)}.

The table holds figures, no images; it is under evonas's own licence. The images:

{_sources(names)}

Digests of what was trained and validated on: {", ".join(f"{n} `{d[:12]}`" for n, d in about["images"].items())}.

## How good the cells are

Validation accuracy in percent over all cells, first seed.

{markdown(LEVEL, [_level(rows, name) for name in names])}

## Noise

Cells with two seeds: Spearman's correlation between the seeds (95 % bootstrap interval over cells), and in percent the
deviation of one training's accuracy around its cell's mean, beside that between the cells.

{markdown(NOISE, [_noise(rows, name) for name in names])}

## Between data sets, and between fidelities

Spearman's correlation of validation accuracies, first seed. The last column: a third of a training against all of it.

{markdown(["", *names, "third"], [_between(rows, name, names) for name in names])}
"""


def accuracies(rows: Rows, data: str, *, seed: int = 0, full: bool = True) -> dict[str, float]:
    """Cell -> validation accuracy."""
    chosen = (rows["data"] == data) & (rows["seed"] == seed) & ((rows["fidelity"] == 1) == full)
    return dict(zip(rows["cell"][chosen].tolist(), rows["val_accuracy"][chosen].astype(float).tolist(), strict=True))


def rank_correlation(one: Mapping[str, float], other: Mapping[str, float]) -> tuple[float, float, float, int]:
    """Spearman's over the cells that both have, its 95 % bootstrap interval over cells, and how many they are."""
    pairs = np.array([(one[cell], other[cell]) for cell in one if cell in other], dtype=float).reshape(-1, 2)
    pairs = pairs[np.isfinite(pairs).all(axis=1)]
    if len(pairs) < 3:
        return np.nan, np.nan, np.nan, len(pairs)
    rows = np.random.default_rng(0).integers(len(pairs), size=(1000, len(pairs)))
    low, high = np.nanquantile(_spearman(pairs[rows]), [0.025, 0.975])
    return float(_spearman(pairs[None])[0]), float(low), float(high), len(pairs)


def _spearman(samples: np.ndarray) -> np.ndarray:
    """(k,) of (k, n, 2) pairs; NaN where one side is constant."""
    ranks = rankdata(samples, axis=1)
    ranks -= ranks.mean(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return ranks.prod(axis=2).sum(axis=1) / np.sqrt((ranks**2).sum(axis=1).prod(axis=1))


def _recipe(name: str) -> list[str]:
    data = DATA[name]
    size = {"digits": "8×8", "usps": "16×16"}.get(name, "28×28, halved to 14×14" if data.halved else "28×28")
    return [name, f"{data.train:,}", f"{data.validate:,}", size, str(data.epochs)]


def _sources(names: list[str]) -> str:
    return "\n".join(f"- {name}: {SOURCES[name]}." for name in names)


def _diverged(rows: Rows) -> str:
    diverged = int((~np.isfinite(rows["val_accuracy"].astype(float))).sum())
    return f"; {diverged} rows are empty, for the training diverged" if diverged else "; none diverged"


def _level(rows: Rows, name: str) -> list[str]:
    full = 100 * np.array(list(accuracies(rows, name).values()))
    third = 100 * np.array(list(accuracies(rows, name, full=False).values()))
    mine = (rows["data"] == name) & (rows["fidelity"] == 1)
    seconds = np.nanmedian(rows["seconds"][mine].astype(float))
    figures = (np.nanmin(full), np.nanmedian(full), np.nanmax(full), np.nanstd(full), seconds, np.nanmedian(third))
    return [name, *(f"{figure:.2f}" for figure in figures)]


def _noise(rows: Rows, name: str) -> list[str]:
    first, second = accuracies(rows, name), accuracies(rows, name, seed=1)
    both = 100 * np.array([(first[cell], second[cell]) for cell in second]).reshape(-1, 2)
    third = rank_correlation(accuracies(rows, name, full=False), accuracies(rows, name, seed=1, full=False))
    known = both[np.isfinite(both).all(axis=1)]
    noise = np.std(known[:, 0] - known[:, 1]) / np.sqrt(2) if len(known) > 1 else np.nan
    between = np.sqrt(max(0.0, np.cov(known.T)[0, 1])) if len(known) > 1 else np.nan
    full = rank_correlation(first, second)
    return [name, str(len(both)), spread(full), spread(third), f"{noise:.2f}", f"{between:.2f}"]


def spread(found: tuple[float, float, float, int]) -> str:
    return f"{found[0]:.2f} ({found[1]:.2f} to {found[2]:.2f})"


def _between(rows: Rows, name: str, names: list[str]) -> list[str]:
    mine = accuracies(rows, name)
    others = [accuracies(rows, other) for other in names]
    third = accuracies(rows, name, full=False)
    return [name, *(f"{rank_correlation(mine, other)[0]:.2f}" for other in (*others, third))]
