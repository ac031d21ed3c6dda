"""What the report shows of the trials, as columns that its script draws from: each number is in the file once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from evonas.core.goals import Objective
from evonas.core.types import Trial
from evonas.report.words import figure_text, full_name, genome_text, kind, reason

_COSTS = ("params", "flops", "seconds", "latency_ms", "latency_seconds", "peak_memory_mb")
_MOST_LETTERS = 4000


def columns(trials: Sequence[Trial], objective: Objective, best: Trial | None) -> dict[str, Any]:
    """JSON-able; every list is as long as `trials`, in told order, `None` where there is no figure.

    `best`, the `records` and the `fronts` are positions in those lists.
    """
    evaluations = [trial.evaluation for trial in trials]
    metrics = _metrics(trials, objective)
    values = metrics[objective.name]
    costs = [name for name in _COSTS if name != objective.name and any(v is not None for v in metrics.get(name, ()))]
    full = full_fidelity(trials)
    whole = [v if e.candidate.fidelity >= full else None for v, e in zip(values, evaluations, strict=True)]
    return {
        "objective": {"name": objective.name, "maximize": objective.maximize},
        "names": {name: full_name(name) for name in metrics},
        "kinds": {name: kind(name) for name in metrics},
        "metrics": metrics,
        "genome": [genome_text(e.candidate.genome)[:_MOST_LETTERS] for e in evaluations],
        "fidelity": [_figure(e.candidate.fidelity) for e in evaluations],
        "elapsed": elapsed(trials),
        "failed": [reason(e.error)[:300] if not e.ok else None for e in evaluations],
        "best": next((i for i, trial in enumerate(trials) if trial is best), None),
        "records": records(trials, objective),
        "costs": costs,
        "fronts": {cost: front(whole, metrics[cost], objective.maximize) for cost in costs},
    }


def best_trial(trials: Sequence[Trial], objective: Objective, number: int | None = None) -> Trial | None:
    """The trial of that number, which the run chose; without one the first of the best, None where none succeeded."""
    chosen = [trial for trial in trials if trial.number == number and trial.evaluation.ok]
    return next(iter(chosen or [trials[i] for i in records(trials, objective)[-1:]]), None)


def full_fidelity(trials: Sequence[Trial]) -> float:
    """The highest fidelity at which a trial succeeded: only such trials are compared with one another."""
    return max((trial.evaluation.candidate.fidelity for trial in trials if trial.evaluation.ok), default=1.0)


def records(trials: Sequence[Trial], objective: Objective) -> list[int]:
    """Where the best so far changed hands. Only the highest fidelity counts: half a training is no record."""
    value = [objective.value(t.evaluation.metrics) if t.evaluation.ok else -math.inf for t in trials]
    full = full_fidelity(trials)
    found: list[int] = []
    for i, trial in enumerate(trials):
        if trial.evaluation.candidate.fidelity >= full and value[i] > (value[found[-1]] if found else -math.inf):
            found.append(i)
    return found


def front(values: Sequence[float | None], costs: Sequence[float | None], maximize: bool = True) -> list[int]:
    """The positions that no other beats in both value and cost (low is better), cheapest first."""
    sign = -1.0 if maximize else 1.0
    pairs = enumerate(zip(values, costs, strict=True))
    points = [(cost, sign * value, i) for i, (value, cost) in pairs if value is not None and cost is not None]
    found: list[int] = []
    lowest = math.inf
    for _, value, i in sorted(points):
        if value < lowest:
            lowest = value
            found.append(i)
    return found


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
    """Failed trials by reason, the most frequent first, each with a genome and the whole error text of its first."""
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
                "error": (evaluation.error or "")[:_MOST_LETTERS],
            },
        )
        group["trials"].append(position)
    return sorted(groups.values(), key=lambda group: -len(group["trials"]))


def headline(
    result: Mapping[str, Any], trials: Sequence[Trial], objective: Objective, best: Trial | None
) -> list[dict[str, str]]:
    """The figures at the top, as text: what the result says, else what the best trial says."""
    found = {**(best.evaluation.metrics if best else {}), **{k: v for k, v in result.items() if v is not None}}
    failed = sum(not trial.evaluation.ok for trial in trials)
    names = ["test_accuracy", objective.name, "params", "flops"]
    tiles = [{"name": full_name(name), "text": figure_text(name, _number(found.get(name)))} for name in names]
    total = f"{len(trials):,}".replace(",", " ")
    tiles.append({"name": "trials", "text": total, "note": f"{failed} failed" if failed else ""})
    seconds = _number(result.get("seconds")) or (elapsed(trials)[-1] if trials else None)
    tiles.append({"name": "search time", "text": figure_text("seconds", seconds)})
    return tiles


def _metrics(trials: Sequence[Trial], objective: Objective) -> dict[str, list[float | None]]:
    """Each metric's column, the objective's first; the seconds of an evaluation stand in for a metric of that name."""
    names = dict.fromkeys([objective.name, *(name for t in trials for name in t.evaluation.metrics), "seconds"])
    table: dict[str, list[float | None]] = {name: [] for name in names}
    for trial in trials:
        metrics = {"seconds": trial.evaluation.seconds, **trial.evaluation.metrics}
        for name, column in table.items():
            column.append(_figure(metrics.get(name)) if trial.evaluation.ok else None)
    return table


def _figure(value: Any) -> float | None:
    """Nine figures are enough to read four of them without rounding twice; what is no finite number is a gap."""
    number = _number(value)
    return None if number is None else float(f"{number:.9g}")


def _number(value: Any) -> float | None:
    try:
        return float(value) if math.isfinite(value) else None
    except (TypeError, ValueError):
        return None
