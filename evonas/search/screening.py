"""Screening: of many candidates only those that a ranker thinks best are trained."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Generic

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.goals import Goal
from evonas.core.optional import (
    Acquiring,
    Advised,
    Informed,
    NamesAcquisition,
    NamesOrigins,
    Proposing,
    Suggesting,
    Uncertain,
    description,
)
from evonas.core.options import at_least, probability
from evonas.core.types import Candidate, Evaluation, G, Ranker, Searcher
from evonas.search.duplicates import DuplicateFilter
from evonas.search.feature_rows import FeatureRows
from evonas.search.fidelity import AtFull
from evonas.search.maximizer import AcquisitionMaximizer
from evonas.search.several import SeveralObjectives, learned
from evonas.search.thompson import ThompsonSampling

FIRST = 16  # while fewer results are in, a ranker that knows earlier tasks looks WIDER: it is all there is
WIDER = 16  # times the pool
SHALLOW, DEEP = (3, 1), (6, 3)  # rounds of maximizing, and the mutants of each round, times the pool
AT_RANDOM = 0.05  # of the choices are not the top, where a ranker has no way of its own to explore


class Screened(Generic[G]):
    """Any searcher and a ranker: of `pool` offspring, and of what maximizes the ranker's scores, the best is trained.

    Screening chooses among the searcher's own candidates. Beside it stands a second source, the `AcquisitionMaximizer`,
    which begins at the best of them; the better of both is passed on, or, with probability `explore`, one of the rest
    of the pool. A ranker that scores all alike (it knows nothing yet; of several, the first) leaves the search alone.

    With a good ranker the maximizer's candidates are nearly always the better ones, and the searcher matters little:
    local search, whose climbs need its own neighbours, searches like random search. `refine=0` is screening alone.

    A searcher with `propose` and `expect` never learns of what was not chosen. Of one without, the surplus is asked
    for and dropped.

    Args:
        context: its encoding's `features` are what the ranker sees, its goal is what it ranks by.
        searcher: whose offspring are screened: random, aging, (μ+λ), NSGA-II, a user's.
        ranker: one, or one for each objective that has to be learned (`several.learned`); several objectives are scored
            by what they would add to the front.
        pool: offspring for each candidate.
        explore: probability of passing on another one than the top; by default 0 for rankers with `acquire`, which
            explore by themselves, and 0.05 for others.
        refine: rounds of the maximizer; 0 leaves it out. By default more, and larger ones, for rankers with `acquire`:
            what they say a training is worth is meant to be maximized, where a mere prediction is most wrong at its
            highest.
    """

    def __init__(
        self,
        context: SearchContext[G],
        searcher: Searcher[G],
        ranker: Ranker | Sequence[Ranker],
        pool: int = 16,
        explore: float | None = None,
        refine: int | None = None,
    ):
        self.searcher = searcher
        self.rankers: list[Ranker] = list(ranker) if isinstance(ranker, Sequence) else [ranker]
        if isinstance(searcher, Advised):
            searcher.advised(self.rankers[0])
        self.encoding = context.encoding
        to_learn = learned(context)
        self.learned, unranked = to_learn[: len(self.rankers)], to_learn[len(self.rankers) :]
        kept = tuple(one for one in context.goal.objectives if one not in unranked)
        self.goal = Goal(kept, context.goal.constraints)
        several = len(kept) > 1
        self.several = SeveralObjectives(context, self.goal, self.learned, self.rankers) if several else None
        self.thompson = self._thompson(searcher, several)
        options = self.options(self.rankers, pool, explore, refine)
        self.pool, self.explore, self.refine = options["pool"], options["explore"], options["refine"]
        _, mutants = DEEP if _explore_by_themselves(self.rankers) else SHALLOW
        self.maximizer = AcquisitionMaximizer(context.encoding, self.refine, mutants * self.pool)
        self.known: DuplicateFilter[G] = DuplicateFilter(context.encoding)
        self._results = [AtFull[G](one) for one in self.learned]
        self._told: list[Evaluation[G]] = []  # that no ranker has seen yet
        self._count = 0  # of all results
        self._observed: set[G] = set()
        self._pending: dict[G, None] = {}
        self._features = FeatureRows[G](context.encoding)
        self._learned_rows = np.empty((0, 0))  # (n, d) features of the results

    @staticmethod
    def options(
        rankers: Sequence[Ranker], pool: int = 16, explore: float | None = None, refine: int | None = None
    ) -> dict[str, Any]:
        """All options, those that were not given as these rankers want them. Raises EvonasError."""
        acquiring = _explore_by_themselves(rankers)
        explore = (0.0 if acquiring else AT_RANDOM) if explore is None else explore
        rounds, _ = DEEP if acquiring else SHALLOW
        return {
            "pool": at_least(1, pool=pool),
            "explore": probability(explore=explore),
            "refine": at_least(0, refine=rounds if refine is None else refine),
        }

    def ask(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        self._adapt()
        found: list[Candidate[G]] = []
        while len(found) < n:
            pool = self._offspring(rng)
            if not pool:
                break
            found.append(self._choose(pool, rng))
            self._expect(found[-1])
        return found

    def tell(self, evaluations: Sequence[Evaluation[G]]) -> None:
        for evaluation in evaluations:
            self._pending.pop(evaluation.candidate.genome, None)
        self.known.add([evaluation.candidate for evaluation in evaluations])
        results = [evaluation for evaluation in evaluations if evaluation.status != "absent"]
        learnable = [evaluation for evaluation in results if not evaluation.infrastructure]
        self._told += learnable
        self._count += len(learnable)
        self._observed |= {evaluation.candidate.genome for evaluation in results}
        self.searcher.tell(evaluations)

    def describe(self) -> str:
        """What the ranker knows and trusts, where it says so, and what the searcher says."""
        self._adapt()
        of_ranker = description(self.rankers[0]) or type(self.rankers[0]).__name__
        return "; ".join(line for line in (of_ranker, description(self.searcher)) if line)

    def suggestions(self, n: int) -> Sequence[G]:
        """What the ranker's memory would try first; nothing where it has none."""
        ranker = self.rankers[0]
        return ranker.suggestions(n) if isinstance(ranker, Suggesting) else ()

    def outlook(
        self, n: int, sample: int, rng: np.random.Generator
    ) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """What the ranker, one that knows how sure it is, says of the `n` candidates that it would have trained next,
        and of these, of those that they were chosen among and of a sample of the space: (m,) scores and (m,)
        deviations of each. Nothing is asked for by it."""
        self._adapt()
        ranker = self.rankers[0]
        assert isinstance(ranker, Uncertain)
        pool = self._offspring(rng)
        scores = self._scores([c.genome for c in pool]) if pool else np.zeros(0)
        candidates, worths = self._with_maximized(pool, scores, rng)
        genomes = [candidates[place].genome for place in np.argsort(-worths, kind="stable")]
        drawn = [self.encoding.sample(rng) for _ in range(sample)]
        others = [genome for genome in dict.fromkeys([*genomes, *drawn]) if genome not in self._observed]
        if not others:  # the space is exhausted
            return (np.zeros(0), np.zeros(0)), (np.zeros(0), np.zeros(0))
        said = ranker.predict_with_deviation(self._features(others))
        next_ones = set(genomes[:n])
        first = [place for place, genome in enumerate(others) if genome in next_ones]
        return (said[0][first], said[1][first]), (said[0], said[1])

    def _thompson(self, searcher: Searcher[G], several: bool) -> ThompsonSampling | None:
        """Where the searcher asks for it."""
        if not isinstance(searcher, NamesAcquisition) or searcher.acquisition != "thompson":
            return None
        if several:
            names = ", ".join(map(str, self.goal.objectives))
            raise EvonasError(f"acquisition='thompson' is for one objective, got {names}; take acquisition='ei'")
        return ThompsonSampling(self.rankers[0])

    def _offspring(self, rng: np.random.Generator) -> list[Candidate[G]]:
        """The pool; empty where the searcher has nothing new."""
        size = self.pool * (WIDER if self._first() else 1)
        suggest = self.searcher.propose if isinstance(self.searcher, Proposing) else self.searcher.ask
        return [c for c in suggest(size, rng) if c.genome not in self.known or c.fidelity < 1]

    def _first(self) -> bool:
        """Whether the ranker's knowledge is from earlier tasks mostly."""
        first = self.rankers[0]
        early = self._count + len(self._pending) < FIRST
        return early and isinstance(first, Informed) and bool(first.earlier_tasks())

    def _choose(self, pool: list[Candidate[G]], rng: np.random.Generator) -> Candidate[G]:
        scores = self._scores([c.genome for c in pool])
        if np.ptp(scores) == 0:
            return pool[0]
        origins: Collection[str] = {c.origin for c in pool} | ({"maximized"} if self.refine else set())
        if isinstance(self.searcher, NamesOrigins):
            origins = self.searcher.origins(origins, rng)
        if len(pool) > 1 and rng.random() < self.explore:
            return pool[rng.choice(np.delete(np.arange(len(pool)), int(scores.argmax())))]
        rivals, scores = self._with_maximized(pool, scores, rng) if "maximized" in origins else (pool, scores)
        places = [i for i, c in enumerate(rivals) if c.origin in origins] or list(range(len(rivals)))
        return self._best([rivals[i] for i in places], scores[places], rng)

    def _with_maximized(
        self, pool: list[Candidate[G]], scores: np.ndarray, rng: np.random.Generator
    ) -> tuple[list[Candidate[G]], np.ndarray]:
        """The pool and what the maximizer makes of it, with their scores."""
        made, worth = self.maximizer.maximize(pool, scores, self._scores, self.known, self._observed, rng)
        return [*pool, *made], np.concatenate([scores, worth])

    def _best(self, rivals: Sequence[Candidate[G]], scores: np.ndarray, rng: np.random.Generator) -> Candidate[G]:
        """The one that is trained; of equals the first."""
        if self.thompson is None:
            return rivals[int(scores.argmax())]
        X, pending = self._features([c.genome for c in rivals]), self._features(list(self._pending))
        return rivals[self.thompson.best(X, scores, pending, rng)]

    def _scores(self, genomes: Sequence[G]) -> np.ndarray:
        """(n,) higher is better."""
        pending = list(self._pending)
        if self.several is not None:
            return self.several.scores(genomes, pending, self._features)
        ranker, X = self.rankers[0], self._features(genomes)
        if self.thompson is not None:
            return self.thompson.scores(X)
        # what a training of each is worth, given those on their way, where the ranker says that
        worth = ranker.acquire(X, self._features(pending)) if isinstance(ranker, Acquiring) else ranker.predict(X)
        return np.asarray(worth)

    def _expect(self, candidate: Candidate[G]) -> None:
        """The candidate will be trained."""
        self.known.add([candidate])
        self._pending[candidate.genome] = None
        if isinstance(self.searcher, Proposing):
            self.searcher.expect([candidate])

    def _adapt(self) -> None:
        """Give the rankers all results, those of few epochs too, if there are new ones."""
        if not self._told:
            return
        for results in self._results:
            results.add(self._told)
        known = len(self._learned_rows)
        if new := self._results[0].genomes[known:]:
            rows = self._features(new)
            self._learned_rows = np.concatenate([self._learned_rows, rows]) if known else rows
        for ranker, results in zip(self.rankers, self._results, strict=True):
            ranker.adapt(self._learned_rows, results.values())
        if self.several is not None:
            self.several.observe(self._told)
        self._told = []


def _explore_by_themselves(rankers: Sequence[Ranker]) -> bool:
    return all(isinstance(ranker, Acquiring) for ranker in rankers)
