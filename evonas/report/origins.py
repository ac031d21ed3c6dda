"""The report's section on where the networks of a search came from, and where the good ones did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from evonas.core.goals import Goal
from evonas.core.types import Encoding, Trial
from evonas.memory.archive import Archive, RunRecord
from evonas.search.methods import recorded_method
from evonas.search.mixture import ORIGINS, learned_shares

LEAST = 20  # networks, of fewer a tenth says nothing
SOURCES = {origin: source for source, origins in ORIGINS.items() for origin in origins} | {"warm start": "tried first"}


def origins(
    record: RunRecord, trials: Sequence[Trial], encoding: Encoding[Any], store: Archive, goal: Goal
) -> tuple[str, str] | None:
    """("Where the good ones came from", HTML); None where there are too few networks, or all are of one source.

    The shares are those that a mixture has learned; another method has none.
    """
    found, good = counted(trials, goal)
    if sum(found.values()) < LEAST or len(found) < 2:
        return None
    shares = learned_shares(recorded_method(record.method, record.surrogate, record.config), trials, goal)
    heads = [
        "source",
        "networks",
        f"among the best {sum(good.values())}",
        *(["share of the turns now"] if shares else []),
    ]
    rows = [
        _row(source, found, good, shares) for source in sorted({*found, *shares}, key=lambda one: (-found[one], one))
    ]
    head = "".join(f"<th{_number(column)}>{escape(text)}</th>" for column, text in enumerate(heads))
    note = "By what made a network first; the best tenth are those that succeeded, by the goal."
    return (
        "Where the good ones came from",
        f'<table class="origins"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'
        f'<p class="caption">{note}</p>',
    )


def counted(trials: Sequence[Trial], goal: Goal) -> tuple[Counter[str], Counter[str]]:
    """By source, how many networks came from it, and how many of the best tenth: each network once, by how it came
    first and by its best result."""
    source: dict[Any, str] = {}
    best: dict[Any, tuple[float, ...]] = {}
    for trial in trials:
        candidate = trial.evaluation.candidate
        if trial.evaluation.status == "absent":
            continue
        source.setdefault(candidate.genome, SOURCES.get(candidate.origin, candidate.origin))
        if trial.evaluation.ok:
            rank = goal.rank(trial.evaluation)
            best[candidate.genome] = max(best.get(candidate.genome, rank), rank)
    ranked = sorted(best, key=lambda genome: best[genome], reverse=True)
    return Counter(source.values()), Counter(source[genome] for genome in ranked[: round(len(source) / 10)])


def _row(source: str, found: Counter[str], good: Counter[str], shares: Mapping[str, float]) -> str:
    cells = [source, str(found[source]), str(good[source])]
    cells += [f"{100 * shares[source]:.0f} %" if source in shares else "–"] if shares else []
    return "<tr>" + "".join(f"<td{_number(i)}>{escape(cell)}</td>" for i, cell in enumerate(cells)) + "</tr>"


def _number(column: int) -> str:
    return ' class="number"' if column else ""
