"""Whose turn it is: shares of several sources of candidates, learned from what came of theirs."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from scipy.special import betainc

from evonas.core.goals import Goal
from evonas.core.types import Evaluation

TOP = 0.1  # share of the results behind which credit is halved, and halved again
MEMORY = 0.98  # of a result, what counts after each further one
PRIOR = 2.0  # results that the mean of all sources stands for in each
GRID = np.linspace(0, 1, 401)


class Shares:
    """Thompson sampling of sources, with credit by rank (Fialho et al. 2010, PPSN) that is forgotten with time (Raj &
    Kalyani 2017, arXiv:1707.09727).

    A result's credit is 1 where none is better, one half where a tenth of all results are, and so on, by its rank among
    those of its fidelity *now*: no scale and no outlier counts. A failure has none. A source's successes and failures
    are the credits and what they lack, older ones counting less. It has a turn as often as it is the best by a draw
    from the Beta distributions of all; one of which little is known is taken for an average one.

    Args:
        sources: name -> the origins of its candidates. Results of other origins are what these are compared with.
    """

    def __init__(self, sources: Mapping[str, Collection[str]]):
        self.names = tuple(sources)
        self._places = {origin: place for place, origins in enumerate(sources.values()) for origin in origins}
        self._owners: list[int] = []  # of each result, the place of its source; -1 of others
        self._merits: dict[float, list[tuple[int, tuple[float, float]]]] = {}  # fidelity -> (number, merit)
        self._now: dict[str, float] | None = None

    def add(self, evaluation: Evaluation, goal: Goal) -> None:
        """Take note of a result; what was not trained, or failed for no fault of its own, is none."""
        if evaluation.status == "absent" or evaluation.infrastructure:
            return
        merits = self._merits.setdefault(evaluation.candidate.fidelity, [])
        merits.append((len(self._owners), goal.merit(evaluation)))
        self._owners.append(self._places.get(evaluation.candidate.origin, -1))
        self._now = None

    @property
    def credited(self) -> int:
        """How many results are from these sources."""
        return sum(owner >= 0 for owner in self._owners)

    def now(self) -> dict[str, float]:
        """Source -> its share of the turns; they sum to 1."""
        if self._now is None:
            best = _best_of(*self._successes())
            self._now = dict(zip(self.names, (best / best.sum()).tolist(), strict=True))
        return self._now

    def _successes(self) -> tuple[np.ndarray, np.ndarray]:
        """(sources,) successes and (sources,) failures of each, with what is known before."""
        owners = np.array(self._owners, int)
        own = owners >= 0
        weights, credits = (MEMORY ** np.arange(len(owners))[::-1])[own], self._credits()[own]
        gained = np.bincount(owners[own], weights * credits, len(self.names))
        lacked = np.bincount(owners[own], weights * (1 - credits), len(self.names))
        mean = (gained.sum() + 0.5) / (gained.sum() + lacked.sum() + 1)
        return gained + PRIOR * mean, lacked + PRIOR * (1 - mean)

    def _credits(self) -> np.ndarray:
        """(n,) of all results, 0 to 1."""
        found = np.zeros(len(self._owners))
        for merits in self._merits.values():
            ahead: dict[tuple[float, float], int] = {}
            for place, merit in enumerate(sorted((merit for _, merit in merits), reverse=True)):
                ahead.setdefault(merit, place)
            scale = max(1.0, TOP * len(merits))
            for number, merit in merits:
                found[number] = 0.5 ** (ahead[merit] / scale) if np.isfinite(merit[1]) else 0.0
        return found


def _best_of(successes: np.ndarray, failures: np.ndarray) -> np.ndarray:
    """(k,) about how probable it is that each of k Beta distributions gives the greatest of their draws."""
    below = betainc(successes[:, None], failures[:, None], GRID)
    between = (below[:, 1:] + below[:, :-1]) / 2
    return np.array([(np.diff(one) * np.delete(between, i, 0).prod(0)).sum() for i, one in enumerate(below)])
