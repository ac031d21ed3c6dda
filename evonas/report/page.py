"""Puts the report together: a Jinja template (which escapes all it is given), a style sheet, a script and plotly.js."""

from __future__ import annotations

import base64
import gzip
import json
import math
import os
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from evonas.core.goals import Goal, metric
from evonas.core.types import Encoding, Task, Trial
from evonas.report import data
from evonas.report.drawing import draw_architecture
from evonas.report.words import genome_text, plain_items


def write_report(
    path: str | os.PathLike[str],
    *,
    run: Mapping[str, Any],
    trials: Sequence[Trial],
    result: Mapping[str, Any] | None = None,
    encoding: Encoding | None = None,
    goal: Goal | None = None,
    sections: Sequence[tuple[str, str]] = (),
) -> None:
    """Write the report of a run, finished or not, to `path`: whole, or not at all.

    `run` is the archive's record of it as a mapping, `result` what `result.json` holds; whatever they lack is left
    out. `sections` are (title, HTML) pairs from other rooms; `figure` makes a plot for one. Accuracies are fractions.
    """
    path = Path(path)
    result, goal = result or {}, goal or Goal()
    trials = [trial for trial in trials if trial.evaluation.status != "absent"]
    best = data.chosen(trials, goal, result.get("best_trial"))
    genome = best.evaluation.candidate.genome if best else result.get("genome")
    page = _render(
        run=run,
        name=str(run.get("name") or result.get("run") or "run"),
        unfinished=result.get("test_accuracy") is None,
        any_ok=best is not None,
        tiles=data.headline(result, trials, goal, best),
        objective=goal.first.metric.label,
        front=_front(trials, goal),
        best=_best_facts(best),
        part=data.of_a_training(best),
        genome=None if genome is None else genome_text(genome),
        drawing=None if genome is None else _drawing(encoding, genome, run.get("task")),
        failures=data.failures(trials),
        facts=_facts(run, result),
        features=plain_items(_task_of(run).get("features")),
        config=plain_items(run.get("config")),
        versions=plain_items(run.get("versions")),
        sections=sections,
        data=_json(data.columns(trials, goal, best)),
    )
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(page, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def figure(traces: Sequence[Mapping[str, Any]], layout: Mapping[str, Any] | None = None, *, height: int = 380) -> str:
    """HTML of a plot in the report's own colours and type, for a section.

    `traces` and `layout` are plotly's, as dicts; arrays may be in them.
    `"color": "accent"` (or `best`, `bad`, `soft`, `ink`, `line`, or `view1` to `view6` for series) anywhere in them
    means the page's colour, light or dark.
    """
    content = _json({"traces": list(traces), "layout": dict(layout or {})})
    return f'<div class="plot" style="height:{int(height)}px"><script type="application/json">{content}</script></div>'


def _render(**values: Any) -> str:
    from jinja2 import Environment
    from markupsafe import Markup

    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(_asset("page.html"))
    values["sections"] = [(title, Markup(html)) for title, html in values["sections"]]
    for name in ("data", "drawing"):
        values[name] = Markup(values[name]) if values[name] is not None else None
    assets = {name: Markup(_asset(f"report.{name}")) for name in ("css", "js")}
    return template.render(**values, **assets, plotly=Markup(_plotly()))


@cache
def _plotly() -> str:
    """plotly.js, gzipped and in base64: under 2 MB instead of nearly 5. The page unpacks it."""
    from plotly.offline import get_plotlyjs

    return base64.b64encode(gzip.compress(get_plotlyjs().encode(), 9, mtime=0)).decode()


def _asset(name: str) -> str:
    return files("evonas.report").joinpath(name).read_text(encoding="utf-8")


def _json(value: Any) -> str:
    """JSON that may stand inside a <script>: no text of a user's can end it."""
    text = json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _plain(value: Any) -> Any:
    """Arrays as lists, and a gap for what is no finite number: a browser's JSON knows no NaN."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, (str, int, float)) or value is None else str(value)


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


def _task_of(run: Mapping[str, Any]) -> Mapping[str, Any]:
    task = run.get("task")
    if isinstance(task, Task):
        return vars(task)
    return task if isinstance(task, Mapping) else {"name": task}


def _best_facts(best: Trial | None) -> list[tuple[str, str]]:
    if best is None:
        return []
    metrics = {**best.evaluation.metrics, "seconds": best.evaluation.seconds}
    return [(metric(name).label, metric(name).text(value)) for name, value in metrics.items()]


def _front(trials: Sequence[Trial], goal: Goal) -> Mapping[str, Any] | None:
    """The table of the trials that no other beats in all objectives; None where there is one objective."""
    if len(goal.objectives) == 1:
        return None
    shown = [objective.metric for objective in goal.objectives]
    place = {id(trial): i for i, trial in enumerate(trials, 1)}
    rows = [
        {
            "trial": place[id(trial)],
            "figures": [one.text(trial.evaluation.metrics[one.name]) for one in shown],
            "genome": genome_text(trial.evaluation.candidate.genome),
        }
        for trial in goal.front(trials)
    ]
    return {"heads": [one.label for one in shown], "rows": rows}


def _facts(run: Mapping[str, Any], result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a person needs to know of how it was made, in reading order."""
    task = _task_of(run)
    shape = task.get("input_shape") or ()
    facts = {
        "task": task.get("name") or result.get("task"),
        "images": " × ".join(str(n) for n in shape) if any(shape) else None,
        "classes": task.get("n_classes") or None,
        **{key: run.get(key, result.get(key)) for key in ("encoding", "method", "surrogate", "seed", "device")},
        "started": str(run.get("created") or "").replace("T", " ")[:19],
        "ended": result.get("reason"),
    }
    return plain_items(facts)
