"""An encoding by its name."""

from __future__ import annotations

from typing import Any

from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas.core.types import Encoding


def make_encoding(spec: str) -> Encoding[Any]:
    """Raises EvonasError where the name is unknown or what it names is no encoding."""
    encoding = plugins.make("evonas.encodings", spec)
    missing = [m for m in ("sample", "mutate", "crossover", "features") if not hasattr(encoding, m)]  # build: see check
    if missing:
        raise EvonasError(f"encoding {spec!r} has no {missing[0]}(); see Encoding in evonas/core/types.py")
    return encoding
