"""What the memory is worth: evonas with less time, beside evonas that remembers nothing with all of it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from evonas_benchmarks.pages.text import markdown
from studies.real_images.ratios import Ratio, errors, log_ratios, ratio
from studies.real_images.rows import Row, main_budget
from studies.real_images.sets import SETS, ordered

OURS, WITHOUT = "evonas", "evonas without memory"
NOTHING = "no earlier task: evonas and evonas without memory are the same system"


def against(rows: Sequence[Row], budget: float) -> Ratio | None:
    """Errors of evonas with this budget by those without memory with the main one, paired by set and seed; blocks of
    different processors are no pairs."""
    theirs = _of(rows, WITHOUT, main_budget(rows))
    ours = _of(rows, OURS, budget)
    at = {(row["set"], row["seed"]): row["processor"] for row in theirs}
    ours = [row for row in ours if at.get((row["set"], row["seed"])) == row["processor"]]
    return ratio(log_ratios(errors(ours).get(OURS, {}), errors(theirs).get(WITHOUT, {})).values())


def budgets(rows: Sequence[Row]) -> list[float]:
    """Those of evonas, the shortest first, the main one last; none where nothing without memory is there."""
    main = main_budget(rows)
    found = {row["budget"] for row in rows if row["system"] == OURS and not row["full"] and row["budget"] <= main}
    return sorted(found) if _of(rows, WITHOUT, main) else []


def section(rows: Sequence[Row]) -> str:
    found = {budget: against(rows, budget) for budget in budgets(rows)}
    if not any(found.values()):
        return ""
    main = main_budget(rows)
    columns = {f"{OURS}, {budget:g} s": _of(rows, OURS, budget) for budget in found}
    columns[f"{WITHOUT}, {main:g} s"] = _of(rows, WITHOUT, main)
    lines = []
    for name in ordered({row["set"] for some in columns.values() for row in some}, SETS):
        lines.append([name, *(_cell([row for row in some if row["set"] == name]) for some in columns.values())])
    lines.append(["ratio of errors", *(str(one) if one else "" for one in found.values()), ""])
    return (
        "## What the memory is worth\n\nTest accuracy, percent, in brackets how many seeds; the last line is the "
        f"geometric mean of errors by those without memory in {main:g} s, paired by set and seed.\n\n"
        + markdown(["set", *columns], lines)
        + f"\n\n{known(rows)}\n"
    )


def known(rows: Sequence[Row]) -> str:
    """What the memory of evonas knew when its searches began, in a sentence a line."""
    by: dict[tuple[str, ...], dict[str, None]] = {}
    for row in rows:
        if row["system"] == OURS:
            by.setdefault(tuple(row["known"]), {})[row["set"]] = None
    lines = []
    for tasks, sets in sorted(by.items()):
        said = f"{len(tasks)} earlier tasks, {', '.join(tasks)}" if tasks else NOTHING
        lines.append(f"- {', '.join(ordered(sets, SETS))}: {said}")
    head = "What the memory knew when a search began; what shares images with a set is forgotten before:\n\n"
    return head + "\n".join(lines)


def _of(rows: Sequence[Row], system: str, budget: float) -> list[Row]:
    return [row for row in rows if (row["system"], row["budget"], row["full"]) == (system, budget, False)]


def _cell(rows: Sequence[Row]) -> str:
    return f"{100 * mean(row['test_accuracy'] for row in rows):.2f} ({len(rows)})" if rows else ""
