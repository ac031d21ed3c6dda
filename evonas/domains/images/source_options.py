"""What may stand behind a source of picture files: `PATH?size=48&fit=crop`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from evonas.core.errors import EvonasError
from evonas.domains.images.framing import FITS, Fit

DEFAULT_SIZE = "auto"
LEAST, MOST = 4, 1024  # pixels of a side that may be asked for


@dataclass(frozen=True)
class SourceOptions:
    """`named` is the path as it is written; `size` a side in pixels, None where it is chosen from the pictures; `own`
    are options of the source alone."""

    named: str
    size: int | None = None
    fit: Fit = "pad"
    own: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> Path:
        return Path(os.path.expanduser(self.named))

    @classmethod
    def of(cls, source: str, argument: str, own: Sequence[str] = ()) -> SourceOptions:
        """Raises EvonasError where an option is none; whether there is such a path is the source's to say."""
        text, mark, query = argument.rpartition("?")
        if not mark or "=" not in query or os.path.exists(os.path.expanduser(argument)):
            text, query = argument, ""
        size: str = DEFAULT_SIZE
        fit: Fit = "pad"
        others: dict[str, str] = {}
        given = query.split("&") if query else []
        keys = [option.partition("=")[0] for option in given]
        for option in given:
            key, _, value = option.partition("=")
            if keys.count(key) > 1:
                raise EvonasError(f"{source}:{argument} gives {key!r} {keys.count(key)} times; leave all but one out")
            if key == "fit" and value in FITS:
                fit = FITS[FITS.index(value)]
            elif key == "size" and _is_size(value):
                size = value
            elif key in own and value:
                others[key] = value
            else:
                further = f"; also {', '.join(f'{name}=…' for name in own)}" if own else ""
                raise EvonasError(
                    f"cannot read {option!r} in {source}:{argument}; write ?size=48, from {LEAST} to {MOST} pixels, or "
                    f"size=auto, and fit={', '.join(FITS[:-1])} or {FITS[-1]}: ?size=48&fit=pad{further}"
                )
        return cls(text, None if size == DEFAULT_SIZE else int(size), fit, others)


def _is_size(value: str) -> bool:
    return value == DEFAULT_SIZE or (value.isdecimal() and LEAST <= int(value) <= MOST)
