"""What an encoding offers, kept with each run: one that has changed since is noticed, and how."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError, named_line
from evonas.core.genomes import freeze, plain
from evonas.core.optional import HasSpace
from evonas.core.types import Encoding


def signature(encoding: Encoding[Any]) -> dict[str, Any]:
    """The names of its features, and its genes with their choices where it has a space; JSON values."""
    sampled = encoding.sample(np.random.default_rng(0))
    found: dict[str, Any] = {"features": sorted(encoding.features(sampled))}
    if isinstance(encoding, HasSpace):
        found["genes"] = {gene.name: list(plain(gene.choices)) for gene in encoding.space().genes}
    return found


def changed(recorded: Mapping[str, Any] | None, encoding: Encoding[Any], genomes: Iterable[Any] = ()) -> str | None:
    """How an encoding has changed since a signature was taken of it, in words; None where it has not.

    Of runs that have none, of earlier versions, the first of their genomes that it does not know any more is named.
    """
    if recorded:
        now = signature(encoding)
        genes = _genes(recorded.get("genes"), now.get("genes"))
        return genes or _names("feature", recorded.get("features", ()), now["features"])
    for genome in genomes:
        try:
            encoding.features(genome)
            if isinstance(encoding, HasSpace):
                encoding.space().choice(genome)
        except EvonasError as error:
            return str(error)
        except Exception as error:  # a user's code on a genome that it was not written for
            return f"it does not know the genome {genome!r} any more ({named_line(error)})"
    return None


def _genes(before: Mapping[str, Sequence[Any]] | None, now: Mapping[str, Sequence[Any]] | None) -> str | None:
    if before is None or now is None:
        return None
    if names := _names("gene", before, now):
        return names
    for name, options in now.items():
        had, has = map(repr, freeze(before[name])), map(repr, freeze(options))
        if found := _names("choice", had, has, f" of gene {name!r}"):
            return found
    return None


def _names(what: str, before: Iterable[str], now: Iterable[str], of: str = "") -> str | None:
    """`the gene 'a' is gone, the genes 'b', 'c' are new`."""
    had, has = set(before), set(now)
    found = (("gone", had - has), ("new", has - had))
    lines = [_line(what, of, sorted(names), word) for word, names in found if names]
    return ", ".join(lines) or None


def _line(what: str, of: str, names: Sequence[str], word: str) -> str:
    several = len(names) > 1
    listed = ", ".join(name if of else repr(name) for name in names)
    return f"the {what}{'s' * several} {listed}{of} {'are' if several else 'is'} {word}"
