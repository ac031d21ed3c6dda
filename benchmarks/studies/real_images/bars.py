"""What was to be reached, and whether it was: the first table of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import mean

from evonas_benchmarks.pages.text import markdown
from studies.real_images import less_time
from studies.real_images.measured import on_the_wall
from studies.real_images.plan import OURS
from studies.real_images.rank_correlation import correlations
from studies.real_images.ratios import by_set, control, ratio
from studies.real_images.rows import Row, main_budget
from studies.real_images.sets import PUBLISHED

MISSING = "not recorded yet"
POINTS = {"addnist": 3.0, "multnist": 4.0, "cifartile": 15.0}  # above the published ResNet-18, percent

Line = tuple[str, str, str, str, str]  # figure, value, bar, aim, reached


def table(rows: Sequence[Row], candidates: Sequence[Row]) -> str:
    """Of the main budget; what is not recorded says so."""
    usual = [row for row in rows if not row["full"] and row["budget"] == main_budget(rows)]
    wall = on_the_wall(rows)
    lines = [
        *_against_control(usual),
        _against_random(usual),
        _memory(rows),
        _worst("longest search ÷ its deadline", wall, lambda row: row["wall_seconds"] / row["budget"], 1.0, None),
        _worst(
            "something usable after, of the deadline",
            wall,
            lambda row: row["usable_seconds"] / row["budget"],
            0.15,
            0.05,
        ),
        *(_full(name, rows) for name in PUBLISHED),
        _correlation(candidates),
    ]
    head = ["figure", "value", "bar", "aim", "reached"]
    return f"## What was to be reached\n\n{markdown(head, [list(line) for line in lines])}\n"


def _against_control(rows: Sequence[Row]) -> list[Line]:
    known = control(rows)
    pairs = by_set(rows, OURS, known.name) if known else {}
    overall = ratio(pairs.values())
    what = f"errors by those of the best fixed network{f', {known.name}' if known else ''}"
    each = "sets whose ratio lies wholly above 1.05 (aim: .95)"
    if overall is None:
        return [(what, MISSING, "≤ .80", "≤ .60", ""), (each, MISSING, "none", "none", "")]
    lows = {name: one.low for name, some in pairs.items() if (one := ratio([some]))}
    above = {limit: sorted(name for name, low in lows.items() if low > limit) for limit in (1.05, 0.95)}
    reached = "no" if above[1.05] else "bar" if above[0.95] else "aim"
    return [
        (what, f"{overall}, sets: {overall.sets}", "≤ .80", "≤ .60", _reached(overall.value, 0.80, 0.60)),
        (each, ", ".join(above[1.05]) or "none", "none", "none", reached),
    ]


def _against_random(rows: Sequence[Row]) -> Line:
    found = ratio(by_set(rows, OURS, "random").values())
    what = "errors by those of random search"
    bar = "≤ .90, interval below 1"
    if found is None:
        return what, MISSING, bar, "≤ .75", ""
    reached = _reached(found.value, 0.90, 0.75) if found.high < 1 else "no"
    return what, f"{found}, sets: {found.sets}", bar, "≤ .75", reached


def _memory(rows: Sequence[Row]) -> Line:
    main = main_budget(rows)
    what = f"seconds that do with the memory what {main:g} do without"
    bar, aim = f"≤ {0.6 * main:g}", f"≤ {0.3 * main:g}"
    found = {budget: one for budget in less_time.budgets(rows) if (one := less_time.against(rows, budget))}
    if not found:
        return what, MISSING, bar, aim, ""
    least = next((budget for budget, one in found.items() if one.value <= 1), None)
    if least is None:
        return what, f"none of {', '.join(f'{budget:g}' for budget in found)}", bar, aim, "no"
    return what, f"{least:g}: errors {found[least]}", bar, aim, _reached(least, 0.6 * main, 0.3 * main)


def _worst(what: str, rows: Sequence[Row], figure: Callable[[Row], float], bar: float, aim: float | None) -> Line:
    """The largest of all searches."""
    found = [figure(row) for row in rows if "usable_seconds" in row]
    words = f"≤ {bar:g}", "" if aim is None else f"≤ {aim:g}"
    if not found:
        return what, MISSING, *words, ""
    return what, f"{max(found):.3f}", *words, _reached(max(found), bar, bar if aim is None else aim)


def _full(name: str, rows: Sequence[Row]) -> Line:
    benchmark, best = PUBLISHED[name]
    bar = benchmark + POINTS[name]
    what = f"{name}, all images, two cores: accuracy, percent"
    words = f"> {bar:g}", f"> {best:g}"
    found = [100 * row["test_accuracy"] for row in rows if row["full"] and (row["set"], row["system"]) == (name, OURS)]
    if not found:
        return what, MISSING, *words, ""
    return what, f"{mean(found):.2f}", *words, _reached(-mean(found), -bar, -best)


def _correlation(candidates: Sequence[Row]) -> Line:
    found = correlations(candidates)
    what = "rank correlation of what a search saw with long trainings"
    if not found:
        return what, MISSING, "≥ .5", "≥ .8", ""
    value = mean(found.values())
    return what, f"{value:.2f}, searches: {len(found)}", "≥ .5", "≥ .8", _reached(-value, -0.5, -0.8)


def _reached(value: float, bar: float, aim: float) -> str:
    """Lower is better."""
    return ("aim" if value <= aim else "bar") if value <= bar else "no"
