"""Genes of a recipe: how a network is trained, as choices that evolve with its architecture or beside it."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np

from evonas.core.recipe import Recipe
from evonas.core.space import Gene

RECIPE: Mapping[str, Sequence[Hashable]] = {
    "optimizer": ("muon", "sgd", "adamw"),
    "lr": (0.25, 0.5, 1.0, 2.0),  # times the optimizer's usual rate
    "decay": (0.0, 1.0, 5.0),  # times the optimizer's usual weight decay
    "smoothing": (0.0, 0.1, 0.2),
    "batch": (32, 64, 128),
    "averaging": (0.0, 0.1, 0.25),
    "mirror_x": (False, True),
    "mirror_y": (False, True),
    "shift_x": (0.0, 0.0625, 0.125),
    "shift_y": (0.0, 0.0625, 0.125),
    "rotation": (0, 15),
    "cutout": (0.0, 0.3, 0.5),
    "mixup": (0.0, 0.2),
}
VARIED = ("mirror_x", "mirror_y", "shift_x", "shift_y", "rotation", "cutout", "mixup")  # change the images
PLAIN = 0.7  # chance that a sampled genome leaves one of those out: half of them destroy the classes of most data

USUAL = {"muon": (0.12, 5e-4), "sgd": (0.2, 5e-4), "adamw": (0.003, 0.02)}  # learning rate, weight decay
# A shifted image looks new to a network that has seen few. Of a mirrored one the best networks keep all that they know
# or, on all sets tried, half and less; those that know little say so with noise.
KEPT_MIRRORED, KEPT_SHIFTED = 0.8, 0.6
WARM_UP = 0.1  # changes little from .05 to .2

DEFAULT_RECIPE: Mapping[str, Any] = {name: choices[0] for name, choices in RECIPE.items()} | {
    "lr": 1.0,
    "decay": 1.0,
    "smoothing": 0.1,
    "batch": 64,
}


def recipe_genes(prefix: str = "") -> tuple[Gene, ...]:
    """The genes, in order; `prefix` keeps their names apart from an architecture's."""
    return tuple(Gene(prefix + name, tuple(choices)) for name, choices in RECIPE.items())


def to_recipe(genes: Mapping[str, Any]) -> Recipe:
    """What these choices, by name, mean; other names are passed over."""
    rate, decay = USUAL[genes["optimizer"]]
    return Recipe(
        optimizer=genes["optimizer"],
        lr=rate * genes["lr"],
        weight_decay=decay * genes["decay"],
        label_smoothing=genes["smoothing"],
        batch_size=genes["batch"],
        warm_up=WARM_UP,
        averaging=genes["averaging"],
        **{name: genes[name] for name in VARIED},
    )


def allowed(kept: Mapping[str, float]) -> dict[str, Any]:
    """The genes that vary images as far as they keep their class, by a network's metrics `keeps_…`: mirrored where it
    keeps eight tenths of what it knows, shifted by an eighth where it keeps six tenths."""
    return {
        **{name: kept.get(f"keeps_{name}", 0.0) >= KEPT_MIRRORED for name in ("mirror_x", "mirror_y")},
        **{name: 0.125 if kept.get(f"keeps_{name}", 0.0) >= KEPT_SHIFTED else 0.0 for name in ("shift_x", "shift_y")},
    }


def sampled(gene: Gene, rng: np.random.Generator) -> Any:
    """A choice, all alike; what changes images is left out with the chance `PLAIN`."""
    if gene.name.rpartition(".")[2] in VARIED and rng.random() < PLAIN:
        return gene.choices[0]
    return gene.choices[int(rng.integers(len(gene.choices)))]


def described(gene: Gene, value: Any, active: bool = True) -> dict[str, float]:
    """A gene as features: numbers and flags as they are, the rest one-hot; NaN where it has no effect."""
    if all(isinstance(choice, int | float) for choice in gene.choices):
        return {gene.name: float(value) if active else float("nan")}
    return {f"{gene.name}={choice}": float(choice == value) if active else float("nan") for choice in gene.choices}
