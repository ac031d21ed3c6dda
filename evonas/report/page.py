"""Puts the report together: a Jinja template (which escapes all it is given), a style sheet, a script and plotly.js."""

from __future__ import annotations

import base64
import gzip
import os
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from evonas.core.files import write_text
from evonas.core.goals import Goal
from evonas.core.pages import META
from evonas.core.types import Encoding, Task, Trial
from evonas.report import data, prospects, quality
from evonas.report.drawing import draw_architecture
from evonas.report.embed import embedded
from evonas.report.facts import best_facts, front_table, run_facts, task_of
from evonas.report.words import genome_text, plain_items, unless_odd


def write_report(
    path: str | os.PathLike[str],
    *,
    run: Mapping[str, Any],
    trials: Sequence[Trial],
    result: Mapping[str, Any] | None = None,
    encoding: Encoding | None = None,
    goal: Goal | None = None,
    sections: Sequence[tuple[str, str]] = (),
    export: str | None = None,
) -> None:
    """Write the report of a run, finished or not, to `path`: whole, or not at all.

    `run` is the archive's record of it as a mapping, `result` what `result.json` holds; whatever they lack is left
    out. `sections` are (title, HTML) pairs from other rooms; `figure` makes a plot for one. `export` is the command
    that takes a network of the front away, but for which. Accuracies are fractions.
    """
    path = Path(path)
    result, goal = result or {}, goal or Goal()
    trials = [trial for trial in trials if trial.evaluation.status != "absent"]
    best = data.chosen(trials, goal, result.get("best_trial"))
    genome = best.evaluation.candidate.genome if best else result.get("genome")
    shown = data.columns(trials, goal, best)
    page = _render(
        run=run,
        name=str(run.get("name") or result.get("run") or "run"),
        unfinished=result.get("test_accuracy") is None and run.get("status") != "done",
        any_ok=best is not None,
        tiles=unless_odd("the headline", lambda: data.headline(result, trials, goal, best), []),
        objective=goal.first.metric.label,
        front=unless_odd("the front", lambda: front_table(trials, goal, export), None),
        best=best_facts(best),
        part=data.of_a_training(best),
        genome=None if genome is None else genome_text(genome),
        drawing=None if genome is None else _drawing(encoding, genome, run.get("task")),
        failures=data.failures(trials),
        facts=unless_odd("how it was made", lambda: run_facts(run, result), []),
        features=plain_items(task_of(run).get("features")),
        config=plain_items(run.get("config")),
        versions=plain_items(run.get("versions")),
        quality=[
            *unless_odd("how good it is", lambda: quality.sections(result), []),
            *unless_odd("whether more trainings would help", lambda: prospects.sections(result), []),
        ],
        sections=sections,
        data=embedded(shown),
        drawn=_drawn(len(shown["trial"]), len(trials)),
    )
    write_text(path, page)


def _render(**values: Any) -> str:
    from jinja2 import Environment
    from markupsafe import Markup

    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_asset("page.html"))
    for name in ("quality", "sections"):
        values[name] = [(title, Markup(html)) for title, html in values[name]]
    for name in ("data", "drawing"):
        values[name] = Markup(values[name]) if values[name] is not None else None
    assets = {"css": Markup(_asset("report.css")), "js": Markup(_asset("front.js") + _asset("report.js"))}
    return template.render(**values, **assets, policy=Markup(META), plotly=Markup(_plotly()))


def _drawn(drawn: int, count: int) -> str:
    """Says which trials the plots and the table lack."""
    which = "the best, each that was better than all before, the fronts, and every so many-th; the archive has all"
    return f"{drawn:,} of {count:,} trials are drawn and listed here: {which}." if drawn < count else ""


@cache
def _plotly() -> str:
    """plotly.js, gzipped and in base64: under 2 MB instead of nearly 5. The page unpacks it."""
    from plotly.offline import get_plotlyjs

    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()


def _asset(name: str) -> str:
    return files("evonas.report").joinpath(name).read_text(encoding="utf-8")


def _drawing(encoding: Encoding | None, genome: Any, task: Any) -> str | None:
    """The architecture's SVG. A picture is no reason to lose a report: what cannot be drawn is left out."""
    if encoding is None:
        return None
    try:
        return draw_architecture(encoding, _freeze(genome), _as_task(task))
    except Exception:
        return None


def _freeze(genome: Any) -> Any:
    from evonas.core.genomes import freeze

    return freeze(genome)


def _as_task(task: Any) -> Task | None:
    if isinstance(task, Task) or not isinstance(task, Mapping):
        return task if isinstance(task, Task) else None
    return Task(str(task.get("name")), tuple(task["input_shape"]), int(task["n_classes"]))
