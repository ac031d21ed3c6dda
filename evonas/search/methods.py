"""A search method by name: `SEARCHER`, or `SEARCHER+RANKER` for one whose candidates are screened."""

from __future__ import annotations

import inspect
import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from evonas.core import plugins
from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError, choices
from evonas.core.goals import Goal
from evonas.core.optional import HasGoal, NeedsRanker, Recalling, WrapsSearcher
from evonas.core.specs import joined_spec, split_spec, split_target
from evonas.core.types import Ranker, Searcher
from evonas.search.screening import Screened
from evonas.search.several import learned

SCREENING = ("pool", "explore", "refine")  # options in a ranker's brackets that are the screening's


@dataclass(frozen=True)
class Method:
    """A method's parts: the specs of its searcher and its ranker, and the options of the screening between them."""

    searcher: str
    ranker: str | None = None
    screening: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        if self.ranker is None:
            return self.searcher
        name, options = split_spec(self.ranker)
        return f"{self.searcher}+{joined_spec(name, {**options, **self.screening})}"


def parse_method(spec: str) -> Method:
    """`'evolution(population=30)+meta(pool=32, trees=50)'` -> the two specs and `{'pool': 32}`.

    A `+` within brackets is an option's, and one in a folder's name is the folder's.

    Raises EvonasError where nothing follows one, or options cannot be read.
    """
    depth = 0
    for place, character in enumerate(spec):
        depth += (character == "(") - (character == ")")
        if character == "+" and depth == 0 and not _is_half_a_path(spec[:place]):
            searcher, ranker = spec[:place].strip(), spec[place + 1 :].strip()
            if not ranker:
                there = choices(plugins.available("evonas.rankers"))
                raise EvonasError(f"method {spec!r} names no ranker after +; there are {there}")
            name, options = split_spec(ranker)
            screening = {key: options.pop(key) for key in SCREENING if key in options}
            return Method(searcher, joined_spec(name, options), screening)
    return Method(spec.strip())


def with_surrogate(method: str, surrogate: str) -> str:
    """The method screened by a surrogate, unless that is `none` or the method names a ranker itself."""
    return method if surrogate == "none" or parse_method(method).ranker is not None else f"{method}+{surrogate}"


def _is_half_a_path(text: str) -> bool:
    """`/my/a`, of `/my/a+b/mine.py:Mine`."""
    return ("/" in text or os.sep in text) and split_target(text) is None


def recorded_method(method: str, surrogate: str, config: Mapping[str, Any]) -> str:
    """The method of a run in full: as its configuration spells it, where that was recorded."""
    return with_surrogate(str(config.get("method", method)), str(config.get("surrogate", surrogate)))


def make_method(spec: str, context: SearchContext[Any]) -> Searcher[Any]:
    """The searcher that `spec` names, screened if it names a ranker too; both parts may carry options.

    `aging`, `evolution(population=30)+meta(pool=32, trees=50)`: the ranker's brackets hold its own options and those of
    `Screened`. A ranker that can `recall` starts from what the context's store holds.

    Raises EvonasError where a part or an option is unknown.
    """
    method = parse_method(spec)
    searcher = make_searcher(method.searcher, context)
    # one that only decides how long to train what another one proposes (SuccessiveHalving): that one is screened
    proposing = searcher.searcher if isinstance(searcher, WrapsSearcher) else searcher
    if method.ranker is None and isinstance(proposing, NeedsRanker):
        method = replace(method, ranker=proposing.ranker)
    if method.ranker is None:
        return searcher
    _check_options(method.ranker)
    goal = proposing.goal if isinstance(proposing, HasGoal) else context.goal  # nsga2 adds an objective of its own
    context = replace(context, goal=goal)
    rankers = [make_ranker(method.ranker, replace(context, goal=Goal((one,)))) for one in learned(context)]
    screened = Screened(context, proposing, rankers, **method.screening)
    if not isinstance(searcher, WrapsSearcher):
        return screened
    searcher.searcher = screened
    return searcher


def spelled(spec: str) -> str:
    """The method with its screening spelt out: `evolution+meta` -> `evolution+meta(pool=16, explore=0.0, refine=6)`.

    It means the same wherever the defaults are others. Raises EvonasError where a part or an option is unknown.
    """
    method = parse_method(spec)
    if method.ranker is None:
        return str(method)
    _check_options(method.ranker)
    return str(replace(method, screening=Screened.options([_plain_ranker(method.ranker)], **method.screening)))


def _check_options(ranker: str) -> None:
    """Raises EvonasError, with the choices, where neither the ranker nor the screening has an option."""
    name, options = split_spec(ranker)
    found = plugins.resolve("evonas.rankers", ranker)
    there = plugins.options_of(found)
    if there is None:
        return
    for option in options:
        if option not in there:
            known = choices([*there, *SCREENING])
            raise EvonasError(f"ranker {name!r} has no option {option!r}; there are {known}")


def check_method(spec: str) -> None:
    """Raises EvonasError, with the choices, where a part of the method or an option of its ranker is unknown."""
    method = parse_method(spec)
    plugins.resolve("evonas.searchers", method.searcher)
    if method.ranker is not None:
        _check_options(method.ranker)


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
        _, options = split_spec(spec)
        if _is_made_from_context(found.recall):
            return cast(Ranker, found.recall(context, **options))
        _warn(f"ranker {spec!r} recalls from (store, encoding, task, objective)", "recall(context, **options)")
        old: Any = found
        return old.recall(context.store, context.encoding_name, context.task, context.goal.first, **options)
    return _plain_ranker(spec)


def _plain_ranker(spec: str) -> Ranker:
    """The ranker as it is made, before it has learned anything."""
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
