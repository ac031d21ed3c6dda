"""The tables of report.html, from a suite's figures: who is best, where, how much sooner, and how surely."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evonas_benchmarks.analysis.ranking import Ranking
from evonas_benchmarks.pages.plots import styles
from evonas_benchmarks.pages.text import figure, html_table, milliseconds, ratio


def board(
    summary: Mapping[str, Any],
    methods: Sequence[str],
    ranked: Ranking | None,
    speeds: Mapping[str, Any],
    reference: str,
    look: int,
) -> list[dict[str, Any]]:
    """A row a method that has every task, the best first."""
    rows, last, looks = [], last_look(summary), styles(methods)
    for method in methods:
        found = summary["overall"].get(method)
        if found is None:
            continue
        pair = (found[f"better_than_{reference}"] or {}).get(last)
        speed = speeds.get(method, {}).get(look)
        rows.append(
            {
                "method": method,
                "color": looks[method].color,
                "seeds": found["seeds"],
                "regret": [_cell(found["regret"][str(n)], found["among_best"][str(n)]) for n in summary["milestones"]],
                "rank": f"{ranked.ranks[method]:.2f}" if ranked and method in ranked.ranks else "",
                "verdict": {1: "win", -1: "loss", 0: "open"}[pair["verdict"]] if pair else "open",
                "against": f"{pair['mean']:+.3f}" if pair and pair["mean"] is not None else "",
                "pair": _pair_text(pair),
                "speed": ratio(*speed) if speed else "",
            }
        )
    return rows


def _pair_text(pair: Mapping[str, Any] | None) -> str:
    if not pair or pair["mean"] is None:
        return ""
    return f"{pair['low']:+.3f} to {pair['high']:+.3f}, p = {pair['p']:.2g}, {pair['n']} seeds"


def _cell(value: Mapping[str, Any] | None, best: bool) -> dict[str, Any]:
    if value is None:
        return {"text": "", "spread": "", "best": False}
    spread = f"±{(value['high'] - value['low']) / 2:.3f}"
    return {"text": f"{value['mean']:.3f}", "spread": spread, "best": best, "title": figure(value)}


def pairs(found: Ranking) -> str:
    """HTML: Holm-corrected p of each two methods."""
    names = list(found.ranks)
    rows = [[a, *("" if a == b else f"{found.p_values.loc[a, b]:.2g}" for b in names)] for a in names]
    return html_table(["", *names], rows)


def heat(tasks: Mapping[str, Any], methods: Sequence[str], last: str) -> str:
    """HTML: method × task, the mean regret after the trials `last`; the darker, the nearer to the worst of a task."""
    worst = {
        t: max(one["regret"][last]["mean"] for one in found.values() if one["regret"][last])
        for t, found in tasks.items()
    }
    rows, weights, bold = [], [], []
    for method in methods:
        cells = [found.get(method, {}).get("regret", {}).get(last) for found in tasks.values()]
        rows.append([method, *(f"{cell['mean']:.3f}" if cell else "" for cell in cells)])
        weights.append(
            [
                None,
                *(cell["mean"] / max(worst[t], 1e-12) if cell else None for t, cell in zip(tasks, cells, strict=True)),
            ]
        )
        bold.append([False, *(bool(found.get(method, {}).get("among_best")) for found in tasks.values())])
    return html_table(["method", *tasks], rows, "heat", weights, bold)


def task_table(found: Mapping[str, Any], summary: Mapping[str, Any], methods: Sequence[str]) -> str:
    """HTML: a row a method, its figures on one task."""
    looks, last, rows = summary["milestones"], last_look(summary), []
    for method in [method for method in methods if method in found]:
        one = found[method]
        column = one["regret"] if any(one["regret"].values()) else one["best"]
        share, median = one["share_that_reached_best"], one["median_trials_to_best"]
        reached = [] if share is None else [f"{median:g}" if median is not None else f"> {last}", f"{share:.0%}"]
        rows.append(
            [
                method,
                str(one["seeds"]),
                *(figure(column[str(look)]) for look in looks),
                *(reached or ["", ""]),
                figure(one["best"][last], 4),
                figure(one["test"][last], 4),
                milliseconds(one["median_overhead"]),
            ]
        )
    head = [
        "method",
        "seeds",
        *(f"after {look}" for look in looks),
        "trials to best (median)",
        "got there",
        "best found",
        "its test",
        "own ms a trial",
    ]
    return html_table(head, rows)


def speed_table(speeds: Mapping[str, Any], summary: Mapping[str, Any], methods: Sequence[str]) -> str:
    """HTML: trainings that the reference needs for the same mean regret ÷ a method's, at each milestone."""
    looks = summary["milestones"]
    rows = [[m, *(ratio(*speeds[m][look]) for look in looks)] for m in methods if m in speeds]
    return html_table(["method", *(f"after {look}" for look in looks)], rows)


def last_look(summary: Mapping[str, Any]) -> str:
    """The last milestone, as the figures have it for a key."""
    return str(summary["milestones"][-1])
