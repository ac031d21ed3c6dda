"""What the report says in words and tables: how a run was made, its best trial, the front of several objectives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evonas.core.figures import duration
from evonas.core.fronts import hypervolume, members
from evonas.core.goals import Goal, metric
from evonas.core.types import Task, Trial
from evonas.report import data
from evonas.report.words import genome_text, plain_items
from evonas.search.methods import recorded_method


def task_of(run: Mapping[str, Any]) -> Mapping[str, Any]:
    task = run.get("task")
    if isinstance(task, Task):
        return vars(task)
    return task if isinstance(task, Mapping) else {"name": task}


def best_facts(best: Trial | None) -> list[tuple[str, str]]:
    if best is None:
        return []
    metrics = {**best.evaluation.metrics, "seconds": best.evaluation.seconds}
    return [(metric(name).label, metric(name).text(value)) for name, value in metrics.items()]


def front_table(trials: Sequence[Trial], goal: Goal, command: str | None) -> Mapping[str, Any] | None:
    """The table of the trials that no other beats in all objectives, which of them are `named`, how each is taken away,
    and the hypervolume in words; None where there is one objective.

    `command` takes one away, but for its place; None where there is no network to take.
    """
    found = members(goal, trials) if len(goal.objectives) > 1 else []
    if not found:
        return None
    shown = [objective.metric for objective in goal.objectives]
    place = {id(trial): i for i, trial in enumerate(trials, 1)}
    rows = [
        {
            "place": one.place,
            "named": " ".join(word for word, so in (("best", one.best), ("knee", one.knee)) if so),
            "trial": place[id(one.trial)],
            "figures": [each.text(one.trial.evaluation.metrics.get(each.name)) for each in shown],
            "over": not one.feasible,
            "export": None if command is None else f"{command} --pick {one.place}",
            "genome": genome_text(one.trial.evaluation.candidate.genome),
        }
        for one in found
    ]
    pairs = data.pairs([one.name for one in shown])
    return {
        "heads": [one.label for one in shown],
        "rows": rows,
        "pairs": pairs,
        "volume": _volume(trials, goal),
    }


def _volume(trials: Sequence[Trial], goal: Goal) -> str | None:
    """`87.3 % of the volume between the worst (…) and the ideal (…)`."""
    found = hypervolume(goal, trials)
    if found is None:
        return None
    corners = (found.reference, found.ideal)
    worst, ideal = (
        ", ".join(one.metric.text(value) for one, value in zip(goal.objectives, corner, strict=True))
        for corner in corners
    )
    return (
        f"The front dominates {100 * found.value:.1f} % of the volume between the reference point ({worst}), a tenth "
        f"of the trials' range beyond the worst of them, and the ideal point ({ideal})."
    )


def run_facts(run: Mapping[str, Any], result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a person needs to know of how it was made, in reading order."""
    task = task_of(run)
    shape = task.get("input_shape") or ()
    facts = {
        "task": task.get("name") or result.get("task"),
        "input": " × ".join(str(n) for n in shape) if any(shape) else None,
        "classes": task.get("n_classes") or None,
        "encoding": run.get("encoding", result.get("encoding")),
        "method": _method(run, result),
        **{key: run.get(key, result.get(key)) for key in ("seed", "device")},
        "started": str(run.get("created") or "").replace("T", " ")[:19],
        "ended": result.get("reason"),
        "time": result.get("time"),
        "cost": _cost(result.get("cost")),
        "fixed baseline": result.get("against"),
        "limits": _limits(run, result),
        "given": _given(run),
    }
    return plain_items(facts)


def _cost(cost: Any) -> str | None:
    """`41.2 s search, 2 min 04 s final training, 4.1 s exported program`."""
    if not isinstance(cost, Mapping):
        return None
    names = {"search": "search", "final": "final training", "program": "exported program"}
    return ", ".join(f"{duration(cost[key])} {name}" for key, name in names.items() if cost.get(key)) or None


def _limits(run: Mapping[str, Any], result: Mapping[str, Any]) -> str | None:
    """`params<=20000 (19882, kept); 1,204 networks that break one were not trained`."""
    judged = [one for one in result.get("limits") or () if isinstance(one, Mapping)]
    if not judged:  # of a search that goes on
        return ", ".join((run.get("config") or {}).get("limits") or ()) or None
    words = ("broken", "kept")
    figures = ["not measured" if one["value"] is None else f"{one['value']:.6g}" for one in judged]
    each = [f"{one['limit']} ({figure}, {words[one['kept']]})" for one, figure in zip(judged, figures, strict=True)]
    passed = result.get("passed_over")
    return "; ".join([", ".join(each), *([f"{passed:,} networks that break one were not trained"] if passed else [])])


def _given(run: Mapping[str, Any]) -> str | None:
    """`classes count alike, loss my.py:focal`: what all trainings have in common."""
    config = run.get("config") or {}
    parts = (f"{name} {config[name]}" for name in ("loss", "optimizer", "augment", "groups") if config.get(name))
    return ", ".join([*(["classes count alike"] if config.get("balance") else []), *parts]) or None


def _method(run: Mapping[str, Any], result: Mapping[str, Any]) -> str | None:
    """In full, screening included."""
    method, surrogate = (run.get(key, result.get(key)) for key in ("method", "surrogate"))
    return recorded_method(method, surrogate or "none", run.get("config") or {}) if method else None
