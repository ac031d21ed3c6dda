"""A search under limits: what is known before training is checked before, and what came of it is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evonas.app.baseline import as_tried
from evonas.app.config import SearchConfig
from evonas.core.errors import EvonasError, choices
from evonas.core.goals import Constraint, Goal, known_metrics
from evonas.core.optional import Augmentable, CountsCosts, NamesMetrics, canonical_form
from evonas.core.types import Encoding, Trial
from evonas.domains.domain import Domain
from evonas.encodings.within import Within
from evonas.execution.measured import MeasuredOnce
from evonas.search.limits import Costs, Limited, Proposals

OF_THE_NETWORK = ("params", "flops", "model_kb")  # in `result.json`, where other figures are of the whole search


def check_goal(config: SearchConfig, goal: Goal, kind: Domain, own: Sequence[str] = ()) -> None:
    """Raises EvonasError where an objective or a limit is on something that no evaluation has, nor is among a user's
    `own` metrics; or where the final network is to be made of several, whose costs add up."""
    there = [*kind.metrics, *own] if isinstance(kind, NamesMetrics) else None
    for option, one in [
        *(("objectives", one) for one in goal.objectives),
        *(("limit", one) for one in goal.constraints),
    ]:
        if there is not None and one.name not in there:
            raise EvonasError(
                f"--{option} {one}: no evaluation of {kind.name} has {one.name!r}, but {choices(there)}; a metric of "
                f"your own is given by --metric FILE.py:{one.name}"
            )
    for limit in goal.constraints:
        _check_bound(limit)
    dear = next((one for one in goal.constraints if one.at_most and _adds_up(one)), None)
    if config.ensemble > 1 and dear is not None:
        raise EvonasError(
            f"--ensemble {config.ensemble} and --limit {dear} exclude one another: a network that is made of "
            f"{config.ensemble} takes as many times as much; leave one out"
        )


def _check_bound(limit: Constraint) -> None:
    """Raises EvonasError where no network can keep a limit: 90 is no fraction, and nothing costs nothing."""
    if limit.metric.kind == "percent" and not 0 <= limit.bound <= 1:
        sign, bound = "<=" if limit.at_most else ">=", limit.bound / 100
        near = f"; did you mean {limit.name}{sign}{bound:g}?" if 0 <= bound <= 1 else ""
        raise EvonasError(f"--limit {limit}: {limit.metric.label} is a fraction, from 0 to 1{near}")
    if limit.metric.cost and limit.at_most and limit.bound <= 0:
        raise EvonasError(f"--limit {limit}: no network keeps it; give more {limit.metric.label} than 0")


def known_costs(goal: Goal, trainer: Any, encoding: Encoding[Any]) -> Costs[Any] | None:
    """The limited costs that the trainer knows before training; None where no limit is on one."""
    names = [one.name for one in goal.constraints if one.metric.before_training]
    return Costs(goal, names, trainer.costs, encoding) if names and isinstance(trainer, CountsCosts) else None


def within(encoding: Encoding[Any], costs: Costs[Any] | None) -> tuple[Encoding[Any], Proposals[Any] | None]:
    """The encoding as a new search sees it, which proposes nothing that breaks a limit, and what counts that."""
    if costs is None:
        return encoding, None
    proposals = Proposals(costs)
    return Within(encoding, proposals), proposals


def obeying(searcher: Any, goal: Goal, proposals: Proposals[Any] | None) -> Any:
    """The searcher, which asks for nothing that breaks a limit known before training; as it is where there is none."""
    return Limited(searcher, goal, proposals) if proposals is not None or measured(goal) else searcher


def measured(goal: Goal) -> bool:
    """Whether a limit is on something that is measured before training."""
    return any(one.metric.untrained for one in goal.constraints)


def measuring_once(executor: Any, goal: Goal, encoding: Any, observed: Sequence[Trial]) -> Any:
    """The executor, which measures of each network once what is limited; as it is where nothing is."""
    if not measured(goal):
        return executor
    names = [name for name, one in known_metrics().items() if one.untrained]
    varied = isinstance(encoding, Augmentable)  # how images vary changes no network
    network = (lambda genome: encoding.augmented(genome, {})) if varied else canonical_form(encoding)
    return MeasuredOnce(executor, names, network, observed)


def dearer_in_several_forms(goal: Goal) -> bool:
    """Whether a network that looks at an input several times may break a limit that it keeps when it looks once."""
    return any(one.at_most and _adds_up(one) and one.name not in ("params", "model_kb") for one in goal.constraints)


def judged(
    goal: Goal, trials: Sequence[Trial], genome: Any, figures: Mapping[str, Any], encoding: Any, passed: int
) -> tuple[dict[str, Any], list[str]]:
    """What `result.json` says of the limits: each with the network's figure and whether it is kept, and how many
    networks were passed over; and notes for people. Nothing where there are no limits.

    The figures are those of the network where it has them, else of its genome's longest training.
    """
    if not goal.constraints:
        return {}, []
    tried = as_tried(genome, trials, encoding)
    trained = [one.evaluation for one in trials if one.evaluation.candidate.genome == tried]
    longest = max(trained, key=lambda one: (one.ok, one.candidate.fidelity), default=None)
    own = {name: figures[name] for name in OF_THE_NETWORK if figures.get(name) is not None}
    found = {**(longest.metrics if longest else {}), **own}
    limits = [
        {"limit": str(one), "value": found.get(one.name), "kept": one.violation(found) == 0} for one in goal.constraints
    ]
    many = f"{passed:,} network{'s' * (passed != 1)} that break{'s' * (passed == 1)} a limit"
    notes = [f"{many} {'were' if passed != 1 else 'was'} passed over and not trained"] if passed else []
    if genome is not None and not all(one["kept"] for one in limits):
        missing = [f"{one} was not measured" for one in goal.constraints if one.name not in found]
        notes.insert(0, f"over the limit: {', '.join([goal.said(found)] * bool(goal.broken(found)) + missing)}")
    return {"limits": limits, "passed_over": passed}, notes


def _adds_up(one: Constraint) -> bool:
    return one.metric.before_training or one.metric.untrained
