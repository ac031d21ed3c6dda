"""A search method by name: `SEARCHER`, or `SEARCHER+RANKER` for one whose offspring are screened."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas.core.goals import VAL_ACCURACY, Objective
from evonas.core.types import Encoding, Ranker, Searcher, Store, Task


def make_method(
    spec: str,
    encoding: Encoding[Any],
    task: Task,
    objectives: Sequence[Objective] = (VAL_ACCURACY,),
    *,
    store: Store | None = None,
    encoding_name: str = "",
) -> Searcher[Any]:
    """The searcher that `spec` names, screened if it names a ranker too; both parts may carry options.

    `aging`, `evolution(population=30)+meta`. With a `store`, a ranker that can `recall` starts from what was
    trained before under `encoding_name`. Raises EvonasError where a part is unknown.
    """
    searcher_spec, plus, ranker_spec = spec.partition("+")
    searcher = plugins.make("evonas.searchers", searcher_spec, encoding, objectives=tuple(objectives))
    if not isinstance(searcher, Searcher):
        raise EvonasError(f"searcher {searcher_spec!r} has no ask and tell; see Searcher in evonas/types.py")
    if not plus:
        return searcher
    from evonas.search.screening import Screened

    # one that only decides how long to train what another one proposes (SuccessiveHalving): that one is screened
    proposing = getattr(searcher, "searcher", searcher)
    objectives = getattr(proposing, "objectives", tuple(objectives))  # nsga2 adds one of its own
    rankers = [make_ranker(ranker_spec, task, o, store=store, encoding_name=encoding_name) for o in objectives]
    ranker = rankers[0] if len(rankers) == 1 else rankers
    screened = Screened(proposing, ranker, encoding, task, objectives=tuple(objectives))
    if proposing is searcher:
        return screened
    searcher.searcher = screened  # type: ignore[attr-defined]
    return searcher


def make_ranker(
    spec: str, task: Task, objective: Objective, *, store: Store | None = None, encoding_name: str = ""
) -> Ranker:
    """The ranker that `spec` names: recalled from the store where it can, else as it is made."""
    found = plugins.resolve("evonas.rankers", spec)
    _, options = plugins.split_spec(spec)
    if store is not None and hasattr(found, "recall"):
        return found.recall(store, encoding_name, task, objective, **options)
    ranker = plugins.make("evonas.rankers", spec)
    missing = [method for method in ("fit", "adapt", "predict") if not hasattr(ranker, method)]
    if missing:
        raise EvonasError(f"ranker {spec!r} has no {missing[0]}(); see Ranker in evonas/types.py")
    return ranker
