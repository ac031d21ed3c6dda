"""The report's section on the memory: what was predicted, whom it trusted, what it saved.

All of it is replayed from the archive: the ranker is recalled as it was when the run began, and observes the
run's results in their order. So a resumed run, or a report written again, shows the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from evonas.core.context import SearchContext
from evonas.core.figures import several
from evonas.core.genomes import feature_row as row
from evonas.core.goals import Goal, Objective
from evonas.core.optional import Informed, Trusting, description
from evonas.core.types import Encoding, Trial
from evonas.memory.archive import Archive, RunRecord
from evonas.report import figure
from evonas.search.fidelity import at_full
from evonas.search.methods import make_ranker, parse_method, with_surrogate
from evonas_surrogates.quality import Course, course, random_trainings, rank_correlation, ranks
from evonas_surrogates.related_report import expected

SAMPLE = 2000  # random architectures that the saving is judged by
FIRST = 8  # trainings that are the memory's choice mostly
DASHES = ("solid", "dash", "dot", "longdash", "dashdot", "longdashdot")  # colours alone say nothing to some
SHOWN = len(DASHES)  # earlier tasks with a line of their own
LEAST_POINTS = 5  # fewer make no picture of predicted against measured

Plot = tuple[str, str, str]  # title, HTML, caption


def memory(
    record: RunRecord,
    trials: Sequence[Trial],
    encoding: Encoding[Any],
    store: Archive,
    goal: Goal,
) -> tuple[str, str] | None:
    """("Memory", HTML) of a run whose ranker trusts earlier tasks, by the first objective; None for any other."""
    objective = goal.first
    ranker = recalled(record, encoding, store, objective)
    trials = [trial for trial in trials if trial.evaluation.status != "absent"]
    if not isinstance(ranker, Trusting):
        return None
    if not ranker.trust():
        return "Memory", _paragraph(
            "No earlier task with this encoding was remembered when this run began, so it learned from its own results "
            "only. The next search on other data begins with what was learned here."
        )
    known, own = description(ranker), _own(ranker, record, store)
    if not trials:
        return "Memory", _paragraph(f"It began with {escape(known)}. {own}")
    X = np.array([row(encoding.features(trial.evaluation.candidate.genome)) for trial in trials])
    y = np.array([objective.value(t.evaluation.metrics) if t.evaluation.ok else np.nan for t in trials])
    y = np.where(np.isfinite(y), y, np.nan)
    rows = {trial.evaluation.candidate.genome: x for trial, x in zip(trials, X, strict=True)}

    def as_searched(k: int) -> tuple[np.ndarray, np.ndarray]:
        """What a screened search tells its ranker: of every genome one value, few epochs on the scale of many."""
        values = at_full([trial.evaluation for trial in trials[:k]], objective)
        return np.array([rows[genome] for genome in values]).reshape(-1, X.shape[1]), np.array(list(values.values()))

    looks = 200 if len(y) <= 500 else 50
    observed = course(ranker, X, y, [trial.after for trial in trials], looks, as_searched)
    learned = description(ranker)
    whole = _at_full_fidelity(trials, goal)
    cost = np.cumsum([trial.evaluation.candidate.fidelity for trial in trials])[whole]
    saved, words = _saving(ranker, X[whole], y[whole], cost, encoding, record)
    lines = [f"It began with {escape(known)}. {own}"]
    lines += [f"With all results in: {escape(learned.split('; ')[-1])}."] if learned != known else []
    plots = [_predicted(observed, trials, whole, objective), saved]
    side = [_framed(plot) for plot in plots if plot]
    below = [_trust(observed), expected(ranker, record.task, encoding)]
    html = (
        _paragraph(words)
        + _paragraph("<br>".join(lines), "caption")
        + f'<div class="side">{"".join(side)}</div>'
        + "".join(_framed(plot) for plot in below if plot)
    )
    return "Memory", html


def recalled(record: RunRecord, encoding: Encoding[Any], store: Archive, objective: Objective) -> Any:
    """The ranker of a run as it was when the run began; None where there was none."""
    ranker = parse_method(with_surrogate(record.method, record.surrogate)).ranker
    if ranker is None:
        return None
    past = store.as_of(record.mark)
    context = SearchContext(encoding, Goal((objective,)), record.task, past, record.seed, record.encoding)
    return make_ranker(ranker, context)


def _predicted(observed: Course, trials: Sequence[Trial], whole: np.ndarray, objective: Objective) -> Plot | None:
    """Rank among the run's trainings: as predicted just before each, and by the memory alone, against as measured."""
    rows = whole[np.isfinite(observed.values[whole]) & np.isfinite(observed.y[whole])]
    if len(rows) < LEAST_POINTS:
        return None
    measured = ranks(observed.y[rows])
    texts = [
        f"<b>trial {i + 1}</b><br>{objective.metric.text(trials[i].evaluation.metrics[objective.name])}"
        for i in rows.tolist()
    ]
    series = (
        ("memory alone", observed.alone[rows], {"color": "soft", "symbol": "circle-open", "size": 7}),
        ("with the results before it", observed.values[rows], {"color": "accent", "size": 8, "opacity": 0.75}),
    )
    end = len(rows) + 0.5
    traces: list[Mapping[str, Any]] = [
        {"x": [0.5, end], "y": [0.5, end], "mode": "lines", "hoverinfo": "skip", "showlegend": False}
        | {"line": {"color": "line", "width": 1.5}}
    ]
    for name, scores, marker in series:
        traces.append(
            {"x": ranks(scores), "y": measured, "mode": "markers", "name": name, "marker": marker, "text": texts}
            | {"hovertemplate": "%{text}<br>predicted %{x}, measured %{y}<extra></extra>"}
        )
    axis = {"range": [0.5 - 0.03 * end, end * 1.03], "showgrid": False}
    layout = {"xaxis": {"title": "predicted rank", **axis}, "yaxis": {"title": "measured rank", **axis}}
    before, during = (rank_correlation(scores, observed.y[rows]) for _, scores, _ in series)
    caption = (
        f"Rank 1 is the best of {len(rows)} trainings, those on the line were predicted rightly. "
        f"Spearman {_two(during)} with the results before it, {_two(before)} by the memory alone. "
        "Only what was thought good was trained, which makes it harder to be right than among all."
    )
    return "Predicted against measured", figure(traces, layout, height=340), caption


def _saving(
    ranker: Any, X: np.ndarray, y: np.ndarray, cost: np.ndarray, encoding: Encoding[Any], record: RunRecord
) -> tuple[Plot | None, str]:
    """The plot of trainings against what random search would have needed, and its last point in words.

    `cost` is (n,) what was spent up to each result, in full trainings.
    """
    needed = random_trainings(ranker, X, y, _random_rows(encoding, record.seed))
    if not np.isfinite(needed).any():
        return None, "No training has succeeded, so nothing can be said of a saving."
    first = int(np.nanargmax(y))
    took, same = float(cost[first]), float(needed[first])
    in_full = np.allclose(np.diff(cost, prepend=0.0), 1)  # none of few epochs in between
    least = "more than " if same >= SAMPLE else "about "
    words = f"A network as good as the best was found after {_trainings(took, in_full)}. "
    words += f"Random search would have needed {least}{same:,.0f} in the mean: "
    saved = f"<strong>{least}{same - took:,.0f} trainings saved</strong>."
    words += saved if same - took >= 1 else "no saving this time."
    if took > FIRST and float(cost[FIRST - 1]) == FIRST and np.isfinite(needed[FIRST - 1]):
        early = f"{needed[FIRST - 1]:,.0f}"
        words += (
            f" Its first {FIRST}, which had little but the memory to go by, were as good as about {early} random ones."
        )
    top = max(float(np.nanmax(needed)), float(cost[-1])) * 1.4
    traces = [
        {"x": cost, "y": cost, "mode": "lines", "name": "random search itself", "hoverinfo": "skip"}
        | {"line": {"color": "soft", "width": 1.5, "dash": "dot"}},
        {"x": cost, "y": needed, "mode": "lines+markers", "name": "this run", "marker": {"color": "best", "size": 5}}
        | {"line": {"shape": "hv", "color": "best", "width": 2}, "hovertemplate": _SAVING_HOVER},
    ]
    ticks = [t for t in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000) if t <= top]
    log = {
        "type": "log",
        "range": [-0.08, float(np.log10(max(top, 2)))],
        "tickvals": ticks,
        "ticktext": [str(t) for t in ticks],
    }
    layout = {
        "xaxis": {"title": "trainings" if in_full else "spent, in full trainings", "showgrid": False},
        "yaxis": {"title": "random trainings for as good a result", **log},
    }
    caption = (
        f"An estimate of the order of magnitude: one over the chance that a random architecture is as good as the best "
        f"so far, by what the ranker thinks of {SAMPLE:,} random ones with all results in, its doubt included. "
        "It takes the ranker to be right about them, and counts the whole search against random search."
    )
    return ("Trainings saved", figure(traces, layout, height=340), caption), words


def _trainings(spent: float, in_full: bool) -> str:
    """Trainings in words; where some were shorter, each counts by its share."""
    if in_full:
        return several(round(spent), "training")
    return f"what {spent:,.1f} full trainings cost"


def _own(ranker: Any, record: RunRecord, store: Archive) -> str:
    """Which of the earlier tasks are from searches in this archive; the others came with a model."""
    here = {other.task.name for other in store.runs()}
    tasks = ranker.earlier_tasks() if isinstance(ranker, Informed) else {}
    sizes = {name: size for name, size in tasks.items() if name.rpartition(" (")[0] in here or name in here}
    if not sizes:
        return "No search of your own was among them: the next one on other data has this one to go by."
    known = ", ".join(f"{escape(name)} ({size:,})" for name, size in sizes.items())
    return f"Of these, from searches in this archive: {known}."


_SAVING_HOVER = "after %{x:.3~g} trainings: as good as %{y:.3s} random ones<extra></extra>"


def _trust(observed: Course) -> Plot:
    """Each earlier task's share of the trust after so many results; the most trusted have lines."""
    steps = np.array([k for k, _ in observed.trust])
    shares = {name: np.array([shares.get(name, 0.0) for _, shares in observed.trust]) for name in observed.trust[0][1]}
    names = sorted(shares, key=lambda name: -shares[name].max())
    traces = [
        {"x": steps, "y": 100 * shares[name], "mode": "lines", "name": escape(name)}
        | {"line": {"shape": "hv", "width": 2, "color": f"view{i + 1}", "dash": DASHES[i]}}
        | {"hovertemplate": "after %{x} results: %{y:.0f} %"}
        for i, name in enumerate(names[:SHOWN])
    ]
    layout = {
        "xaxis": {"title": "results", "showgrid": False},
        "yaxis": {"title": "share of the trust (%)", "range": [-3, 103]},
        "legend": {"orientation": "v", "x": 1.01, "y": 1, "yanchor": "top", "font": {"color": "soft"}},
        "hovermode": "x unified",
    }
    rest = f" The {len(names) - SHOWN} others were trusted less." if len(names) > SHOWN else ""
    caption = "An earlier task that orders this one's results wrongly loses its share." + rest
    return "Trust in earlier tasks", figure(traces, layout, height=300), caption


def _random_rows(encoding: Encoding[Any], seed: int) -> np.ndarray:
    """(SAMPLE, d) features of random architectures; a stream of its own, that no search draws from."""
    rng = np.random.default_rng([seed, SAMPLE, SAMPLE])
    return np.array([row(encoding.features(encoding.sample(rng))) for _ in range(SAMPLE)])


def _at_full_fidelity(trials: Sequence[Trial], goal: Goal) -> np.ndarray:
    """Positions of the trials at the fidelity at which results are compared, failed ones too."""
    full = min((trials[i].evaluation.candidate.fidelity for i in goal.comparable(trials)), default=1.0)
    return np.array([i for i, t in enumerate(trials) if t.evaluation.candidate.fidelity >= full], dtype=int)


def _framed(plot: Plot) -> str:
    title, html, caption = plot
    return f'<div><h3>{title}</h3>{html}<p class="caption">{caption}</p></div>'


def _paragraph(text: str, style: str = "") -> str:
    return f'<p class="{style}">{text}</p>' if style else f"<p>{text}</p>"


def _two(number: float) -> str:
    return "–" if np.isnan(number) else f"{number:.2f}"
