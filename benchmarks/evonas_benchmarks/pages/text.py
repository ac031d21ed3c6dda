"""Figures as people read them, and tables of them: HTML for a page, Markdown for a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np


def figure(value: Mapping[str, Any] | None, digits: int = 3) -> str:
    """`0.182 (0.160 to 0.204)`: the mean with its interval."""
    if not value:
        return ""
    mean, low, high = (f"{value[key]:.{digits}f}" for key in ("mean", "low", "high"))
    return f"{mean} ({low} to {high})"


def meaning(suite: Mapping[str, Any]) -> str:
    """What a regret of the suite is, in words."""
    limits = ", ".join(suite.get("limits") or ())
    within = f" of those that keep {limits}" if limits else ""
    if "," in (suite.get("objectives") or ""):
        front = f"the table's front{within} in {suite['objectives']}"
        return f"the share of the hypervolume of {front} that is still missing"
    return f"0 at the table's best network and 1 at its median one{within and ','}{within}"


def short(value: float | None) -> str:
    """Three digits; nothing where there is no number."""
    return f"{value:.3g}" if value is not None and np.isfinite(value) else ""


def trials_needed(value: float, most: int) -> str:
    """`12`, `3.5`, or `> 100` where it took more than the `most` that there were."""
    return f"{value:g}" if np.isfinite(value) else f"> {most}"


def milliseconds(seconds: float) -> str:
    """Three digits, never as a power of ten."""
    text = f"{1000 * seconds:.3g}"
    return f"{1000 * seconds:,.0f}" if "e+" in text else text


def ratio(value: float, low: float, high: float, most: float) -> str:
    """`3.1 (2.0 to > 7.5)`; `most` is the largest ratio that could have been seen."""
    texts = [f"{one:.1f}" if np.isfinite(one) else f"> {most:.1f}" for one in (value, low, high)]
    return texts[0] if len(set(texts)) == 1 else f"{texts[0]} ({texts[1]} to {texts[2]})"


def html_table(
    head: Sequence[str],
    rows: Sequence[Sequence[str]],
    kind: str = "",
    weights: Sequence[Sequence[float | None]] | None = None,
    bold: Sequence[Sequence[bool]] | None = None,
) -> str:
    """The first column is text, the others are numbers; `weights`, 0 to 1, colour the cells."""
    top = "".join(f"<th{' class=number' if i else ''}>{escape(cell)}</th>" for i, cell in enumerate(head))
    body = []
    for r, row in enumerate(rows):
        cells = []
        for c, cell in enumerate(row):
            names = " ".join(["number"] * bool(c) + ["lead-cell"] * bool(bold and bold[r][c]))
            weight = weights[r][c] if weights else None
            style = f' style="--w:{weight:.3f}"' if weight is not None else ""
            cells.append(f'<td class="{names}"{style}>{escape(cell)}</td>')
        body.append(f"<tr>{''.join(cells)}</tr>")
    return f'<table class="{kind}"><thead><tr>{top}</tr></thead><tbody>{"".join(body)}</tbody></table>'


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, numbers to the right."""
    lines = [list(head), ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def how_made(failed: Mapping[str, str], runs: Sequence[Mapping[str, Any]]) -> str:
    """Every command, and on what it ran; failed benchmark runs."""
    lines = ["```", *dict.fromkeys(run["command"] for run in runs if run["command"]), "```", ""]
    places = dict.fromkeys(
        f"{run['hardware']}; {', '.join(f'{package} {version}' for package, version in run['versions'].items())}"
        for run in runs
    )
    lines += [f"On {place}." for place in places]
    if len(places) > 1:
        lines.append("\nSeveral versions or machines made these benchmark runs, in this order.")
    if failed:
        lines.append(f"\n{len(failed)} benchmark runs failed and are in no figure:\n")
        lines += [f"- {one}: {reason}" for one, reason in failed.items()]
    return "\n".join(lines)
