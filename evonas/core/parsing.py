"""JSON and TOML that anybody may have written: whatever is wrong with them is one kind of error."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from evonas.core.errors import EvonasError


def parse_json(text: str | bytes) -> Any:
    """As `json.loads`. Raises ValueError, also where values are nested too deeply."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def read_json(path: Path) -> Any:
    """What a file in UTF-8 holds. Raises ValueError, or OSError where it cannot be read."""
    return parse_json(path.read_text(encoding="utf-8"))


def read_toml(path: Path, what: str) -> dict[str, Any]:
    """The tables of a file, which is called `what`: `the suite`. Raises EvonasError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, OSError):
            raise EvonasError(f"cannot read {what} {str(path)!r}: {error.strerror}") from error
        why = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise EvonasError(f"{str(path)!r} is no TOML file: {why}") from error
