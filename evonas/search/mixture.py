"""A mixture of sources: evolution, a learned generator, the maximizer and chance, each as often as it succeeds."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import zip_longest

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError, choices
from evonas.core.goals import Goal
from evonas.core.optional import Advised
from evonas.core.specs import plain_name, split_spec, split_specs
from evonas.core.types import Candidate, Evaluation, G, Ranker, Trial
from evonas.search.methods import make_searcher, parse_method
from evonas.search.proposing import ProposingSearcher
from evonas.search.shares import Shares

MAXIMIZER = "maximizer"
ORIGINS: Mapping[str, tuple[str, ...]] = {  # a source's candidates are known by them, in an archive too
    "evolution": ("mutated", "crossed"),
    "policy": ("policy",),
    MAXIMIZER: ("maximized",),
    "random": ("sampled",),
}
SOURCES = ",".join(ORIGINS)
LEAST = 1e-9  # share, that somebody has a turn where those with more have nothing to offer
FIRST = 16  # results, before which shares say little


class MixtureSearch(ProposingSearcher[G]):
    """Several sources, which take turns as often as what came of theirs was among the best (`shares.py`).

    Of the candidates of the source whose turn it is the best under the ranker is trained: of evolution's children, of
    the policy's proposals, of what the acquisition maximizer makes of all of them, of fresh samples. While there are
    fewer than 16 results the ranker chooses among all. Every source observes all results. A candidate counts for the
    source that its origin names: what a policy or evolution has drawn by chance, for `random`.

    Alone it goes with a Gaussian process that learns from the results of this search; `mixture+meta` with the memory.

    Args:
        sources: `evolution`, `policy`, `maximizer` and `random`, or some of them, comma-separated; the searchers with
            options of their own, as `mixture(sources='evolution(population=30),maximizer')`.

    Raises EvonasError where a source is unknown or cannot search here, or there are several objectives.
    """

    ranker = "process"

    def __init__(self, context: SearchContext[G], sources: str = SOURCES):
        super().__init__(context)
        context.only_objective("a mixture")
        specs = _by_name(sources)
        self.shares = Shares({name: ORIGINS[name] for name in specs})
        self.sources = {name: _made(spec, context, list(specs)) for name, spec in specs.items() if name != MAXIMIZER}

    def advised(self, ranker: Ranker) -> None:
        """Tell the sources that learn from it."""
        for source in self.sources.values():
            if isinstance(source, Advised):
                source.advised(ranker)

    def propose(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        """Of each source about as many, in turns; the first is of the source whose turn it is."""
        share, waiting = self.shares.now(), rng.exponential(size=len(self.sources))
        turns = sorted(zip(waiting, self.sources, strict=True), key=lambda one: one[0] / max(share[one[1]], LEAST))
        each = -(-n // len(self.sources))
        found: dict[G, Candidate[G]] = {}
        for row in zip_longest(*(self.sources[name].propose(each, rng) for _, name in turns)):
            for candidate in row:
                if candidate is not None:
                    found.setdefault(candidate.genome, candidate)
        return list(found.values())[:n]

    def origins(self, there: Collection[str], rng: np.random.Generator) -> Collection[str]:
        """Those of the source whose turn it is, of the sources that have something to offer."""
        if MAXIMIZER not in self.shares.names:
            there = set(there) - set(ORIGINS[MAXIMIZER])
        share = {name: one for name, one in self.shares.now().items() if set(ORIGINS[name]) & set(there)}
        if self.shares.credited < FIRST or not share:
            return there
        weights = np.maximum(list(share.values()), LEAST)
        return ORIGINS[list(share)[rng.choice(len(share), p=weights / weights.sum())]]

    def ask(self, n: int, rng: np.random.Generator) -> list[Candidate[G]]:
        found: list[Candidate[G]] = []
        while len(found) < n and (one := super().ask(1, rng)):
            found += one
        return found

    def expect(self, candidates: Sequence[Candidate[G]]) -> None:
        super().expect(candidates)
        for source in self.sources.values():
            source.expect(candidates)

    def tell(self, evaluations: Sequence[Evaluation[G]]) -> None:
        super().tell(evaluations)
        for source in self.sources.values():
            source.tell(evaluations)
        for evaluation in evaluations:
            self.shares.add(evaluation, self.goal)

    def describe(self) -> str:
        """The shares."""
        return "sources: " + ", ".join(
            f"{name} {one:.2f}".replace("0.", ".") for name, one in self.shares.now().items()
        )


def learned_shares(method: str, trials: Sequence[Trial], goal: Goal) -> Mapping[str, float]:
    """The shares after all trials of a run of a method, in their order; empty where that is no mixture."""
    name, options = split_spec(parse_method(method).searcher)
    if name != "mixture":
        return {}
    shares = Shares({source: ORIGINS[source] for source in _by_name(**options)})
    for trial in trials:
        shares.add(trial.evaluation, goal)
    return shares.now()


def _by_name(sources: str = SOURCES) -> dict[str, str]:
    """Name -> spec. Raises EvonasError."""
    if not isinstance(sources, str):
        raise EvonasError(f"sources={sources!r} is no text; write mixture(sources={SOURCES!r})")
    specs: dict[str, str] = {}
    for spec in split_specs(sources):
        name = plain_name(spec)
        if name not in ORIGINS:
            raise EvonasError(f"a mixture has no source {name!r}; there are {choices(ORIGINS)}")
        if name in specs:
            raise EvonasError(f"sources={sources!r} names {name!r} twice; name it once")
        specs[name] = spec
    if set(specs) == {MAXIMIZER}:
        raise EvonasError(f"{MAXIMIZER!r} begins at other sources' candidates; name one more: {choices(ORIGINS)}")
    return specs


def _made(spec: str, context: SearchContext[G], names: Sequence[str]) -> ProposingSearcher[G]:
    """A source's searcher. Raises EvonasError, which says how to go without it."""
    try:
        searcher = make_searcher(spec, context)
    except EvonasError as error:
        others = ",".join(name for name in names if name != plain_name(spec))
        raise EvonasError(f"{error}; or leave this source out: mixture(sources={others!r})") from error
    assert isinstance(searcher, ProposingSearcher)
    return searcher
