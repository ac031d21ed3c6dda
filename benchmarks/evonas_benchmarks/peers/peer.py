"""What all peers share: a foreign optimizer suggests until one is new, and observes every result once."""

from __future__ import annotations

import importlib
import logging
import random
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.optional import HasSpace
from evonas.core.options import with_options_of
from evonas.core.space import Choice, Space
from evonas.core.types import Candidate, Encoding, Evaluation
from evonas.search.duplicates import DuplicateFilter

Cost = float | tuple[float, ...]
"""Of one objective a number, of several one for each; lower is better."""

TRIES = 100
"""Suggestions that a peer may make for one candidate; after so many known ones a random new one is taken instead."""


def required(module: str) -> Any:
    """The peer's module. Raises EvonasError where it is not installed."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0].replace("_", "-")
        raise EvonasError(f'{package} cannot be imported ({error}); pip install "evonas[peers]"') from error


@dataclass(frozen=True)
class Suggestion:
    """What a peer proposed, and the handle by which it wants to hear of it."""

    choice: Choice
    handle: Any = None


class Peer(ABC):
    """A searcher whose ideas are another optimizer's; higher scores are handed over as lower costs.

    Of several objectives it is handed a cost each, where its optimizer takes that (`several`). An optimizer that knows
    limits (`limits`) asks for a network's `violation`; any other is handed an infeasible cost for what breaks one: the
    worst cost so far and the violation (Deb 2000, Comput. Methods Appl. Mech. Eng. 186), in each objective.

    The optimizer starts at the first ask, seeded from the generator of that ask, and has its own random state from
    then on: the same suggestions and observations again give the same search, which is how a run is resumed. What it
    draws from the global generators is drawn from states of its own, lent to them meanwhile.

    A network that is known already is no trial: an optimizer that suggests one in a spelling that it has not observed
    observes its cost, any other repetition is dropped, and it suggests again. After `TRIES` such in a row, or while it
    waits for results, a random network is taken.

    A subclass says how its optimizer starts (`start`), proposes (`suggest`), learns (`report`), and what a
    repetition is to it (`drop`).
    """

    several = False
    limits = False

    def __init__(self, context: SearchContext[Any]):
        if not self.several:
            context.only_objective(type(self).__name__)
        self.encoding = context.encoding
        self.goal = context.goal
        self.space = free_space(context.encoding)
        self.known: DuplicateFilter[Any] = DuplicateFilter(context.encoding)
        self.fallbacks = 0  # candidates that were drawn at random
        self._suggested: dict[Any, Suggestion] = {}
        self._costs: dict[Any, Cost | None] = {}
        self._violations: dict[Any, float] = {}
        self._dearest: tuple[float, ...] = ()  # the worst cost so far in each objective, limits or not
        self._reported: set[Choice] = set()
        self._early: list[Evaluation] | None = []  # observed before the first suggestion
        self._states: tuple[Any, Any] = (None, None)

    @property
    def names(self) -> list[str]:
        """(genes,) plain names: every optimizer takes them."""
        return [f"x{i}" for i in range(len(self.space.genes))]

    @property
    def ordered(self) -> list[bool]:
        """(genes,) whether neighbouring choices are alike."""
        return [gene.ordered for gene in self.space.genes]

    @abstractmethod
    def start(self, seed: int) -> None:
        """Make the optimizer."""

    @abstractmethod
    def suggest(self) -> Suggestion | None:
        """Its next proposal; None while it waits for results or has no more."""

    @abstractmethod
    def report(self, suggestion: Suggestion, cost: Cost | None, own: bool) -> None:
        """A result, lower is better; None where the network failed or does not exist.

        `own`: whether the optimizer proposed it; otherwise there is no handle.
        """

    def drop(self, suggestion: Suggestion) -> None:  # noqa: B027, most have nothing to do
        """A repetition of something that it has heard of already, or that is on its way."""

    @property
    def worst(self) -> float | None:
        """The highest cost so far: what a missing one is taken for where an optimizer wants a number."""
        return max((cost for cost in self._costs.values() if isinstance(cost, float)), default=None)

    def violation(self, choice: Choice) -> float:
        """By how much an observed network breaks the limits, as shares of their bounds; 0 where it keeps them."""
        return self._violations.get(self.known.canonical(self.space.genome(choice)), 0.0)

    def ask(self, n: int, rng: np.random.Generator) -> list[Candidate]:
        self._begin(rng)
        found: list[Candidate] = []
        while len(found) < n:
            with self._own_randomness():
                candidate = self._proposed()
            candidates = [candidate] if candidate else self._random(rng)
            if not candidates:
                break
            self.known.add(candidates)
            found += candidates
        return found

    def tell(self, evaluations: Sequence[Evaluation]) -> None:
        self.known.add([evaluation.candidate for evaluation in evaluations])
        if self._early is not None:
            self._early += evaluations
            return
        with self._own_randomness():
            for evaluation in evaluations:
                self._observe(evaluation)

    def _begin(self, rng: np.random.Generator) -> None:
        if self._early is None:
            return
        seed, first, second = (int(number) for number in rng.integers(2**31 - 1, size=3))
        self._states = random.Random(first).getstate(), np.random.RandomState(second).get_state()
        early, self._early = self._early, None
        with self._own_randomness():
            self.start(seed)
        self.tell(early)

    def _proposed(self) -> Candidate | None:
        for _ in range(TRIES):
            suggestion = self.suggest()
            if suggestion is None:
                return None
            genome = self.known.canonical(self.space.genome(suggestion.choice))
            if genome not in self.known:
                self._suggested[genome] = suggestion
                return Candidate(genome, origin="policy")
            if genome in self._costs and suggestion.choice not in self._reported:
                self._report(suggestion, self._costs[genome], own=True)
            else:
                self.drop(suggestion)
        return None

    def _random(self, rng: np.random.Generator) -> list[Candidate]:
        found = self.known.draw(1, lambda: Candidate(self.encoding.sample(rng), origin="sampled"))
        self.fallbacks += len(found)
        return found

    def _observe(self, evaluation: Evaluation) -> None:
        genome = self.known.canonical(evaluation.candidate.genome)
        self._costs[genome] = cost = self._cost(genome, evaluation)
        own = self._suggested.pop(genome, None)
        self._report(own or Suggestion(self.space.choice(genome)), cost, own is not None)

    def _cost(self, genome: Any, evaluation: Evaluation) -> Cost | None:
        """None of a network that failed, that does not exist, or that lacks what an objective or a limit is on."""
        values, violation = self.goal.values(evaluation), self.goal.violation(evaluation.metrics)
        if values is None or not np.isfinite(violation):
            return None
        costs = tuple(-value for value in values)
        self._dearest = tuple(map(max, costs, self._dearest or costs))
        self._violations[genome] = violation
        if violation > 0 and not self.limits:
            costs = tuple(worst + violation for worst in self._dearest)
        return costs if len(values) > 1 else max(costs)

    def _report(self, suggestion: Suggestion, cost: Cost | None, own: bool) -> None:
        self._reported.add(suggestion.choice)
        self.report(suggestion, cost, own)

    @contextmanager
    def _own_randomness(self) -> Iterator[None]:
        """The global generators in this peer's own states; what it says is for its users, who are not here."""
        outside = random.getstate(), np.random.get_state()  # noqa: NPY002
        _set_states(*self._states)
        try:
            with warnings.catch_warnings(), _no_logging():
                warnings.simplefilter("ignore")
                yield
        finally:
            self._states = random.getstate(), np.random.get_state()  # noqa: NPY002
            _set_states(*outside)


@contextmanager
def _no_logging() -> Iterator[None]:
    """Nothing is logged; a handler that `logging.warning()` and its like add to the root logger is taken off again."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(level)
        root.handlers[:] = handlers


def _set_states(own: Any, numpys: Any) -> None:
    random.setstate(own)
    np.random.set_state(numpys)  # noqa: NPY002


def with_options(make: Callable[..., Peer], **fixed: Any) -> Callable[..., Peer]:
    """The same peer under another name, with some options set."""

    @with_options_of(make, *fixed)
    def factory(context: SearchContext[Any], **options: Any) -> Peer:
        return make(context, **{**fixed, **options})

    return factory


def free_space(encoding: Encoding[Any]) -> Space[Any]:
    """What an optimizer may choose. Raises EvonasError where the encoding has no genes or nothing is left to choose."""
    if not isinstance(encoding, HasSpace):
        raise EvonasError(
            f"peers need an encoding with genes, and {type(encoding).__name__} has no space(); "
            "give 'cell', 'macro', or a CategoricalEncoding of your own"
        )
    return encoding.space().free()
