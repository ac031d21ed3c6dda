"""Whether the network is any good: its test accuracy with its interval, beside guessing and a linear model; which
classes it takes for which; its most confident mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from evonas.core.figures import percent
from evonas.core.goals import metric
from evonas.core.pages import picture_source
from evonas.report.embed import figure

DRAWN = 40  # classes of which the confusion matrix is drawn; of more the pairs that are confused most
ROWS = 20  # pairs of classes, and classes by themselves, that a table has where there are more
WIDE = 96  # pixels of a mistake on the page


def words(quality: Mapping[str, Any] | None) -> list[str]:
    """Lines: what the accuracy is worth, and which classes the network never says; none where nothing was tested."""
    if not quality:
        return []
    low, high = quality["interval"]
    lines = [
        f"test accuracy {percent(quality['accuracy'])}, 95 % interval {100 * low:.1f} to {100 * high:.1f} % "
        f"({quality['examples']:,} examples); {_beside(quality)}"
    ]
    further = (f"{metric(name).label} {metric(name).text(value)}" for name, value in quality.get("metrics", {}).items())
    lines += [f"on the test examples: {said}"] if (said := ", ".join(further)) else []
    never = quality["never"]
    if never:
        more = f" and {len(never) - 5} more" if len(never) > 5 else ""
        named = ", ".join(map(str, never[:5]))
        lines.append(f"warning: no test example is taken for {named}{more}: such a class is not learned")
    return lines


def _beside(quality: Mapping[str, Any]) -> str:
    """`guessing 10.1 %, a linear model on the plain values 91.2 %`."""
    found = [f"the commonest class alone {100 * quality['guessing']:.1f} %"]
    linear = quality.get("linear")
    if linear:
        low, high = quality["interval"]
        found.append(f"a linear model on the plain values {100 * linear['accuracy']:.1f} %")
        if linear["accuracy"] >= high:
            found.append("which is better than this network")
        elif linear["accuracy"] > low:
            found.append("which is as good within chance")
    return ", ".join(found)


def sections(result: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(title, HTML) pairs of the report; nothing where the test set has not been touched."""
    quality = result.get("quality")
    if not isinstance(quality, Mapping):
        return []
    lines = "".join(f"<p>{escape(line[0].upper() + line[1:])}.</p>" for line in words(quality))
    found = [("Is it any good?", lines + _confusion(quality) + _classes(quality))]
    mistakes = quality["mistakes"]
    if mistakes:
        found.append(("Its most confident mistakes", _mistakes(mistakes)))
    curves = [one for one in result.get("trainings") or () if len(one.get("curve") or ()) > 1]
    return found + ([("The final training", _curves(curves))] if curves else [])


def _confusion(quality: Mapping[str, Any]) -> str:
    """A picture of the matrix, or the pairs that are confused most."""
    names = [str(one["name"]) for one in quality["classes"]]
    wrong = sorted((pair for pair in quality["confusion"] if pair[0] != pair[1]), key=lambda pair: -pair[2])
    if len(names) > DRAWN:
        rows = [(names[i], names[j], f"{n:,}") for i, j, n in wrong[:ROWS]]
        return _table(["class", "taken for", "examples"], rows) if rows else ""
    counts = [[0] * len(names) for _ in names]
    for i, j, n in quality["confusion"]:
        counts[i][j] = n
    totals = [sum(row) or 1 for row in counts]
    shares = [[n / total for n in row] for row, total in zip(counts, totals, strict=True)]
    trace = {
        "type": "heatmap",
        "x": names,
        "y": names,
        "z": shares,
        "customdata": counts,
        "zmin": 0,
        "zmax": 1,
        "showscale": False,
        "xgap": 1,
        "ygap": 1,
        "colorscale": [[0, "rgba(47,111,208,0.04)"], [0.02, "rgba(47,111,208,0.18)"], [1, "rgba(47,111,208,1)"]],
        "hovertemplate": "%{y} taken for %{x}: %{customdata} (%{z:.1%})<extra></extra>",
        **(
            {"text": [[str(n or "") for n in row] for row in counts], "texttemplate": "%{text}"}
            if len(names) <= 15
            else {}
        ),
    }
    axis = {"type": "category", "automargin": True, "tickfont": {"size": 11}}
    layout = {
        "xaxis": {**axis, "title": {"text": "answer"}},
        "yaxis": {**axis, "title": {"text": "class"}, "autorange": "reversed"},
    }
    caption = "Test examples of each class (a row) and what they are taken for; colours are shares of the row."
    return f'{figure([trace], layout, height=180 + min(520, 26 * len(names)))}<p class="caption">{caption}</p>'


def _classes(quality: Mapping[str, Any]) -> str:
    """A row a class, the worst first; of many the worst."""
    ranked = sorted(quality["classes"], key=lambda one: (_f1(one), -one["examples"]))
    rows = [
        (
            str(one["name"]),
            f"{one['examples']:,}",
            percent(one["recall"]),
            percent(one["precision"]),
            f"{one['answers']:,}",
        )
        for one in ranked[:ROWS]
    ]
    heads = ["class", "test examples", "of them found (recall)", "of its answers right (precision)", "answers"]
    more = len(ranked) - len(rows)
    caption = f'<p class="caption">The {len(rows)} worst classes of {len(ranked)}.</p>' if more else ""
    return f"<h3>Class by class, the worst first</h3>{_table(heads, rows)}{caption}"


def _f1(one: Mapping[str, Any]) -> float:
    recall, precision = one["recall"] or 0.0, one["precision"] or 0.0
    return 2 * recall * precision / (recall + precision) if recall + precision else 0.0


def _mistakes(mistakes: Sequence[Mapping[str, Any]]) -> str:
    """Test examples that the network is most sure of and wrong about; a label that is wrong shows here, too."""
    style = f"display:grid;grid-template-columns:repeat(auto-fill,minmax({WIDE + 60}px,1fr));gap:14px 16px"
    caption = (
        '<p class="caption">Test examples about which the network is sure and wrong; a wrong label shows here, too.</p>'
    )
    return f'<div style="{style}">{"".join(map(_mistake, mistakes))}</div>{caption}'


def _mistake(one: Mapping[str, Any]) -> str:
    place = str(one.get("name") or f"test example {one['position'] + 1}")
    text = f"{one['class']} taken for {one['answer']}, {100 * one['confidence']:.0f} % sure"
    image = f"width:{WIDE}px;image-rendering:pixelated;border:1px solid var(--line,#8884)"
    source = picture_source(one.get("picture"))
    picture = f'<img style="{image}" alt="{escape(text)}" src="{source}">' if one.get("picture") else ""
    return (
        f'<figure style="margin:0;overflow-wrap:anywhere">{picture}<figcaption>{escape(text)}<br>'
        f'<span class="soft">{escape(place)}</span></figcaption></figure>'
    )


def _curves(trainings: Sequence[Mapping[str, Any]]) -> str:
    """Loss and accuracy on the training images, as they were varied, over the images seen."""
    traces = []
    for i, one in enumerate(trainings):
        images, losses, accuracies = zip(*one["curve"], strict=True)
        name = f" of network {i + 1}" if len(trainings) > 1 else ""
        common: dict[str, Any] = {
            "x": images,
            "mode": "lines",
            "line": {"color": "accent" if not i else f"view{i + 2}"},
        }
        traces += [
            {**common, "y": accuracies, "name": f"accuracy{name}"},
            {**common, "y": losses, "name": f"loss{name}", "yaxis": "y2", "line": {**common["line"], "dash": "dot"}},
        ]
    layout = {
        "xaxis": {"title": {"text": "images seen"}},
        "yaxis": {"title": {"text": "accuracy"}, "tickformat": ".0%"},
        "yaxis2": {
            "title": {"text": "loss, nats"},
            "overlaying": "y",
            "side": "right",
            "showgrid": False,
            "automargin": True,
        },
        "showlegend": True,
        "legend": {"orientation": "h", "y": 1.12},
    }
    first = trainings[0]
    recipe = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in first["recipe"].items() if value)
    told = f"{first['epochs']:,} epochs, {first['steps']:,} steps, {first['images']:,} images; {recipe}"
    return figure(traces, layout, height=300) + (
        f'<p class="caption">On the images that it learns from, as they are varied. {escape(told)}.</p>'
    )


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column are words, the others figures."""
    head = "".join(f"<th{_number(i)}>{escape(text)}</th>" for i, text in enumerate(heads))
    body = "".join(
        f"<tr>{''.join(f'<td{_number(i)}>{escape(text)}</td>' for i, text in enumerate(row))}</tr>" for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _number(column: int) -> str:
    return ' class="number"' if column else ""
