"""What the report shows of the trials, as columns that its script draws from: each number is in the file once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np

from evonas.core.figures import duration
from evonas.core.fronts import hypervolumes, members
from evonas.core.goals import Goal, Objective, metric
from evonas.core.types import Trial
from evonas.report.words import genome_text, reason

_MOST_LETTERS = 4000
DRAWN = 1500  # trials in the plots and in the table, for a page of any run opens in seconds


def columns(trials: Sequence[Trial], goal: Goal, best: Trial | None) -> dict[str, Any]:
    """JSON-able; every list is as long as `trials`, in the order of their results, `None` where there is no figure.

    `best`, the `records` and the `fronts` of the first objective and a cost are positions in those lists; `several` is
    the front of several objectives (`several`), whose costs are those that are no objectives. Of more than `DRAWN`
    trials the lists are of those that these name and of every so many-th: `trial` says which, from 1, `count` of how
    many.
    """
    found = _columns(trials, goal, best)
    if len(trials) <= DRAWN:
        return found
    several, fronts = found["several"], found["fronts"]
    named = {*found["records"], *(i for line in fronts.values() for i in line), *(several or {}).get("members", ())}
    named |= set() if found["best"] is None else {found["best"]}
    evenly = np.linspace(0, len(trials) - 1, max(2, DRAWN - len(named))).round().astype(int).tolist()
    kept = sorted(named.union(evenly))
    place = {position: i for i, position in enumerate(kept)}
    listed = ("trial", "genome", "fidelity", "elapsed", "failed")
    if several is not None:
        within = {name: [several[name][i] for i in kept] for name in ("feasible", "hypervolume")}
        several |= {**within, "members": [place[i] for i in several["members"]], "knee": place[several["knee"]]}
    return {
        **found,
        **{name: [found[name][i] for i in kept] for name in listed},
        "metrics": {name: [column[i] for i in kept] for name, column in found["metrics"].items()},
        "best": None if found["best"] is None else place[found["best"]],
        "records": [place[i] for i in found["records"]],
        "fronts": {name: [place[i] for i in line] for name, line in fronts.items()},
    }


def _columns(trials: Sequence[Trial], goal: Goal, best: Trial | None) -> dict[str, Any]:
    """Of all trials."""
    position = next((i for i, trial in enumerate(trials) if trial is best), None)
    trials = [_with_seconds(trial) for trial in trials]
    evaluations = [trial.evaluation for trial in trials]
    metrics = _metrics(trials, goal)
    costs = _costs(metrics, goal)
    return {
        "objectives": [{"name": one.name, "maximize": one.maximize} for one in goal.objectives],
        "names": {name: metric(name).label for name in metrics},
        "units": {name: metric(name).unit for name in metrics if metric(name).kind == "plain"},
        "kinds": {name: metric(name).kind for name in metrics},
        "metrics": metrics,
        "count": len(trials),
        "trial": list(range(1, len(trials) + 1)),
        "genome": [genome_text(e.candidate.genome)[:_MOST_LETTERS] for e in evaluations],
        "fidelity": [_figure(e.candidate.fidelity) for e in evaluations],
        "elapsed": elapsed(trials),
        "failed": [reason(e.error)[:300] if not e.ok else None for e in evaluations],
        "best": position,
        "records": goal.records(trials),
        "several": several(trials, goal),
        "costs": [{"name": one.name, "maximize": one.maximize} for one in costs],
        "fronts": {one.name: front(trials, Goal((goal.first, one), goal.constraints)) for one in costs},
    }


def several(trials: Sequence[Trial], goal: Goal) -> dict[str, Any] | None:
    """What the front is drawn from: positions of its members, the best first, and of its knee; the fidelity of what it
    is compared with; whether each trial keeps the limits; the pairs of objectives, (vertical, horizontal); and the
    hypervolume after each trial, a share. None where there is one objective, or nothing to show."""
    found = members(goal, trials) if len(goal.objectives) > 1 else []
    if not found:
        return None
    place = {id(trial): i for i, trial in enumerate(trials)}
    names = [one.name for one in goal.objectives]
    return {
        "members": [place[id(one.trial)] for one in found],
        "knee": next(place[id(one.trial)] for one in found if one.knee),
        "fidelity": _figure(found[0].trial.evaluation.candidate.fidelity),
        "feasible": [int(trial.evaluation.ok and goal.feasible(trial.evaluation.metrics)) for trial in trials],
        "limits": [{"name": one.name, "bound": one.bound, "at_most": one.at_most} for one in goal.constraints],
        "pairs": pairs(names),
        "hypervolume": [round(share, 6) for share in hypervolumes(goal, trials)],
    }


def pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Which objectives are drawn against each other: all of two or three, of more the first against each."""
    return list(combinations(names, 2)) if len(names) <= 3 else [(names[0], other) for other in names[1:]]


def chosen(trials: Sequence[Trial], goal: Goal, number: int | None = None) -> Trial | None:
    """The trial of that number, which the run chose; without one the best, None where none succeeded."""
    return next((t for t in trials if t.number == number and t.evaluation.ok), None) or goal.best(trials)


def front(trials: Sequence[Trial], goal: Goal) -> list[int]:
    """The positions of the goal's front, by the last objective from small to large: the line of a plot."""
    place = {id(trial): i for i, trial in enumerate(trials)}
    last = goal.objectives[-1].name
    return [place[id(trial)] for trial in sorted(goal.front(trials), key=lambda t: t.evaluation.metrics[last])]


def _costs(metrics: Mapping[str, Sequence[float | None]], goal: Goal) -> list[Objective]:
    """What the first objective is drawn against: every cost that has figures and is no objective."""
    searched = [objective.name for objective in goal.objectives]
    others = [name for name in metrics if metric(name).cost and name not in searched]
    return [Objective(name, maximize=False) for name in others if any(value is not None for value in metrics[name])]


def _with_seconds(trial: Trial) -> Trial:
    """The seconds of an evaluation stand in for a metric of that name."""
    evaluation = trial.evaluation
    if not evaluation.ok or "seconds" in evaluation.metrics:
        return trial
    return replace(trial, evaluation=replace(evaluation, metrics={**evaluation.metrics, "seconds": evaluation.seconds}))


def elapsed(trials: Sequence[Trial]) -> list[float]:
    """Wall-clock seconds at each trial; the trainings' own seconds added up where no clock was recorded."""
    clock = [trial.elapsed for trial in trials]
    if any(clock):
        return [round(seconds, 3) for seconds in clock]
    total, sums = 0.0, []
    for trial in trials:
        total += trial.evaluation.seconds
        sums.append(round(total, 3))
    return sums


def failures(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """Failed trials by reason, the most frequent first, each with a genome of its first and where it was raised."""
    groups: dict[str, dict[str, Any]] = {}
    for position, trial in enumerate(trials, 1):
        evaluation = trial.evaluation
        if evaluation.ok:
            continue
        group = groups.setdefault(
            reason(evaluation.error),
            {
                "reason": reason(evaluation.error),
                "trials": [],
                "genome": genome_text(evaluation.candidate.genome)[:_MOST_LETTERS],
                "error": (evaluation.traceback or evaluation.error or "")[-_MOST_LETTERS:],
            },
        )
        group["trials"].append(position)
    return sorted(groups.values(), key=lambda group: -len(group["trials"]))


def headline(
    result: Mapping[str, Any], trials: Sequence[Trial], goal: Goal, best: Trial | None
) -> list[dict[str, str]]:
    """The figures at the top, as text: what the result says, else what the best trial says."""
    found = {**(best.evaluation.metrics if best else {}), **{k: v for k, v in result.items() if v is not None}}
    failed = sum(not trial.evaluation.ok for trial in trials)
    searched = [objective.name for objective in goal.objectives]
    names = dict.fromkeys(["test_accuracy", *searched, "params", "flops"])
    if "val_accuracy" not in searched:  # an evaluator of a user's own, which may know none of the others
        names = [name for name in names if name in searched or found.get(name) is not None]
    part = of_a_training(best)
    tiles = [
        {"name": metric(n).label, "text": metric(n).text(_number(found.get(n))), "note": part if n in searched else ""}
        for n in names
    ]
    total = f"{len(trials):,}".replace(",", " ")
    tiles.append({"name": "trials", "text": total, "note": f"{failed} failed" if failed else ""})
    seconds = _number(result.get("seconds")) or (elapsed(trials)[-1] if trials else None)
    tiles.append({"name": "search time", "text": duration(seconds)})
    return tiles


def of_a_training(best: Trial | None) -> str:
    """What the figures of a trial are of, where that is no whole training: `after 33 % of a training`."""
    fidelity = best.evaluation.candidate.fidelity if best else 1.0
    return f"after {100 * fidelity:.0f} % of a training" if fidelity < 1 else ""


def _metrics(trials: Sequence[Trial], goal: Goal) -> dict[str, list[float | None]]:
    """Each metric's column, the objectives' first."""
    searched = [objective.name for objective in goal.objectives]
    names = dict.fromkeys([*searched, *(name for t in trials for name in t.evaluation.metrics)])
    return {
        name: [_figure(t.evaluation.metrics.get(name)) if t.evaluation.ok else None for t in trials] for name in names
    }


def _figure(value: Any) -> float | None:
    """Nine figures are enough to read four of them without rounding twice; what is no finite number is a gap."""
    number = _number(value)
    return None if number is None else float(f"{number:.9g}")


def _number(value: Any) -> float | None:
    try:
        return float(value) if math.isfinite(value) else None
    except (TypeError, ValueError):
        return None
