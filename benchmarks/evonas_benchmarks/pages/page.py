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

from evonas.core.files import write_text
from evonas.core.pages import META
from evonas_benchmarks.analysis.ranking import ranking, speed_up
from evonas_benchmarks.analysis.statistics import fewest_seeds
from evonas_benchmarks.analysis.summary import reference_of
from evonas_benchmarks.pages.plot_files import ranks_svg
from evonas_benchmarks.pages.plots import FEW, FLOOR, OVERALL, Plot, ordered, styles
from evonas_benchmarks.pages.tables import board, heat, last_look, pairs, speed_table, task_table
from evonas_benchmarks.pages.text import meaning, short

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
        if any(v["regret"][last_look(summary)] for v in found.values())
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
        "meaning": meaning(summary["suite"]),
        "board": board(summary, methods, ranked, speeds, reference, look),
        "ranked": ranked and {"seeds": ranked.seeds, "friedman": short(ranked.friedman)},
        "lacking": _lacking(summary),
        "few": FEW,
        "floor": f"{FLOOR:g}",
        "overall_plots": [plot for plot in drawn if plot.name in OVERALL],
        "groups": _groups(drawn),
        "ranks": Markup(ranks_svg(ranked)) if ranked else None,
        "pairs": Markup(pairs(ranked)) if ranked else None,
        "heat": Markup(heat(regrets, methods, last_look(summary))) if len(regrets) > 1 else None,
        "tables": [(task, Markup(task_table(found, summary, methods))) for task, found in summary["tasks"].items()],
        "speeds": Markup(speed_table(speeds, summary, methods)) if speeds else None,
        "runs": summary["runs"],
        "data": Markup(_json(_data(drawn, methods))),
        "plotly": Markup(_plotly()),
        "policy": Markup(META),
        "css": Markup(_asset("evonas.report", "report.css") + _asset(PACKAGE, "page.css")),
        "js": Markup(_asset(PACKAGE, "page.js")),
    }
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    write_text(path, template.from_string(_asset(PACKAGE, "page.html")).render(**values))


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


def _groups(drawn: Sequence[Plot]) -> list[dict[str, Any]]:
    """The tasks' own plots, side by side."""
    rest = [plot for plot in drawn if plot.name not in OVERALL]
    found = [
        {"title": "Each task, against trials", "plots": [plot for plot in rest if not plot.log_x]},
        {"title": "Each task, against training seconds", "plots": [plot for plot in rest if plot.log_x]},
    ]
    return [group for group in found if group["plots"]]


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
