"""What the memory that evonas ships may know of a set: no task that shares images with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from evonas_surrogates import modelfile, pretrained

MODEL = pretrained.FOLDER / "net.safetensors"


@dataclass(frozen=True)
class Memory:
    """`forget` are names that `meta(forget=…)` takes, `known` the earlier tasks that are known then."""

    forget: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


def memory_for(sources: Sequence[str], model: Path = MODEL) -> Memory:
    """For a set whose images are made of these. Raises EvonasError where the model file cannot be read."""
    tasks = _made_of(model)
    own = frozenset(sources)
    named = own & frozenset().union(*tasks.values())
    return Memory(tuple(sorted(named)), tuple(name for name, made_of in tasks.items() if not own & made_of))


@cache
def _made_of(model: Path) -> Mapping[str, frozenset[str]]:
    """Earlier task -> its name, and what its images are made of; nothing where no model is shipped."""
    if not model.exists():
        return {}
    found, said = modelfile.load(model, encoding="net")
    return {name: frozenset({name, *said["tasks"].get(name, {}).get("sources", ())}) for name in found.names_}
