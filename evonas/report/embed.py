"""JSON inside HTML: the columns that the report's script draws from, and plots for other rooms' sections."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any


def figure(traces: Sequence[Mapping[str, Any]], layout: Mapping[str, Any] | None = None, *, height: int = 380) -> str:
    """HTML of a plot in the report's own colours and type, for a section.

    `traces` and `layout` are plotly's, as dicts; arrays may be in them.
    `"color": "accent"` (or `best`, `bad`, `soft`, `ink`, `line`, or `view1` to `view6` for series) anywhere in them
    means the page's colour, light or dark.
    """
    content = embedded({"traces": list(traces), "layout": dict(layout or {})})
    return f'<div class="plot" style="height:{int(height)}px"><script type="application/json">{content}</script></div>'


def embedded(value: Any) -> str:
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
