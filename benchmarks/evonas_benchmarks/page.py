"""report.html: every plot and table of a suite in one file that opens without a network."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evonas_benchmarks.plots import html_figure, html_ranks, plots
from evonas_benchmarks.ranking import ranking, speed_up

STYLE = """body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2rem auto;padding:0 1rem;color:#222}
table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}td,th{padding:.25rem .7rem;text-align:right}
th:first-child,td:first-child{text-align:left}tr:nth-child(even){background:#f6f6f8}
.failed{background:#fdeaea;padding:.5rem 1rem}
code{background:#f3f3f5;padding:.1rem .3rem}small{color:#666}"""


def write_page(path: Path, curves: pd.DataFrame, summary: Mapping[str, Any]) -> None:
    from plotly.offline import get_plotlyjs

    name = escape(summary["suite"]["name"])
    figures = "\n".join(html_figure(plot) for plot in plots(curves))
    body = "\n".join(
        [
            f"<h1>{name}</h1>",
            f"<p>{_facts(summary)}</p>",
            _failed(summary["failed_cells"]),
            _overall_table(summary),
            _speed_table(curves, summary),
            html_ranks(curves),
            _pairs_table(curves, summary),
            figures,
            *(_task_table(task, methods, summary["milestones"]) for task, methods in summary["tasks"].items()),
            f"<p><small>{escape(_versions(summary))}</small></p>",
        ]
    )
    page = (
        f"<!doctype html><html lang='en'><head><meta charset='utf-8'><title>{name}</title><style>{STYLE}</style>"
        f"<script>{get_plotlyjs()}</script></head><body>{body}</body></html>"
    )
    part = path.with_name(f"{path.name}.part")
    part.write_text(page, encoding="utf-8")
    part.replace(path)


def _facts(summary: Mapping[str, Any]) -> str:
    suite = summary["suite"]
    noise = "one seed of the table" if suite.get("noise") else "the mean over the table's seeds"
    seen = (
        f"Transferring methods see {suite['earlier']} random architectures of each other task. "
        if suite["table"]
        else ""
    )
    searched = f"Searchers see {noise}. " if suite["table"] else ""
    return escape(
        f"{len(summary['seeds'])} seeds, up to {summary['trials']} trials. {searched}{seen}"
        "Regret is 0 at the table's best and 1 at its median; intervals are 95 % bootstrap intervals over seeds."
    )


def _versions(summary: Mapping[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in summary["versions"].items())
    return f"{summary['command']} · {summary['hardware']} · {versions}"


def _failed(cells: Mapping[str, str]) -> str:
    if not cells:
        return ""
    rows = "".join(f"<li>{escape(cell)}: {escape(reason)}</li>" for cell, reason in cells.items())
    return f"<div class='failed'><b>{len(cells)} cells failed</b> and are in no figure:<ul>{rows}</ul></div>"


def _table(title: str, head: list[str], rows: list[list[str]]) -> str:
    if not rows:
        return ""
    top = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<h2>{escape(title)}</h2><table><tr>{top}</tr>{body}</table>"


def _overall_table(summary: Mapping[str, Any]) -> str:
    looks = summary["milestones"]
    rows = [[m, *(figure(v["regret"][str(look)]) for look in looks)] for m, v in summary["overall"].items()]
    return _table("All tasks: mean regret after so many trials", ["method", *map(str, looks)], rows)


def _task_table(task: str, methods: Mapping[str, Any], looks: list[int]) -> str:
    rows = []
    for method, found in methods.items():
        column = found["regret"] if any(found["regret"].values()) else found["best"]
        share = found["share_that_reached_best"]
        median = found["median_trials_to_best"]
        rows.append(
            [
                method,
                *(figure(column[str(look)]) for look in looks),
                f"{median:g}" if median is not None else "never" if share is not None else "",
                f"{share:.0%}" if share is not None else "",
                figure(found["test"][str(looks[-1])]),
                f"{1000 * found['median_overhead']:.2f}",
            ]
        )
    head = ["method", *map(str, looks), "trials to best (median)", "got there", "test", "overhead, ms a trial"]
    return _table(task, head, rows)


def _speed_table(curves: pd.DataFrame, summary: Mapping[str, Any]) -> str:
    looks = summary["milestones"]
    trials = summary["trials"]
    found = speed_up(curves, trials, looks)
    rows = [[m, *(_ratio(v[look], trials / look) for look in looks)] for m, v in found.items()]
    return _table("Trainings random search needs for the same regret ÷ ours", ["method", *map(str, looks)], rows)


def _ratio(values: tuple[float, float, float], most: float) -> str:
    texts = [f"{value:.1f}" if np.isfinite(value) else f"> {most:.1f}" for value in values]
    return f"{texts[0]} ({texts[1]} to {texts[2]})"


def _pairs_table(curves: pd.DataFrame, summary: Mapping[str, Any]) -> str:
    found = ranking(curves, summary["trials"])
    if found is None:
        return ""
    methods = list(found.ranks)
    rows = [[a, *("" if a == b else f"{found.p_values.loc[a, b]:.3g}" for b in methods)] for a in methods]
    return _table("Pairs at the end: p of Wilcoxon's signed-rank test over seeds, by Holm", ["method", *methods], rows)


def figure(value: Mapping[str, float] | None) -> str:
    """`.182 (.160 to .204)`."""
    return f"{value['mean']:.3g} ({value['low']:.3g} to {value['high']:.3g})" if value else ""
