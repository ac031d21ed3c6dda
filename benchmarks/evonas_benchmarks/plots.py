"""The plots of a suite: as plotly figures for the page, and as PNG and SVG by matplotlib."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from evonas_benchmarks.ranking import cliques, profile, ranking
from evonas_benchmarks.statistics import RESAMPLES
from evonas_benchmarks.summary import at_seconds, grid, mean_regret

COLORS = ("#4063d8", "#cb3c33", "#389826", "#9558b2", "#d68910", "#17a2b8", "#7f8c8d", "#8b4513", "#e377c2", "#222222")


@dataclass(frozen=True)
class Line:
    """A method's (n,) mean with its 95 % interval."""

    x: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Plot:
    """What both kinds of plot draw."""

    name: str
    title: str
    x_title: str
    y_title: str
    lines: Mapping[str, Line]
    log_x: bool = False


def band(x: np.ndarray, values: np.ndarray) -> Line:
    """The mean of (seeds, n) values and its bootstrap interval at each x."""
    rows = np.random.default_rng(0).integers(len(values), size=(RESAMPLES // 10, len(values)))
    low, high = np.quantile(values[rows].mean(axis=1), [0.025, 0.975], axis=0)
    return Line(x, values.mean(axis=0), low, high)


def plots(curves: pd.DataFrame) -> Iterator[Plot]:
    """Regret over all tasks and for each, against trials and against simulated seconds; profiles."""
    trials = int(curves.trial.max())
    x = np.arange(1, trials + 1)
    overall = mean_regret(curves, trials)
    if overall:
        lines = {method: band(x, values) for method, values in overall.items()}
        yield Plot("regret", "All tasks: mean normalised regret", "trials", "regret", lines)
        taus = np.linspace(0, 1, 101)
        shares = profile(curves, trials, taus)
        steps = {method: Line(taus, share, share, share) for method, share in shares.items()}
        yield Plot("profile", "Share of runs with a final regret of at most …", "regret", "share of runs", steps)
    for task in map(str, curves.task.unique()):
        column = "regret" if curves[curves.task == task].regret.notna().any() else "best"
        found = grid(curves, task, column, trials)
        lines = {method: band(x, values) for method, values in found.items()}
        yield Plot(f"{task}-trials", f"{task}: {column} against trials", "trials", column, lines)
        seconds = grid(curves, task, "seconds", trials)
        by_time = _against_seconds(found, seconds)
        if by_time:
            title = f"{task}: {column} against training seconds"
            yield Plot(f"{task}-seconds", title, "training seconds", column, by_time, True)


def _against_seconds(found: Mapping[str, np.ndarray], seconds: Mapping[str, np.ndarray]) -> dict[str, Line]:
    spent = np.array([values[:, -1].min() for values in seconds.values()])
    starts = np.array([values[:, 0].max() for values in seconds.values()])
    if not np.isfinite(spent).all() or not (0 < starts.max() < spent.min()):
        return {}
    levels = np.geomspace(starts.max(), spent.min(), 60)
    return {
        method: band(levels, np.stack([at_seconds(values, seconds[method], level) for level in levels], axis=1))
        for method, values in found.items()
    }


def html_figure(plot: Plot) -> str:
    """A plotly figure as a piece of a page, without the library."""
    import plotly.graph_objects as go

    figure = go.Figure()
    for color, (method, line) in zip(_colors(plot), plot.lines.items(), strict=True):
        if not np.array_equal(line.low, line.high):
            area = np.concatenate([line.high, line.low[::-1]])
            shade = {"fill": "toself", "fillcolor": color, "opacity": 0.15, "line": {"width": 0}, "hoverinfo": "skip"}
            figure.add_scatter(
                x=np.concatenate([line.x, line.x[::-1]]), y=area, legendgroup=method, showlegend=False, **shade
            )
        figure.add_scatter(x=line.x, y=line.mean, name=method, legendgroup=method, line={"color": color})
    figure.update_layout(
        title=plot.title,
        xaxis={"title": {"text": plot.x_title}, "type": "log" if plot.log_x else "linear"},
        yaxis_title=plot.y_title,
        template="plotly_white",
        height=420,
    )
    return figure.to_html(full_html=False, include_plotlyjs=False, div_id=f"plot-{plot.name}")


def html_ranks(curves: pd.DataFrame) -> str:
    """The critical-difference diagram: methods on the axis of average ranks, bars join those that do not differ."""
    import plotly.graph_objects as go

    found = ranking(curves, int(curves.trial.max()))
    if found is None:
        return ""
    figure = go.Figure()
    methods = list(found.ranks)
    places = {method: -float(i) for i, method in enumerate(methods)}
    for bar, joined in enumerate(cliques(found)):
        ends = [found.ranks[joined[0]], found.ranks[joined[-1]]]
        figure.add_scatter(
            x=ends, y=[0.8 + 0.3 * bar] * 2, mode="lines", line={"width": 5, "color": "#555"}, showlegend=False
        )
    figure.add_scatter(
        x=list(found.ranks.values()),
        y=[places[m] for m in methods],
        text=[f"{m} {found.ranks[m]:.2f}" for m in methods],
        mode="markers+text",
        textposition="middle right",
        showlegend=False,
    )
    friedman = f"Friedman p = {found.friedman:.2g}, " if np.isfinite(found.friedman) else ""
    figure.update_layout(
        title=f"Average ranks at the end ({friedman}{found.blocks} blocks; bars: no pair differs, Wilcoxon with Holm)",
        xaxis={"title": {"text": "average rank, 1 is best"}, "range": [0.5, len(methods) + 1.5]},
        yaxis_visible=False,
        template="plotly_white",
        height=180 + 40 * len(methods),
    )
    return figure.to_html(full_html=False, include_plotlyjs=False, div_id="plot-ranks")


def save_images(folder: Path, curves: pd.DataFrame) -> None:
    """Each plot as PNG and SVG."""
    import matplotlib

    matplotlib.rcParams["svg.hashsalt"] = "evonas"
    from matplotlib.figure import Figure

    folder.mkdir(parents=True, exist_ok=True)
    for plot in plots(curves):
        figure = Figure(figsize=(7, 4.2), layout="constrained")
        axes = figure.subplots()
        for color, (method, line) in zip(_colors(plot), plot.lines.items(), strict=True):
            axes.plot(line.x, line.mean, label=method, color=color)
            axes.fill_between(line.x, line.low, line.high, alpha=0.15, color=color, linewidth=0)
        axes.set(title=plot.title, xlabel=plot.x_title, ylabel=plot.y_title)
        if plot.log_x:
            axes.set_xscale("log")
        axes.legend(frameon=False)
        _save(figure, folder / plot.name)
    _save_ranks(folder, curves)


def _save_ranks(folder: Path, curves: pd.DataFrame) -> None:
    from matplotlib.figure import Figure
    from scikit_posthocs import critical_difference_diagram

    found = ranking(curves, int(curves.trial.max()))
    if found is not None:
        figure = Figure(figsize=(8, 0.6 + 0.4 * len(found.ranks)), layout="constrained")
        critical_difference_diagram(dict(found.ranks), found.p_values, ax=figure.subplots())
        _save(figure, folder / "ranks")


def _save(figure, path: Path) -> None:
    figure.savefig(path.with_name(f"{path.name}.png"), dpi=120)
    figure.savefig(path.with_name(f"{path.name}.svg"), metadata={"Date": None})


def _colors(plot: Plot) -> list[str]:
    """The same method has the same colour in all plots of a suite: by its place in the alphabet."""
    methods = sorted(plot.lines)
    return [COLORS[methods.index(method) % len(COLORS)] for method in plot.lines]
