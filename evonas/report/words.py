"""Figures as people read them: percent, `1.2 M`, `2 min 14 s`. Files and code keep the raw numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

NOTHING = "–"
_FULL_NAMES = {
    "val_accuracy": "validation accuracy",
    "val_loss": "validation loss",
    "train_accuracy": "training accuracy",
    "test_accuracy": "test accuracy",
    "params": "parameters",
    "flops": "FLOPs",
    "seconds": "training time",
    "peak_memory_mb": "peak memory",
}


def percent(fraction: float | None) -> str:
    """`0.97251` -> `97.25 %`."""
    return NOTHING if _missing(fraction) else f"{100 * fraction:.2f} %"  # type: ignore[operator]


def count(number: float | None) -> str:
    """Three figures and a prefix: `123456` -> `123 k`, `1.24e9` -> `1.24 G`; below a thousand as it is."""
    if number is None or _missing(number):
        return NOTHING
    for size, prefix in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= 0.9995 * size:
            short = number / size
            return f"{short:.{max(0, 2 - math.floor(math.log10(max(1, abs(short) * 1.0005))))}f} {prefix}"
    return f"{number:.3g}"


def duration(seconds: float | None) -> str:
    """Two units at most: `0.42 s`, `3.1 s`, `2 min 14 s`, `1 h 04 min`, `2 d 3 h`."""
    if seconds is None or _missing(seconds):
        return NOTHING
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 0.995 else f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours < 24 else f"{hours // 24} d {hours % 24} h"


def kind(metric: str) -> str:
    """How a metric's figures read: `percent`, `seconds`, `megabytes`, `count` or `plain`."""
    if metric.endswith("accuracy"):
        return "percent"
    if metric == "seconds" or metric.endswith("_seconds"):
        return "seconds"
    if metric.endswith("_mb"):
        return "megabytes"
    return "count" if metric in ("params", "flops", "macs") else "plain"


def figure_text(metric: str, value: float | None) -> str:
    """A metric's value, by its kind: `figure_text('params', 12345)` -> `12.3 k`."""
    if value is None or _missing(value):
        return NOTHING
    forms = {"percent": percent, "seconds": duration, "count": count, "megabytes": "{:.0f} MB".format}
    return forms.get(kind(metric), _four_figures)(value)


def full_name(metric: str) -> str:
    """`val_accuracy` -> `validation accuracy`; an unknown metric loses its underscores."""
    return _FULL_NAMES.get(metric, metric.replace("_", " "))


def genome_text(genome: Any) -> str:
    """A genome on one line: a string as it is, anything else as JSON."""
    return genome if isinstance(genome, str) else json.dumps(genome, ensure_ascii=False, default=str)


def shorten(text: str, width: int) -> str:
    """At most `width` characters, the middle left out: both ends of a genome tell genomes apart."""
    text = " ".join(text.split())
    if len(text) <= width:
        return text
    head = (width - 1) // 2
    return f"{text[:head]}…{text[len(text) - (width - 1 - head) :]}"


def reason(error: str | None) -> str:
    """The line of an error that says what happened: the last of a traceback, else the first."""
    lines = [line.strip() for line in (error or "").splitlines() if line.strip()]
    if not lines:
        return "no reason was given"
    return lines[-1] if lines[0].startswith("Traceback") else lines[0]


def plain_items(mapping: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """Keys and values as text, empty ones left out."""
    return [(str(k), genome_text(v)) for k, v in (mapping or {}).items() if v not in (None, "", {}, [], ())]


def _four_figures(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else f"{value:#.4g}"


def _missing(number: float | None) -> bool:
    return number is None or not math.isfinite(number)
