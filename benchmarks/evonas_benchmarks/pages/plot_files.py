"""The plots as PNG and SVG, by matplotlib; the critical-difference diagram by scikit-posthocs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evonas_benchmarks.analysis.grids import common_trials
from evonas_benchmarks.analysis.ranking import Ranking, ranking
from evonas_benchmarks.pages.plots import FEW, FLOOR, Plot, ordered, styles

DASHES = {"solid": "-", "dot": ":", "dash": "--", "dashdot": "-."}


def save_images(
    folder: Path,
    curves: pd.DataFrame,
    drawn: Iterable[Plot],
    *,
    prefix: str = "",
    endings: Sequence[str] = ("png", "svg"),
) -> list[str]:
    """Each plot, and `ranks` where methods can be ranked, as `folder/PREFIXname.ending`; returns the names."""
    folder.mkdir(parents=True, exist_ok=True)
    methods = ordered(curves)
    figures = {plot.name: draw(plot, methods) for plot in drawn}
    found = ranking(curves, common_trials(curves))
    if found is not None:
        figures["ranks"] = draw_ranks(found)
    for name, figure in figures.items():
        save(figure, folder / f"{prefix}{name}", endings)
    return list(figures)


def draw(plot: Plot, methods: list[str]) -> Any:
    """A figure; beside it the methods in the order of the page. The first few have their intervals."""
    from matplotlib.figure import Figure

    looks = styles(methods)
    there = [method for method in methods if method in plot.lines]
    figure = Figure(figsize=(8.2, max(4.2, 0.22 * len(there) + 0.8)), layout="constrained")
    axes = figure.subplots()
    means = np.concatenate([line.mean for line in plot.lines.values()] or [np.zeros(1)])
    logarithmic = plot.kind == "regret" and means.max() > 0  # such an axis of nothing but zeros cannot be drawn
    below = logarithmic and means.min() < FLOOR

    def at_least(values: np.ndarray) -> np.ndarray:
        """A regret of 0 has no place on a logarithmic axis: it is drawn at the lower edge."""
        return np.maximum(values, FLOOR) if below else values

    for rank, method in enumerate(there):
        line, style = plot.lines[method], looks[method]
        width = 2.0 if rank < FEW or method == "random" else 1.0
        shown = {"color": style.color, "linestyle": DASHES[style.dash], "linewidth": width}
        axes.plot(plot.x, at_least(line.mean), label=method, zorder=len(there) - rank + 2, **shown)
        if rank < FEW and plot.kind != "share":
            low, high = at_least(line.low), at_least(line.high)
            axes.fill_between(plot.x, low, high, alpha=0.13, color=style.color, linewidth=0)
    axes.set(title=plot.title, xlabel=plot.x_title, ylabel=plot.y_title)
    if logarithmic:
        axes.set_yscale("log")
    if below:
        axes.set_ylim(bottom=0.9 * FLOOR)
        axes.set_ylabel(f"{plot.y_title} ({FLOOR:g} or less at the lower edge)")
    if plot.log_x:
        axes.set_xscale("log")
    axes.grid(alpha=0.2)
    axes.spines[["top", "right"]].set_visible(False)
    if there:
        axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=9)
    return figure


def draw_ranks(found: Ranking) -> Any:
    """Methods on the axis of average ranks; a bar joins those of whom no pair differs significantly."""
    from matplotlib.figure import Figure
    from scikit_posthocs import critical_difference_diagram

    looks = styles(list(found.ranks))
    figure = Figure(figsize=(9, 1.2 + 0.19 * len(found.ranks)), layout="constrained")
    axes = figure.subplots()
    critical_difference_diagram(
        dict(found.ranks),
        found.p_values,
        ax=axes,
        color_palette={method: style.color for method, style in looks.items()},
        elbow_props={"linewidth": 1},
        label_fmt_left="{label} ({rank:.1f})",
        label_fmt_right="({rank:.1f}) {label}",
    )
    axes.set_title(f"All tasks: average rank at the end, {found.seeds} seeds; bars join what cannot be told apart")
    return figure


def ranks_svg(found: Ranking) -> str:
    """The diagram, to stand in a page."""
    text = StringIO()
    _reproducible()
    draw_ranks(found).savefig(text, format="svg", metadata={"Date": None}, transparent=True)
    return text.getvalue()[text.getvalue().index("<svg") :]


def save(figure: Any, path: Path, endings: Sequence[str]) -> None:
    _reproducible()
    for ending in endings:
        metadata = {"Date": None} if ending == "svg" else None
        figure.savefig(path.with_name(f"{path.name}.{ending}"), dpi=110, metadata=metadata)


def _reproducible() -> None:
    import matplotlib

    matplotlib.rcParams["svg.hashsalt"] = "evonas"
