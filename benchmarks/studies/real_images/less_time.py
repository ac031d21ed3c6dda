"""What the memory is worth: evonas with less time, beside evonas that remembers nothing with all of it."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from evonas_benchmarks.pages.text import markdown
from studies.real_images.ratios import Ratio, errors, log_ratios, ratio
from studies.real_images.rows import Row, main_budget
from studies.real_images.sets import SETS, ordered

OURS, WITHOUT = "evonas", "evonas without memory"
NOTHING = "no earlier tasks"  # how the ranker's description begins where it remembers nothing


def against(rows: Sequence[Row], budget: float) -> Ratio | None:
    """Errors of evonas with this budget by those without memory with the main one, paired by set and seed; blocks of
    different processors are no pairs."""
    theirs = _of(rows, WITHOUT, main_budget(rows))
    ours = _of(rows, OURS, budget)
    at = {(row["set"], row["seed"]): row["processor"] for row in theirs}
    ours = [row for row in ours if at.get((row["set"], row["seed"])) == row["processor"]]
    return ratio(log_ratios(errors(ours).get(OURS, {}), errors(theirs).get(WITHOUT, {})))


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
    """What the memory of evonas was when its searches began, in a sentence."""
    said = [row["memory"][0] if row["memory"] else NOTHING for row in rows if row["system"] == OURS]
    empty = sum(one.startswith(NOTHING) for one in said)
    knew = dict.fromkeys(one.partition(";")[0] for one in said if not one.startswith(NOTHING))
    words = f"When they began, the searches of evonas knew {', or '.join(knew)}." if knew else ""
    if empty:
        words += (
            f" {empty} of {len(said)} knew no earlier task: there evonas and evonas without memory are the same system."
        )
    return words.strip()


def _of(rows: Sequence[Row], system: str, budget: float) -> list[Row]:
    return [row for row in rows if (row["system"], row["budget"], row["full"]) == (system, budget, False)]


def _cell(rows: Sequence[Row]) -> str:
    return f"{100 * mean(row['test_accuracy'] for row in rows):.2f} ({len(rows)})" if rows else ""
