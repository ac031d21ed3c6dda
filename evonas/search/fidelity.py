"""What few epochs say about many: evaluations of several fidelities on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median
from typing import Generic

import numpy as np

from evonas.core.goals import Objective
from evonas.core.types import Evaluation, G


class AtFull(Generic[G]):
    """Each genome's value as of the highest fidelity seen; NaN where it failed. In the order they were first told.

    A genome counts by its own highest fidelity. A value from a lower one is lifted, step by step, by the median gain
    of the genomes that were trained at both. Those are mostly the good ones, so the lift is rough; but without it a
    surrogate would take few epochs for a bad network.
    """

    def __init__(self, objective: Objective):
        self.objective = objective
        self.genomes: list[G] = []
        self._places: dict[G, int] = {}
        self._own: list[float] = []  # of each genome, at its highest fidelity
        self._highest: list[float] = []
        self._levels: dict[float, dict[G, float]] = {}

    def add(self, evaluations: Sequence[Evaluation[G]]) -> None:
        """Take note of more of them."""
        for evaluation in evaluations:
            genome, fidelity = evaluation.candidate.genome, evaluation.candidate.fidelity
            value = self.objective.value(evaluation.metrics) if evaluation.ok else -np.inf
            value = value if np.isfinite(value) else np.nan
            self._levels.setdefault(fidelity, {})[genome] = value
            place = self._places.setdefault(genome, len(self.genomes))
            if place == len(self.genomes):
                self.genomes.append(genome)
                self._own.append(value)
                self._highest.append(fidelity)
            elif fidelity >= self._highest[place]:
                self._own[place], self._highest[place] = value, fidelity

    def values(self) -> np.ndarray:
        """(n,) of the n genomes."""
        lifts = _lifts(self._levels)
        if len(lifts) < 2:
            return np.array(self._own)
        return np.array(self._own) + [lifts[fidelity] for fidelity in self._highest]


def at_full(evaluations: Sequence[Evaluation[G]], objective: Objective) -> dict[G, float]:
    """The same of evaluations that are all there, by genome."""
    found: AtFull[G] = AtFull(objective)
    found.add(evaluations)
    return dict(zip(found.genomes, found.values().tolist(), strict=True))


def _lifts(levels: dict[float, dict[G, float]]) -> dict[float, float]:
    """What a value of each fidelity gains up to the highest one: the sum of the median gains between neighbours."""
    ordered = sorted(levels, reverse=True)
    lifts = dict.fromkeys(ordered[:1], 0.0)
    for higher, lower in pairwise(ordered):
        both = levels[higher].keys() & levels[lower].keys()
        gains = [levels[higher][genome] - levels[lower][genome] for genome in both]
        known = [gain for gain in gains if np.isfinite(gain)]
        lifts[lower] = lifts[higher] + (median(known) if known else 0.0)
    return lifts
