"""Ratios of test errors, paired by set and seed, with bootstrap intervals; and which fixed network is the control."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

import numpy as np

from studies.real_images.rows import Row

RESAMPLES = 10_000

Errors = Mapping[str, Mapping[str, Mapping[int, float]]]  # system -> set -> seed -> test error, 0 to 1


def errors(rows: Sequence[Row]) -> Errors:
    """Of rows of one budget. No error at all counts as half of one image: its logarithm is wanted."""
    found: dict[str, dict[str, dict[int, float]]] = {}
    for row in rows:
        error = max(1 - row["test_accuracy"], 0.5 / row["tested"])
        found.setdefault(row["system"], {}).setdefault(row["set"], {})[row["seed"]] = error
    return found


@dataclass(frozen=True)
class Ratio:
    """A geometric mean of ratios with its 95 % interval, of so many pairs on so many sets. Of one pair there is no
    interval: it is (0, ∞)."""

    value: float
    low: float
    high: float
    sets: int
    pairs: int

    def __str__(self) -> str:
        if self.pairs == 1:
            return f"{self.value:.2f} (one pair)"
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def log_ratios(
    ours: Mapping[str, Mapping[int, float]], theirs: Mapping[str, Mapping[int, float]]
) -> dict[str, list[float]]:
    """For each set, the logarithms of our error by theirs, of the seeds that both have; other sets are left out."""
    found = {}
    for name in ours:
        both = sorted(ours[name].keys() & theirs.get(name, {}).keys())
        if both:
            found[name] = [math.log(ours[name][seed] / theirs[name][seed]) for seed in both]
    return found


def by_set(rows: Sequence[Row], one: str, other: str) -> dict[str, list[float]]:
    """`log_ratios` of two systems, in rows of one budget."""
    by = errors(rows)
    return log_ratios(by.get(one, {}), by.get(other, {}))


def ratio(groups: Collection[Sequence[float]]) -> Ratio | None:
    """The geometric mean over groups (sets) of those over their pairs (seeds), from logarithms; None without any.

    The interval is by percentile bootstrap over groups, and over the pairs within each; of one group over its pairs.
    """
    if not groups:
        return None
    value, pairs = math.exp(mean(mean(group) for group in groups)), sum(map(len, groups))
    low, high = _interval(groups) if pairs > 1 else (-math.inf, math.inf)
    return Ratio(value, math.exp(low), math.exp(high), len(groups), pairs)


def _interval(groups: Collection[Sequence[float]]) -> tuple[float, float]:
    rng, most = np.random.default_rng(0), max(map(len, groups))
    table = np.array([[*group, *[0.0] * (most - len(group))] for group in groups])
    sizes = np.array([len(group) for group in groups])
    drawn = rng.integers(len(groups), size=(RESAMPLES, len(groups)))
    n = sizes[drawn][..., None]
    within = (rng.random((*drawn.shape, most)) * n).astype(int)
    values = np.where(np.arange(most) < n, table[drawn[..., None], within], 0.0)
    low, high = np.quantile((values.sum(-1) / n[..., 0]).mean(-1), [0.025, 0.975])
    return float(low), float(high)


@dataclass(frozen=True)
class Control:
    """The fixed network with the lowest geometric mean of its errors, seed 0, on the sets that all of them have.

    `means` are those of all fixed networks, the best first.
    """

    name: str
    means: Mapping[str, float]
    sets: tuple[str, ...]


def control(rows: Sequence[Row]) -> Control | None:
    """Of rows of one budget; None where the fixed networks have no set in common. Their rows say `fixed`."""
    fixed = [row for row in rows if row.get("fixed") and row["seed"] == 0]
    by = errors(fixed)
    sets = [name for name in dict.fromkeys(row["set"] for row in fixed) if all(name in one for one in by.values())]
    if not by or not sets:
        return None
    means = {network: math.exp(mean(math.log(one[name][0]) for name in sets)) for network, one in by.items()}
    means = dict(sorted(means.items(), key=lambda item: item[1]))
    return Control(next(iter(means)), means, tuple(sets))
