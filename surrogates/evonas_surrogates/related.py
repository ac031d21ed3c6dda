"""Which remembered tasks will help on a new one, said before any training."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import rankdata

from evonas.core import trust
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError, choices
from evonas.core.genomes import feature_row
from evonas.core.goals import Goal
from evonas.core.types import Encoding
from evonas.domains.domain import domain_named, load_data
from evonas.encodings.make import make_encoding
from evonas.memory.archive import Archive
from evonas_surrogates import pretrained
from evonas_surrogates.meta import MetaSurrogate
from evonas_surrogates.transfer import TransferModel

COUNTS = frozenset(("images", "series", "classes", "channels", "height", "width", "length"))  # their ratios matter
NEAR = 2.0  # of a squared difference in deviations: what counts as alike; chosen on the developed tasks of net-images
FARTHEST = 9.0  # of it, three deviations: beyond, a descriptor says no more
GENOMES = 300  # at random, by which source models are compared
NAMED = 2  # tasks that a sentence points to
LEAST_UNLIKE = 0.1  # of its own size: a descriptor that is worth a word


@dataclass(frozen=True)
class Related:
    """A remembered task.

    Args:
        task: its name.
        trainings: behind its source model.
        expected: rank correlation, -1 to 1, of its results and the new task's, as predicted.
        likeness: of its data and the new ones by their descriptors, 0 to 1; None where none is known of them.
        because: a sentence.
    """

    task: str
    trainings: int
    expected: float
    likeness: float | None
    because: str


def related(model: TransferModel, descriptors: Mapping[str, float], encoding: Encoding[Any]) -> list[Related]:
    """The earlier tasks that a model knows, those first that are expected to help most on data with these descriptors.

    A task is expected to agree with the new one as its source model agrees, on the order of networks, with those of the
    tasks, itself among them, whose data look like the new ones, each weighed by how much they do. So what looks like
    the new data counts, and so does what agrees with most.
    """
    names = model.names_
    if not names:
        return []
    agreement, known = agreements(model, encoding), model.descriptors()
    apart = distances(known, descriptors)
    expected = expectations(agreement, apart)
    found = []
    for i, name in enumerate(names):
        likeness = None if math.isnan(apart[i]) else math.exp(-float(apart[i]) / NEAR)
        because = _because(i, names, agreement, apart) + _unlike(known[i], descriptors) + "."
        found.append(Related(name, int(model.sizes_[i]), float(expected[i]), likeness, because))
    return sorted(found, key=lambda one: -one.expected)


def of_data(
    data: str, encoding: str | None = None, archive: str | None = None, root: Path | None = None
) -> tuple[str, list[Related]]:
    """The encoding's spec, and what an archive, and what evonas ships, remember of it that is related to a data set.

    Raises EvonasError where the data or the encoding are not valid, or nothing is remembered of it.
    """
    trust.given(data, *([encoding] if encoding else []))
    whole = load_data(data, root=root)
    domain = domain_named(whole.domain)
    spec, store = encoding or domain.encoding, Archive(archive)
    if not spec:
        raise EvonasError(f"{data!r} has no encoding of its own; give --encoding")
    made, task = make_encoding(spec), domain.split(whole, seed=0).task
    model = MetaSurrogate.recall(SearchContext(made, Goal(), task, store, 0, spec))
    found = related(model, task.features, made)
    if not found:
        there = {row["encoding"] for row in store.summary()} | set(pretrained.shipped())
        raise EvonasError(
            f"no other data set than {data!r} is remembered with the encoding {spec!r}, in {store.where!r} or by a "
            f"model that evonas ships; search on one first, or give another --encoding: {choices(there)}"
        )
    return spec, found


def agreements(model: TransferModel, encoding: Encoding[Any]) -> np.ndarray:
    """(t, t) rank correlations of what t source models say of the same random genomes."""
    rng = np.random.default_rng(0)
    views = model.views(np.array([feature_row(encoding.features(encoding.sample(rng))) for _ in range(GENOMES)]))
    ranks = rankdata(views, axis=0)
    ranks = ranks - ranks.mean(0)
    spread = np.sqrt((ranks**2).sum(0))
    found = ranks.T @ ranks / np.maximum(np.outer(spread, spread), 1e-12)
    np.fill_diagonal(found, 1.0)
    return found


def distances(known: Sequence[Mapping[str, float]], new: Mapping[str, float]) -> np.ndarray:
    """(t,) mean squared differences of tasks' descriptors from the new one's, in deviations among the tasks; NaN where
    none is known of both."""
    names = sorted(new)
    table = np.array([[_value(name, one) for name in names] for one in known]).reshape(len(known), len(names))
    own = np.array([_value(name, new) for name in names])
    here = np.isfinite(table) & np.isfinite(own)
    count = np.maximum(here.sum(0), 1)
    mean = np.where(here, table, 0).sum(0) / count
    deviation = np.sqrt(np.where(here, (table - mean) ** 2, 0).sum(0) / count)
    squares = np.minimum(((table - own) / np.maximum(deviation, 1e-9)) ** 2, FARTHEST)
    apart = np.where(here, squares, 0).sum(1) / np.maximum(here.sum(1), 1)
    return np.where(here.any(1), apart, np.nan)


def expectations(agreement: np.ndarray, apart: np.ndarray) -> np.ndarray:
    """(t,) expected rank correlations with the new task, of (t, t) with one another and (t,) distances of their data.
    Where nothing is known of any of the data all tasks count alike."""
    weights = np.nan_to_num(np.exp(-apart / NEAR), nan=0.0)
    weights = weights if weights.sum() > 0 else np.ones(len(apart))
    return agreement @ weights / weights.sum()


def _value(name: str, descriptors: Mapping[str, float]) -> float:
    value = float(descriptors.get(name, math.nan))
    return math.log(max(value, 1e-9)) if name in COUNTS else value


def _because(i: int, names: Sequence[str], agreement: np.ndarray, apart: np.ndarray) -> str:
    """What its data look like, and how it agrees with the tasks whose data look most like the new ones."""
    looks = "nothing is known of its data"
    if not math.isnan(apart[i]):
        how = "much" if apart[i] < NEAR / 4 else "somewhat" if apart[i] < NEAR else "little"
        looks = f"its data are {how} like these"
    nearest = [k for k in np.argsort(apart, kind="stable") if k != i and not math.isnan(apart[k])][:NAMED]
    if not nearest:
        return looks
    beside = " and ".join(f"{names[k]} ({agreement[i, k]:.2f})" for k in nearest)
    which = "the nearest others" if not math.isnan(apart[i]) and apart[i] <= apart[nearest[0]] else "the nearest"
    return f"{looks}, and it orders networks as {which} do: {beside}"


def _unlike(known: Mapping[str, float], new: Mapping[str, float]) -> str:
    """The descriptor that differs most by its own size."""
    both = [name for name in known if name in new and math.isfinite(known[name]) and math.isfinite(new[name])]
    sized = {name: abs(known[name] - new[name]) / max(abs(known[name]), abs(new[name]), 1e-9) for name in both}
    if not sized or max(sized.values()) < LEAST_UNLIKE:
        return ""
    name = max(sized, key=lambda one: sized[one])
    return f"; most unlike in {name.replace('_', ' ')}, {_figure(known[name])} to {_figure(new[name])}"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
