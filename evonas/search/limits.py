"""Limits that are known before training: what breaks one is not trained, and is no trial."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic

import numpy as np

from evonas.core.goals import Goal
from evonas.core.optional import Explaining, Recommending, canonical_form, description
from evonas.core.types import Candidate, Encoding, Evaluation, G, Searcher

PATIENCE = 10_000  # proposals in a row that break a limit, after which nothing that keeps them is expected any more
SHOWN = 3  # limits in a line


class Costs(Generic[G]):
    """What networks cost, counted before training and once for each genome.

    Args:
        goal: whose constraints there are.
        names: of the metrics that `count` gives.
        count: a genome and names -> these numbers.
        encoding: whose canonical forms cost the same.
    """

    def __init__(
        self,
        goal: Goal,
        names: Sequence[str],
        count: Callable[[G, Sequence[str]], Mapping[str, float]],
        encoding: Encoding[G],
    ):
        self.goal = Goal(goal.objectives, tuple(one for one in goal.constraints if one.name in names))
        self.names = list(dict.fromkeys(one.name for one in self.goal.constraints))
        self.count = count
        self.canonical = canonical_form(encoding)
        self._known: dict[G, Mapping[str, float]] = {}

    def of(self, genome: G) -> Mapping[str, float]:
        """The limited costs of a genome's network."""
        genome = self.canonical(genome)
        if genome not in self._known:
            self._known[genome] = self.count(genome, self.names)
        return self._known[genome]

    def violation(self, genome: G) -> float:
        """0 where all limits are kept, else the sum of the shares by which they are exceeded."""
        return self.goal.violation(self.of(genome))


class Proposals(Generic[G]):
    """Counts what a search proposes that breaks a limit, and remembers what broke them least.

    Args:
        costs: judge.
        patience: so many in a row, and the search is over.
    """

    def __init__(self, costs: Costs[G], patience: int = PATIENCE):
        self.costs = costs
        self.patience = patience
        self.nearest: G | None = None
        self.violation = math.inf  # of the nearest
        self.in_a_row = 0
        self._broken: set[G] = set()

    @property
    def broken(self) -> int:
        """How many different networks broke a limit."""
        return len(self._broken)

    @property
    def over(self) -> bool:
        """Whether so many in a row broke a limit that the search is over."""
        return self.in_a_row >= self.patience

    def keeps(self, genome: G) -> bool:
        """Whether a proposed genome keeps the limits; it is counted."""
        return self.judged(genome) == 0

    def judged(self, genome: G) -> float:
        """The violation of a proposed genome, 0 where it keeps the limits; it is counted."""
        violation = self.costs.violation(genome)
        if violation == 0:
            self.in_a_row = 0
        else:
            self.in_a_row += 1
            self._broken.add(self.costs.canonical(genome))
            if violation < self.violation:
                self.nearest, self.violation = self.costs.canonical(genome), violation
        return violation


class Limited(Generic[G]):
    """A searcher that asks for nothing which breaks a limit, as far as that is known before training.

    Most searchers only see an encoding that keeps the limits (`evonas.encodings.within`); what one proposes all the
    same it is told as absent, and asked again. An evaluation that is absent because something was measured before its
    training counts like one. After `patience` of them in a row the search is over. Where nothing ever kept the limits,
    the candidate that came nearest is asked for in the end.

    Args:
        searcher: decides what is tried.
        goal: whose constraints are the limits.
        proposals: counts, for the encoding that the searcher sees too; None where nothing is known without measuring.
        patience: by default that of the proposals.
    """

    def __init__(
        self,
        searcher: Searcher[G],
        goal: Goal,
        proposals: Proposals[G] | None = None,
        patience: int | None = None,
    ):
        self.searcher = searcher
        self.patience = patience or (proposals.patience if proposals is not None else PATIENCE)
        self.goal = goal
        self.proposals = proposals
        self._nearest: Evaluation[G] | None = None
        self._absent: set[G] = set()
        self._in_a_row = self._pending = 0
        self._trained = self._last = False

    @property
    def broken(self) -> int:
        """How many different networks broke a limit and were not trained."""
        counted = self.proposals.broken if self.proposals is not None else 0
        return len(self._absent) + counted - self._last

    def ask(self, n: int, rng: np.random.Generator) -> Sequence[Candidate[G]]:
        found: list[Candidate[G]] = []
        while len(found) < n and (candidate := self._next(rng) or self._last_resort()):
            found.append(candidate)
            self._pending += 1
        return found

    def tell(self, evaluations: Sequence[Evaluation[G]]) -> None:
        for evaluation in evaluations:
            self._pending = max(0, self._pending - 1)
            if over_limit(self.goal, evaluation):
                self._in_a_row += 1
                self._absent.add(evaluation.candidate.genome)
                self._remember(evaluation)
            elif evaluation.status != "absent":
                self._in_a_row, self._trained = 0, True
        self.searcher.tell(evaluations)

    def describe(self) -> str:
        return description(self.searcher)

    def recommend(self, without: Collection[G] = ()) -> G | None:
        """The searcher's own, where it says one; what came nearest to the limits where nothing was trained."""
        found = self.searcher.recommend(without) if isinstance(self.searcher, Recommending) else None
        if found is None and not self._trained and self._nearest is not None:
            genome = self._nearest.candidate.genome
            return None if genome in without else genome
        return found

    def why_ended(self) -> str:
        given_up = self._in_a_row >= self.patience or (self.proposals is not None and self.proposals.over)
        if not (given_up or self._last):
            return self.searcher.why_ended() if isinstance(self.searcher, Explaining) else ""
        many = f"{self.patience:,} networks in a row break one" if given_up else "no network is left that keeps them"
        least = f": {_nearest(self.goal, self._nearest.metrics)}" if self._nearest is not None else ""
        return f"the limits {', '.join(map(str, self.goal.constraints[:SHOWN]))} end the search: {many}{least}"

    def _next(self, rng: np.random.Generator) -> Candidate[G] | None:
        for _ in range(self.patience if self._in_a_row < self.patience else 0):
            asked = self.searcher.ask(1, rng)
            if not asked:
                return None
            (candidate,) = asked
            if self.proposals is None or self.proposals.keeps(candidate.genome):
                return candidate
            metrics = self.proposals.costs.of(candidate.genome)
            refused = Evaluation(candidate, metrics, 0.0, "absent", self.goal.said(metrics))
            self._remember(refused)
            self.searcher.tell([refused])
        return None

    def _last_resort(self) -> Candidate[G] | None:
        """The candidate that came nearest, once, where nothing has kept the limits."""
        if self._last or self._trained or self._pending or self._nearest is None:
            return None
        self._last = True
        return self._nearest.candidate

    def _remember(self, refused: Evaluation[G]) -> None:
        violation = self.goal.excess(refused.metrics)
        if self._nearest is None or violation < self.goal.excess(self._nearest.metrics):
            self._nearest = refused


def over_limit(goal: Goal, evaluation: Evaluation[Any]) -> bool:
    """Whether an evaluation is absent because what was measured before its training breaks a limit."""
    return evaluation.status == "absent" and bool(goal.broken(evaluation.metrics))


def _nearest(goal: Goal, metrics: Mapping[str, float]) -> str:
    return f"{goal.said(metrics)} is the nearest, {100 * goal.excess(metrics):,.3g} % over"
