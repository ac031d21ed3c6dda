"""Example series for the report: one of each class, as small pictures that read in light and in dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

from evonas.domains.series.dataset import Split

CLASSES, CHANNELS, POINTS = 6, 3, 150
_WIDTH, _HEIGHT = 280, 90
_COLOURS = ("#3b7dd8", "#c98414", "#12958a")


def examples(split: Split) -> dict[str, Any]:
    """The first training series of some classes: `{"length", "channels", "classes": {name: [[values], …]}}`, one list a
    channel. Of long series evenly spaced values are kept."""
    shown = {}
    length, channels = split.x_train.shape[1:]
    places = np.unique(np.linspace(0, length - 1, min(POINTS, length)).round().astype(int))
    for code, name in enumerate(split.class_names[:CLASSES]):
        first = split.x_train[split.y_train.tolist().index(code)]
        shown[name] = [[float(f"{value:.4g}") for value in row] for row in first[places, :CHANNELS].T]
    return {"length": length, "channels": channels, "classes": shown, "of": len(split.class_names)}


def sections(examples: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """One section with a picture a class; nothing where there are no examples."""
    classes = examples.get("classes") or {}
    if not classes:
        return ()
    channels, of = examples["channels"], examples["of"]
    pictures = "".join(_picture(name, rows) for name, rows in classes.items())
    parts = [f"One training series of {'each' if of == len(classes) else f'{len(classes)} of {of}'} classes"]
    parts += [f"{examples['length']:,} values"]
    parts += [f"the first {CHANNELS} of {channels} channels"] if channels > CHANNELS else []
    style = "display:grid;grid-template-columns:repeat(auto-fill,minmax(240px,1fr));gap:12px"
    return [("The series", f'<div style="{style}">{pictures}</div><p class="caption">{", ".join(parts)}.</p>')]


def _picture(name: str, rows: Sequence[Sequence[float]]) -> str:
    values = np.array(rows, dtype=float)
    low, high = values.min(), values.max()
    heights = 4 + (_HEIGHT - 8) * (high - values) / (high - low or 1.0)
    across = np.linspace(4, _WIDTH - 4, values.shape[1]) if values.shape[1] > 1 else np.array([_WIDTH / 2])
    lines = "".join(
        f'<polyline fill="none" stroke="{colour}" stroke-width="1.4" points="'
        + " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, row, strict=True))
        + '"/>'
        for row, colour in zip(heights, _COLOURS, strict=False)
    )
    title = escape(str(name))
    return (
        f'<figure style="margin:0"><svg role="img" viewBox="0 0 {_WIDTH} {_HEIGHT}" width="100%">'
        f"<title>{title}</title>{lines}</svg><figcaption>{title}</figcaption></figure>"
    )
