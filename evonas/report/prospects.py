"""What more trainings would probably bring, in words."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

from evonas.core.figures import duration
from evonas.core.goals import metric


def words(prospects: Mapping[str, Any] | None) -> list[str]:
    """A line, of what `result.json` has; none where nothing can be said."""
    if not prospects:
        return []
    of = metric(str(prospects["objective"]))
    expected, most = (_difference(prospects[key], of.kind) for key in ("expected", "at_most"))
    seconds = prospects.get("seconds")
    cost = f" in about {duration(seconds)}" if seconds else ""
    return [
        f"{prospects['trainings']} more trainings would probably better {of.label} by {expected}{cost}; "
        f"{100 * prospects['probability']:.0f} % sure that no network here betters it by more than {most}"
    ]


def sections(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(title, HTML) pairs of the report."""
    return [("Would more trainings help?", f"<p>{escape(line)}.</p>") for line in words(result.get("prospects"))]


def _difference(value: float, kind: str) -> str:
    """`0.12 points` of what is a percentage for people."""
    return f"{100 * value:.2g} points" if kind == "percent" else f"{value:.3g}"
