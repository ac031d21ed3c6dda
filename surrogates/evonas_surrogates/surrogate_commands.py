"""`evonas surrogate`: make a model file of what is known, look at one, and measure how well a ranker ranks."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from evonas.app.console import print_line
from evonas.app.runs import ArchiveOption
from evonas.core.errors import EvonasError, choices, on_a_line

MOST_REMEMBERED = 2000  # genomes that a model file holds; of a larger space the source models are enough
surrogate_app = typer.Typer(help="Learned rankers: fit, evaluate, show.", no_args_is_help=True)

SourceArgument = Annotated[
    str | None,
    typer.Argument(help="An archive, a Parquet file of `evonas memory export`, or a suite. [the archive in use]"),
]
EncodingOption = Annotated[str | None, typer.Option(help="Whose trainings count. [cell; of a suite its own]")]
ObjectiveOption = Annotated[str | None, typer.Option(help="Metric to rank by. [val_accuracy; of a suite its own]")]
JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]


@surrogate_app.command()
def fit(
    source: SourceArgument = None,
    out: Annotated[Path, typer.Option(help="Model file to write.")] = Path("surrogate.safetensors"),
    encoding: EncodingOption = None,
    objective: ObjectiveOption = None,
    licence: Annotated[str, typer.Option(help="Of the data, for the model's card.")] = "not stated",
    seed: Annotated[int, typer.Option(help="Of the source models, and of the rows that they are judged by.")] = 0,
    archive: ArchiveOption = None,
) -> None:
    """Learn a source model of every task, and write them to a file that a search can start from.

    \b
    Examples:
      evonas surrogate fit --out mine.safetensors --encoding net
      evonas surrogate fit theirs.parquet --licence CC-BY-4.0
    """
    from evonas_surrogates import modelfile, training_data
    from evonas_surrogates.evaluation import held_out
    from evonas_surrogates.meta import MetaSurrogate

    if out.is_dir():
        raise EvonasError(f"--out {str(out)!r} is a folder; give a file, for example {str(out / 'mine.safetensors')!r}")
    found = training_data.read(source, encoding=encoding, objective=_objective(objective), archive=archive)
    rows = found.rows
    model = MetaSurrogate(seed=seed).fit(rows.X, rows.y, rows.groups, feature_names=rows.feature_names)
    if not model.names_:
        raise EvonasError(
            f"{found.said} has {len(rows.y):,} results on {choices(rows.tasks)}, and no task with five that differ: "
            "too few to learn from; search more first"
        )
    quality = held_out(lambda: MetaSurrogate(seed=seed), rows.of(set(model.names_)), seed=seed)
    modelfile.save(
        model,
        out,
        encoding=found.encoding,
        objective=str(found.objective),
        tasks=found.identities(),
        card=modelfile.card(found.said, licence, quality),
        results=rows.results if len(rows.genomes) <= MOST_REMEMBERED else {},
    )
    left = sorted(set(rows.groups.tolist()) - set(model.names_))
    if left:
        print_line(f"left out, with fewer than five results that differ: {', '.join(left)}")
    print_line(f"{out}: {out.stat().st_size / 1e6:.2f} MB, {model.describe().split('; ')[0]}")
    print_line(f"search with it: evonas search --encoding {found.encoding} --surrogate \"meta(model='{out}')\"")


@surrogate_app.command()
def show(
    file: Annotated[Path, typer.Argument(help="Model file.")],
    as_json: JsonOption = False,
) -> None:
    """A model file's card: what it was learned from, how good it is, and of what it knows nothing.

    \b
    Example:
      evonas surrogate show mine.safetensors
    """
    from evonas_surrogates import modelfile

    model, said = modelfile.load(file)
    card = said["card"]
    sources = [
        {"task": name, "trainings": size, **dict(card.get("quality", {}).get(name, {}))}
        for name, size in zip(model.names_, model.sizes_, strict=True)
    ]
    facts = {
        "file": str(file),
        "bytes": file.stat().st_size,
        "encoding": said["encoding"],
        "objective": said["objective"],
        "features": len(said["feature_names"]),
        **{key: value for key, value in card.items() if key != "quality"},
    }
    if as_json:
        print(json.dumps(_plain({**facts, "feature_names": said["feature_names"], "views": sources}), indent=2))
        return
    for key, value in facts.items():
        print_line(f"{key.replace('_', ' ')}: {_text(value)}")
    heads = ("task", "trainings", "spearman", "kendall", "regret", "n")
    print_line("source models, and how each ranks results of its own task that it did not learn from:")
    _table(("task", "trainings", "Spearman", "Kendall τ", "top-10 regret", "judged by"), sources, heads)


@surrogate_app.command()
def evaluate(
    source: SourceArgument = None,
    model: Annotated[Path | None, typer.Option(help="Judge this model file; else each task is left out.")] = None,
    surrogates: Annotated[str, typer.Option(help="Rankers to judge, without --model.")] = "meta,boosting",
    observed: Annotated[
        str, typer.Option("--observed", "--told", help="After how many results of the task.")
    ] = "0,10,20,50",
    earlier: Annotated[int, typer.Option(min=1, help="Random results known of each earlier task.")] = 1000,
    seeds: Annotated[int, typer.Option(min=1, help="How often results are drawn.")] = 3,
    top: Annotated[int, typer.Option(min=1, help="Whose best is compared with the best of all.")] = 10,
    encoding: EncodingOption = None,
    objective: ObjectiveOption = None,
    as_json: JsonOption = False,
    archive: ArchiveOption = None,
) -> None:
    """Rank correlation, top-k regret and calibration on every task, learned from the others only.

    \b
    Examples:
      evonas surrogate evaluate nasbench201 --surrogates meta,boosting
      evonas surrogate evaluate --model mine.safetensors --observed 0,20
    """
    from evonas_surrogates import training_data
    from evonas_surrogates.evaluation import leave_one_task_out

    points = _points(observed)
    found = training_data.read(source, encoding=encoding, objective=_objective(objective), archive=archive)
    rankers = _of_file(model, found) if model else _fitted(surrogates)
    judged = list(leave_one_task_out(found.rows, rankers, points, earlier, range(seeds), top))
    if not judged:
        raise EvonasError(
            f"{found.said} has no task with two results more than --observed {observed}; give a smaller one, or search "
            "more"
        )
    lines = [{**asdict(one), **asdict(one.quality)} for one in judged]
    for line in lines:
        del line["quality"]
        line["told"] = line.pop("observed")  # the key that programs read
    if as_json:
        print(json.dumps(_plain({"source": found.said, "encoding": found.encoding, "judged": lines}), indent=2))
        return
    if len(dict.fromkeys(found.rows.groups.tolist())) == 1 and model is None:
        print_line("there is one task only, so nothing earlier is known of it")
    keys = ("task", "ranker", "told", "n", "spearman", "kendall", "regret", "calibration")
    heads = (
        "task",
        "ranker",
        "results observed",
        "ranked",
        "Spearman",
        "Kendall τ",
        f"top-{top} regret",
        "calibration",
    )
    _table(heads, lines, keys)
    print_line(
        "Regret is in the metric's own unit; calibration is the mean error of the predicted intervals, 0 is perfect."
    )


def _fitted(names: str) -> dict[str, Any]:
    """Rankers that learn from the other tasks' rows."""
    from evonas.core import plugins

    chosen = [name.strip() for name in _split(names)]
    for name in chosen:
        plugins.resolve("evonas.rankers", name)

    def maker(name: str):
        return lambda rows, task: plugins.make("evonas.rankers", name).fit(rows.X, rows.y, rows.groups)

    return {name: maker(name) for name in chosen}


def _of_file(path: Path, found: Any) -> dict[str, Any]:
    """The model of a file, without its source model of the task that it is judged by."""
    from evonas_surrogates import modelfile

    model, said = modelfile.load(path, encoding=found.encoding)
    if tuple(model.feature_names_ or ()) != found.rows.feature_names:
        raise EvonasError(f"{str(path)!r} knows other features than {found.said}; fit it again with today's encoding")
    if said["objective"] != str(found.objective):
        raise EvonasError(f"{str(path)!r} ranks by {said['objective']}, not by {found.objective}; give --objective")
    return {path.name: lambda rows, task: modelfile.without_target(path, found.encoding, found.rows.tasks[task])[0]}


def _objective(text: str | None) -> Any:
    from evonas.core.goals import Objective

    return None if text is None else Objective.parse(text)


def _points(text: str) -> list[int]:
    try:
        points = sorted({int(part) for part in text.split(",")})
    except ValueError:
        raise EvonasError(f"--observed {text!r} is not valid; give whole numbers, for example 0,10,50") from None
    if points[0] < 0:
        raise EvonasError(f"--observed {text!r} is not valid; fewer than 0 results cannot be observed")
    return points


def _split(text: str) -> list[str]:
    """At the commas outside of brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _plain(value: Any) -> Any:
    """JSON has no word for NaN: null."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {inner}" for key, inner in value.items())
    return f"{value:,}" if isinstance(value, int) else str(value)


def _table(heads: tuple[str, ...], lines: list[dict[str, Any]], keys: tuple[str, ...]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None)
    for head, key in zip(heads, keys, strict=True):
        table.add_column(head, justify="left" if key in ("task", "ranker") else "right")
    for line in lines:
        table.add_row(*(on_a_line(_cell(line.get(key))) for key in keys))
    Console(markup=False, highlight=False).print(table)


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
