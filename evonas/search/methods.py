"""A search method by name: `SEARCHER`, or `SEARCHER+RANKER` for one whose offspring are screened."""

from __future__ import annotations

import inspect
import warnings
from dataclasses import replace
from typing import Any

from evonas.core import plugins
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError, choices
from evonas.core.goals import Goal
from evonas.core.optional import HasGoal, Recalling, WrapsSearcher
from evonas.core.types import Ranker, Searcher
from evonas.search.screening import Screened


def make_method(spec: str, context: SearchContext[Any]) -> Searcher[Any]:
    """The searcher that `spec` names, screened if it names a ranker too; both parts may carry options.

    `aging`, `evolution(population=30)+meta`. A ranker that can `recall` starts from what the context's store holds.
    Raises EvonasError where a part is unknown.
    """
    searcher_spec, ranker_spec = split_method(spec)
    searcher = make_searcher(searcher_spec, context)
    if ranker_spec is None:
        return searcher
    # one that only decides how long to train what another one proposes (SuccessiveHalving): that one is screened
    proposing = searcher.searcher if isinstance(searcher, WrapsSearcher) else searcher
    goal = proposing.goal if isinstance(proposing, HasGoal) else context.goal  # nsga2 adds an objective of its own
    rankers = [make_ranker(ranker_spec, replace(context, goal=Goal((one,)))) for one in goal.objectives]
    screened = Screened(replace(context, goal=goal), proposing, rankers)
    if not isinstance(searcher, WrapsSearcher):
        return screened
    searcher.searcher = screened
    return searcher


def split_method(spec: str) -> tuple[str, str | None]:
    """`'evolution(population=30)+meta'` -> `('evolution(population=30)', 'meta')`; None where there is no ranker.

    A `+` within brackets is an option's. Raises EvonasError where nothing follows it.
    """
    depth = 0
    for place, character in enumerate(spec):
        depth += (character == "(") - (character == ")")
        if character == "+" and depth == 0:
            searcher, ranker = spec[:place].strip(), spec[place + 1 :].strip()
            if not ranker:
                there = choices(plugins.available("evonas.rankers"))
                raise EvonasError(f"method {spec!r} names no ranker after +; there are {there}")
            return searcher, ranker
    return spec.strip(), None


def check_method(spec: str) -> None:
    """Raises EvonasError, with the choices, where a part of the method is unknown; nothing is made."""
    searcher, ranker = split_method(spec)
    plugins.resolve("evonas.searchers", searcher)
    if ranker is not None:
        plugins.resolve("evonas.rankers", ranker)


def make_searcher(spec: str, context: SearchContext[Any]) -> Searcher[Any]:
    """The searcher that `spec` names, as it is. Raises EvonasError where it is unknown."""
    if _is_made_from_context(plugins.resolve("evonas.searchers", spec)):
        searcher = plugins.make("evonas.searchers", spec, context)
    else:
        _warn(f"searcher {spec!r} takes (encoding, objectives)", "(context, **options)")
        searcher = plugins.make("evonas.searchers", spec, context.encoding, objectives=context.goal.objectives)
    if not isinstance(searcher, Searcher):
        raise EvonasError(f"searcher {spec!r} has no ask and tell; see Searcher in evonas/core/types.py")
    return searcher


def make_ranker(spec: str, context: SearchContext[Any]) -> Ranker:
    """The ranker that `spec` names, for the context's first objective: recalled from its store where it can, else as
    it is made.
    """
    found = plugins.resolve("evonas.rankers", spec)
    if context.store is not None and isinstance(found, Recalling):
        _, options = plugins.split_spec(spec)
        if _is_made_from_context(found.recall):
            return found.recall(context, **options)
        _warn(f"ranker {spec!r} recalls from (store, encoding, task, objective)", "recall(context, **options)")
        old: Any = found
        return old.recall(context.store, context.encoding_name, context.task, context.goal.first, **options)
    ranker = plugins.make("evonas.rankers", spec)
    missing = [method for method in ("fit", "adapt", "predict") if not hasattr(ranker, method)]
    if missing:
        raise EvonasError(f"ranker {spec!r} has no {missing[0]}(); see Ranker in evonas/core/types.py")
    return ranker


# --- plug-ins of the time before there was a context


def _is_made_from_context(factory: Any) -> bool:
    """Whether it takes a SearchContext: its first parameter was an encoding or a store before."""
    try:
        parameters = list(inspect.signature(factory).parameters)
    except (TypeError, ValueError):  # not callable, or written in C
        return True
    return parameters[:1] not in (["encoding"], ["store"])


def _warn(what: str, instead: str) -> None:
    warnings.warn(f"{what}; let it take a SearchContext: {instead}", DeprecationWarning, stacklevel=3)
