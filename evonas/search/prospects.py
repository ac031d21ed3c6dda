"""What more trainings would probably bring, by what a search's ranker has learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evonas.core.goals import Objective
from evonas.core.optional import Uncertain, WrapsSearcher
from evonas.core.ranks import Quantiles
from evonas.core.types import Evaluation, Searcher
from evonas.search.fidelity import at_full
from evonas.search.screening import Screened

LEAST = 10  # results, below which a ranker knows too little of how good others may be
SAMPLE = 300  # random genomes that stand for the space
DRAWS = 2000  # of what the networks would show
WIDER, WIDEST = 1.25, 2.0  # times as wide as the ranker says are deviations taken: benchmarks/results/prospects.md
SURE = 0.9


@dataclass(frozen=True)
class Prospects:
    """What so many more `trainings` are expected to add to the best value, 0 or more, and what nothing in the space is
    better by than, with probability SURE; both in the objective's own unit, whichever way is better."""

    trainings: int
    expected: float
    at_most: float


def prospects(
    searcher: Searcher[Any],
    results: Sequence[Evaluation[Any]],
    objective: Objective,
    rng: np.random.Generator,
    trainings: int = 10,
) -> Prospects | None:
    """None where nothing can be said: no ranker that knows how sure it is, several objectives or limits, or too few
    results."""
    screened = _screened(searcher)
    found = [value for value in at_full(results, objective).values() if np.isfinite(value)]
    if screened is None or len(found) < LEAST or np.ptp(found) == 0:
        return None
    offered, some = screened.outlook(trainings, SAMPLE, rng)
    scale, best = Quantiles(np.array(found)), max(found)

    def gains(means: np.ndarray, deviations: np.ndarray, wider: float) -> np.ndarray:
        shown = means + wider * deviations * rng.normal(size=(DRAWS, len(means)))
        return np.maximum(scale(shown.max(axis=1)) - best, 0.0)

    return Prospects(
        trainings,
        float(gains(*offered, WIDER).mean()) if len(offered[0]) else 0.0,
        float(np.quantile(gains(*some, WIDEST), SURE)) if len(some[0]) else 0.0,
    )


def _screened(searcher: Any) -> Screened[Any] | None:
    """The part of a method that is screened, for one objective, by a ranker that knows how sure it is."""
    while not isinstance(searcher, Screened) and isinstance(searcher, WrapsSearcher):
        searcher = searcher.searcher
    if not isinstance(searcher, Screened) or searcher.several is not None or searcher.goal.constraints:
        return None
    return searcher if isinstance(searcher.rankers[0], Uncertain) else None
