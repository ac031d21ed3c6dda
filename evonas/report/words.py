"""Text of the report and the display: genomes on a line, reasons of failures. Figures are `evonas.core.figures`'."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from evonas.core.moved import moved

log = logging.getLogger(__name__)
T = TypeVar("T")

__getattr__ = moved(__name__, "evonas.core.figures")  # sections imported `count`, `percent` and others from here


def genome_text(genome: Any) -> str:
    """A genome on one line: a string as it is, anything else as JSON."""
    return genome if isinstance(genome, str) else json.dumps(genome, ensure_ascii=False, default=str)


def unless_odd(what: str, make: Callable[[], T], otherwise: T) -> T:
    """What `make` gives; `otherwise`, and a warning, where the record is of a form that no evonas writes: it may be
    anybody's, and the rest of it is worth reading."""
    try:
        return make()
    except Exception as error:
        log.warning("%s is left out: its record is of another form (%s: %s)", what, type(error).__name__, error)
        return otherwise


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
