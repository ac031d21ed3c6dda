"""The front of a finished search: in `result.json`, in a few lines of text, and one of its members picked."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from evonas.core.errors import EvonasError, choices
from evonas.core.fronts import Member, hypervolume, members
from evonas.core.goals import Constraint, Goal, metric
from evonas.core.types import Trial
from evonas.memory.places import shown

BEST, KNEE = WORDS = ("best", "knee")  # members that have a name


def front_of(goal: Goal, trials: Sequence[Trial]) -> dict[str, Any]:
    """What `result.json` says of the front: its members and how much they dominate; nothing of one objective."""
    if len(goal.objectives) == 1:
        return {}
    volume = hypervolume(goal, trials)
    return {
        "front": [_shown(member) for member in members(goal, trials)],
        "hypervolume": volume and {"value": volume.value, "reference": volume.reference, "ideal": volume.ideal},
    }


def _shown(member: Member) -> dict[str, Any]:
    candidate, found = member.trial.evaluation.candidate, member.trial.evaluation.metrics
    return {
        "place": member.place,
        "trial": member.trial.number,
        "genome": candidate.genome,
        "metrics": figures(found),
        "fidelity": candidate.fidelity,
        "within_limits": member.feasible,
        "best": member.best,
        "knee": member.knee,
    }


def figures(metrics: Mapping[str, float]) -> dict[str, float | None]:
    """Metrics as JSON has numbers: what is not finite is null."""
    return {name: value if math.isfinite(value) else None for name, value in metrics.items()}


def check_pick(text: str | int) -> None:
    """Raises EvonasError where no front could have such a member: before one is looked for."""
    text = str(text).strip()
    if "<" in text or ">" in text:
        Constraint.parse(text)
    elif text not in WORDS and not text.isdecimal():
        raise EvonasError(
            f"--pick {text!r} is none; give {', '.join(WORDS)}, a limit as 'params<=20000', or a place as 2"
        )


def pick(text: str | int, goal: Goal, trials: Sequence[Trial], run: str) -> Trial:
    """The member of the front that is `best`, the `knee`, at a place (from 1), or the best by the first objective among
    those that keep a limit: `latency_ms<=1`.

    Raises EvonasError where there is none, with the choices.
    """
    found, text = members(goal, trials), str(text).strip()
    if not found:
        raise EvonasError(f"--pick {text}: run {run!r} has no successful trial; go on with it: {_resume(run)}")
    if text == BEST:
        return found[0].trial
    if text == KNEE:
        return next(member.trial for member in found if member.knee)
    if "<" in text or ">" in text:
        return _within(Constraint.parse(text), found)
    try:
        place = int(text)
    except ValueError:
        raise EvonasError(
            f"--pick {text!r} is none; give {', '.join(WORDS)}, a limit as 'params<=20000', or {_places(found)}"
        ) from None
    if not 1 <= place <= len(found):
        raise EvonasError(f"--pick {place}: the front of run {run!r} has {_places(found)}")
    return found[place - 1].trial


def _within(limit: Constraint, found: Sequence[Member]) -> Trial:
    have = [one for one in found if limit.name in one.trial.evaluation.metrics]
    if not have:
        there = choices({name: None for one in found for name in one.trial.evaluation.metrics})
        raise EvonasError(f"--pick {limit}: no network of the front has {limit.name!r}, but {there}")
    kept = [one for one in have if limit.violation(one.trial.evaluation.metrics) == 0]
    if not kept:
        nearest = min(have, key=lambda one: limit.violation(one.trial.evaluation.metrics))
        value = nearest.trial.evaluation.metrics[limit.name]
        raise EvonasError(
            f"--pick {limit}: no network of the front keeps it; the nearest is place {nearest.place}, with "
            f"{limit.name} {value:.6g}"
        )
    return kept[0].trial  # in order of the first objective


def _places(found: Sequence[Member]) -> str:
    return "the place 1 alone" if len(found) == 1 else f"the places 1 to {len(found)}"


def _resume(run: str) -> str:
    return f"evonas resume {shlex.quote(run)}"


def export_command(run: str, archive: str | None = None) -> str:
    """How a member of the front is taken away, up to the pick: `evonas export mine`."""
    return shlex.join(["evonas", "export", run, *(["--archive", shown(archive)] if archive else [])])


def lines(values: Mapping[str, Any], command: str | None) -> list[str]:
    """A front that `result.json` holds, in a few lines; `command` exports one, where there is a network to export."""
    front, names = values.get("front") or (), [one["name"] for one in values["objectives"]]
    if not front:
        return []
    many = f"{len(front)} network{'s' * (len(front) > 1)}"
    volume = values.get("hypervolume")
    verb = "dominate" if len(front) > 1 else "dominates"
    share = f", which {verb} {100 * volume['value']:.1f} % between the worst and the ideal" if volume else ""
    found = [f"front: {many}{share}"]
    for one in front:
        if one["best"] or one["knee"]:
            told = ", ".join(f"{metric(name).label} {metric(name).text(one['metrics'].get(name))}" for name in names)
            which = " and ".join(word for word in WORDS if one[word])
            found.append(f"  {one['place']}: {told} ({which}{'' if one['within_limits'] else ', over the limit'})")
    if command is not None:
        last = values["objectives"][-1]
        limit = f"'{last['name']}{'>=' if last['maximize'] else '<='}…'"
        found.append(f"take one: {command} --out FOLDER --pick knee, a place as 2, or a limit as {limit}")
        found.append(f"all of them: {command} --out FOLDER --all")
    return found
