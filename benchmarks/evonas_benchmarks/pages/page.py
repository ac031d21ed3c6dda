"""report.html: every plot and table of a suite in one file that opens without a network."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evonas_benchmarks.analysis.ranking import Ranking, ranking, speed_up
from evonas_benchmarks.analysis.statistics import fewest_seeds
from evonas_benchmarks.analysis.summary import reference_of
from evonas_benchmarks.pages.plot_files import ranks_svg
from evonas_benchmarks.pages.plots import FEW, FLOOR, OVERALL, Plot, ordered, styles
from evonas_benchmarks.pages.text import figure, html_table, milliseconds, ratio, short

PACKAGE = "evonas_benchmarks.pages"


def write_page(path: Path, curves: pd.DataFrame, summary: Mapping[str, Any], drawn: Sequence[Plot]) -> None:
    """Whole, or not at all; `drawn` are the plots of the curves."""
    from jinja2 import Environment
    from markupsafe import Markup

    methods = ordered(curves)
    ranked = ranking(curves, summary["trials"])
    overall = summary["overall"]
    reference = reference_of(overall) if overall else methods[0]
    speeds = speed_up(curves, summary["trials"], summary["milestones"], reference)
    look = max((one for one in summary["milestones"] if one <= max(1, summary["trials"] // 3)), default=1)
    regrets = {
        task: found
        for task, found in summary["tasks"].items()
        if any(v["regret"][_last(summary)] for v in found.values())
    }
    values = {
        "name": summary["suite"]["name"],
        "description": summary["suite"].get("description", ""),
        "facts": _facts(summary),
        "failed": summary["failed_runs"],
        "looks": summary["milestones"],
        "trials": summary["trials"],
        "reference": reference,
        "speed_look": look,
        "board": _board(summary, methods, ranked, speeds, reference, look),
        "ranked": ranked and {"seeds": ranked.seeds, "friedman": short(ranked.friedman)},
        "lacking": _lacking(summary),
        "few": FEW,
        "floor": f"{FLOOR:g}",
        "overall_plots": [plot for plot in drawn if plot.name in OVERALL],
        "groups": _groups(drawn),
        "ranks": Markup(ranks_svg(ranked)) if ranked else None,
        "pairs": Markup(_pairs(ranked)) if ranked else None,
        "heat": Markup(_heat(regrets, methods, _last(summary))) if len(regrets) > 1 else None,
        "tables": [(task, Markup(_task_table(found, summary, methods))) for task, found in summary["tasks"].items()],
        "speeds": Markup(_speed_table(speeds, summary, methods)) if speeds else None,
        "runs": summary["runs"],
        "data": Markup(_json(_data(drawn, methods))),
        "plotly": Markup(_plotly()),
        "css": Markup(_asset("evonas.report", "report.css") + _asset(PACKAGE, "page.css")),
        "js": Markup(_asset(PACKAGE, "page.js")),
    }
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    part = path.with_name(f"{path.name}.part")
    part.write_text(template.from_string(_asset(PACKAGE, "page.html")).render(**values), encoding="utf-8")
    part.replace(path)


def _last(summary: Mapping[str, Any]) -> str:
    return str(summary["milestones"][-1])


def _facts(summary: Mapping[str, Any]) -> list[str]:
    suite = summary["suite"]
    counts = [one["seeds"] for found in summary["tasks"].values() for one in found.values()]
    seeds = f"{min(counts)} to {max(counts)} seeds" if min(counts) < max(counts) else f"{max(counts)} seeds"
    tasks = len(summary["tasks"])
    facts = [f"{tasks} task{'s' * (tasks > 1)}", seeds, f"{summary['trials']} trials"]
    if suite.get("table"):
        which = suite.get("earlier_tasks")
        of = (
            "each other task"
            if which is None
            else f"{which} other tasks"
            if isinstance(which, int)
            else ", ".join(which)
        )
        facts.append(
            f"searchers see {'one seed of the table' if suite.get('noise') else 'the mean over the table’s seeds'}"
        )
        facts.append(f"transferring methods see {suite['earlier']} random architectures of {of}")
    return [*facts, *(f"wrapped: {spec}" for spec in suite.get("wrappers", ()))]


def _lacking(summary: Mapping[str, Any]) -> str:
    """What the seeds cannot show, however large the differences: a sentence, or nothing."""
    n, methods = len(summary["seeds"]), len(summary["overall"])
    needed = fewest_seeds(methods - 1)
    if methods < 2 or n >= needed:
        return ""
    return f"{n} seeds cannot show a difference among {methods} methods, however large it is: that takes {needed}."


def _board(
    summary: Mapping[str, Any],
    methods: Sequence[str],
    ranked: Ranking | None,
    speeds: Mapping[str, Any],
    reference: str,
    look: int,
) -> list[dict[str, Any]]:
    """A row a method that has every task, the best first."""
    rows, last, looks = [], _last(summary), styles(methods)
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


def _groups(drawn: Sequence[Plot]) -> list[dict[str, Any]]:
    """The tasks' own plots, side by side."""
    rest = [plot for plot in drawn if plot.name not in OVERALL]
    found = [
        {"title": "Each task, against trials", "plots": [plot for plot in rest if not plot.log_x]},
        {"title": "Each task, against training seconds", "plots": [plot for plot in rest if plot.log_x]},
    ]
    return [group for group in found if group["plots"]]


def _pairs(found: Ranking) -> str:
    names = list(found.ranks)
    rows = [[a, *("" if a == b else f"{found.p_values.loc[a, b]:.2g}" for b in names)] for a in names]
    return html_table(["", *names], rows)


def _heat(tasks: Mapping[str, Any], methods: Sequence[str], last: str) -> str:
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


def _task_table(found: Mapping[str, Any], summary: Mapping[str, Any], methods: Sequence[str]) -> str:
    looks, last, rows = summary["milestones"], _last(summary), []
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


def _speed_table(speeds: Mapping[str, Any], summary: Mapping[str, Any], methods: Sequence[str]) -> str:
    looks = summary["milestones"]
    rows = [[m, *(ratio(*speeds[m][look]) for look in looks)] for m in methods if m in speeds]
    return html_table(["method", *(f"after {look}" for look in looks)], rows)


def _data(drawn: Sequence[Plot], methods: Sequence[str]) -> dict[str, Any]:
    looks = styles(methods)
    few = [*methods[:FEW], *(m for m in methods[FEW:] if m == "random")]
    return {
        "methods": [{"name": m, "color": looks[m].color, "dash": looks[m].dash} for m in methods],
        "shown": few,
        "floor": FLOOR,
        "plots": [
            {
                **{key: getattr(plot, key) for key in ("name", "x_title", "y_title", "kind", "log_x")},
                "x": _numbers(plot.x),
                "lines": {
                    method: {"mean": _numbers(line.mean)}
                    | ({} if plot.kind == "share" else {"low": _numbers(line.low), "high": _numbers(line.high)})
                    for method, line in plot.lines.items()
                },
            }
            for plot in drawn
        ],
    }


def _numbers(values: np.ndarray) -> list[float | None]:
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in values]


def _json(value: Any) -> str:
    """JSON that may stand inside a <script>: no text of a user's can end it."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def _asset(package: str, name: str) -> str:
    return files(package).joinpath(name).read_text(encoding="utf-8")


@cache
def _plotly() -> str:
    """plotly.js, gzipped and in base64; the page unpacks it."""
    from plotly.offline import get_plotlyjs

    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()
