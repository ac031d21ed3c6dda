"""Figures as people read them: percent, `1.2 M`, `2 min 14 s`. Files and code keep the raw numbers."""

from __future__ import annotations

import math
from typing import Literal

NOTHING = "–"
Kind = Literal["percent", "count", "seconds", "megabytes", "plain"]


def percent(fraction: float | None) -> str:
    """`0.97251` -> `97.25 %`."""
    return NOTHING if _missing(fraction) else f"{100 * fraction:.2f} %"  # type: ignore[operator]


def several(number: int, what: str) -> str:
    """`1 trial`, `2,000 trials`."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


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


def about(seconds: float) -> str:
    """One unit, of which no more is said than can be known beforehand: `0.4 s`, `45 s`, `9 min`, `2.5 h`, `3 d`."""
    for unit, size in (("s", 1), ("min", 60), ("h", 3600)):
        if seconds < 90 * size and (unit != "h" or seconds < 48 * size):
            number = seconds / size
            return f"{number:.0f} {unit}" if number >= 3 else f"{number:.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds / 86400:.0f} d"


def megabytes(number: float) -> str:
    """`311.7` -> `312 MB`, `0.776` -> `0.78 MB`."""
    return f"{number:.0f} MB" if number >= 9.5 else f"{number:.2g} MB"


def written(value: float | None, kind: Kind) -> str:
    """A figure of that kind: `written(12345, 'count')` -> `12.3 k`."""
    if value is None or _missing(value):
        return NOTHING
    forms = {"percent": percent, "seconds": duration, "count": count, "megabytes": megabytes}
    return forms.get(kind, _four_figures)(value)


def _four_figures(value: float) -> str:
    return f"{value:.0f}" if value == round(value) else f"{value:#.4g}"


def _missing(number: float | None) -> bool:
    return number is None or not math.isfinite(number)
