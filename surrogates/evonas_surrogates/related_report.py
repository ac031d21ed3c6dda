"""The report's table of earlier tasks: what could be expected of each before the run, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import isfinite
from typing import Any

from evonas.core.types import Encoding, Task
from evonas_surrogates.related import related
from evonas_surrogates.transfer import TransferModel

HEADS = ("earlier task", "expected rank correlation", "likeness of the data", "share of the trust in the end")
CAPTION = (
    "Before anything was trained: how each earlier task was expected to order networks beside this one, by the "
    "descriptors of its data and by how far earlier tasks agree with one another (<code>evonas memory related</code>). "
    "At the right what the results then made of it."
)


def expected(ranker: Any, task: Task, encoding: Encoding[Any]) -> tuple[str, str, str] | None:
    """Title, HTML and caption, the most promising first; None of a ranker without source models.

    The ranker has observed the run's results.
    """
    if not isinstance(ranker, TransferModel):
        return None
    trust = ranker.trust()
    rows = [
        (one.task, f"{one.expected:.2f}", _figure(one.likeness), f"{trust[one.task]:.0%}")
        for one in related(ranker, task.features, encoding)
    ]
    return "Which earlier tasks are related", _table(rows), CAPTION


def _figure(value: float | None) -> str:
    return f"{value:.2f}" if value is not None and isfinite(value) else "–"


def _table(rows: Sequence[Sequence[str]]) -> str:
    head = _cells(HEADS, "th")
    body = "".join(f"<tr>{_cells(row, 'td')}</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cells(texts: Sequence[str], tag: str) -> str:
    """The first column are words, the others figures."""
    classes = ("", *[' class="number"'] * (len(texts) - 1))
    return "".join(f"<{tag}{of}>{escape(text)}</{tag}>" for of, text in zip(classes, texts, strict=True))
