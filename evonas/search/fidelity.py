"""What few epochs say about many: evaluations of several fidelities on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import numpy as np

from evonas.core.goals import Objective
from evonas.core.types import Evaluation, G


def at_full(evaluations: Sequence[Evaluation[G]], objective: Objective) -> dict[G, float]:
    """Each genome's value as of the highest fidelity seen; NaN where it failed. In the order they were first told.

    A genome counts by its own highest fidelity. A value from a lower one is lifted, step by step, by the median gain
    of the genomes that were trained at both. Those are mostly the good ones, so the lift is rough; but without it a
    surrogate would take few epochs for a bad network.
    """
    levels: dict[float, dict[G, float]] = {}
    highest: dict[G, float] = {}
    for evaluation in evaluations:
        genome, fidelity = evaluation.candidate.genome, evaluation.candidate.fidelity
        value = objective.value(evaluation.metrics) if evaluation.ok else -np.inf
        levels.setdefault(fidelity, {})[genome] = value if np.isfinite(value) else np.nan
        highest[genome] = max(fidelity, highest.get(genome, 0.0))
    lifts = _lifts(levels)
    return {genome: levels[fidelity][genome] + lifts[fidelity] for genome, fidelity in highest.items()}


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
