"""`--start`: networks of a user's own, tried right after the fixed baseline."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas.core.faults import placed
from evonas.core.genomes import freeze
from evonas.core.optional import HasSpace, canonical_form
from evonas.core.parsing import parse_json
from evonas.core.types import Encoding, Task
from evonas.domains.domain import Domain
from evonas.search.limits import Costs


def begun_with(first: Sequence[Any], starts: Sequence[Any]) -> list[Any]:
    """Genomes that a search begins with: the fixed baseline, a user's own, the others."""
    return list(dict.fromkeys([*first[:1], *starts, *first]))


def recorded(starts: Sequence[Any]) -> list[dict[str, Any]]:
    """As a record has them: a genome may be a text, which would be taken for a file's name."""
    return [{"genome": genome} for genome in starts]


def starting(
    given: Sequence[Any], encoding: Encoding[Any], spec: str, task: Task, kind: Domain, costs: Costs[Any] | None
) -> list[Any]:
    """The genomes of files (`genome.json` of a run, or a genome alone), as a record has them, or as they are: a text
    that names no file is a genome where an encoding's genomes are texts, as cells of NAS-Bench-201 are.

    Raises EvonasError where one cannot be read, is of another encoding, makes no network, or breaks a limit that is
    known before training.
    """
    found = []
    texts = bool(given) and isinstance(encoding.sample(np.random.default_rng(0)), str)
    for one in given:
        genome, name = _genome(one, spec, texts)
        if why := _no_genome(genome, encoding, task, kind):
            raise EvonasError(f"--start {name}: no genome of the encoding {spec!r}: {why}")
        genome = canonical_form(encoding)(genome)
        if costs is not None and costs.violation(genome) > 0:
            raise EvonasError(
                f"--start {name}: its {costs.goal.said(costs.of(genome))}; give a smaller network, or another limit"
            )
        found.append(genome)
    return found


def _genome(one: Any, spec: str, texts: bool) -> tuple[Any, str]:
    """A genome, which may be a text of its own where they are `texts`, and what it is called."""
    if isinstance(one, Mapping):
        return freeze(one.get("genome")), repr(one.get("genome"))[:80]
    if not isinstance(one, str | os.PathLike):
        return freeze(one), repr(one)[:80]
    path = Path(os.path.expanduser(one))
    if texts and isinstance(one, str) and not os.path.exists(path):
        return one, f"{one[:80]!r} is no file, and"
    text = ""
    try:
        text = path.read_text(encoding="utf-8")
        held = parse_json(text)
    except OSError as error:
        raise EvonasError(f"--start {str(path)!r} cannot be read: {error.strerror}; give a genome.json") from None
    except ValueError:
        if texts and text:
            return text.strip(), repr(str(path))
        raise EvonasError(f"--start {str(path)!r} is no JSON; give a genome.json, as a search leaves it") from None
    if not isinstance(held, dict):
        return freeze(held), repr(str(path))
    if "genome" not in held:
        raise EvonasError(f"--start {str(path)!r} holds no genome; give a genome.json, as a search leaves it")
    of = str(held.get("encoding") or spec)
    if plugins.plain_name(of) != plugins.plain_name(spec):
        raise EvonasError(f"--start {str(path)!r} is of the encoding {of!r}; search with --encoding {of}, not {spec!r}")
    return freeze(held["genome"]), repr(str(path))


def _no_genome(genome: Any, encoding: Encoding[Any], task: Task, kind: Domain) -> str:
    """Why it is none; empty where it is one. It is used as a search would: varied, described, built."""
    if isinstance(encoding, HasSpace) and (why := _outside(genome, encoding)):
        return why
    rng = np.random.default_rng(0)
    try:
        hash(genome)
        encoding.features(genome)
        encoding.mutate(genome, rng)
        if kind.trains:
            encoding.build(genome, task)
    except EvonasError as error:
        return str(error).rpartition(" raised ")[2].removeprefix("EvonasError: ")
    except Exception as error:  # whatever an encoding makes of what it has not made
        return placed(error)
    return ""


def _outside(genome: Any, encoding: HasSpace) -> str:
    """Which gene has no such choice."""
    space = encoding.space()
    try:
        values = list(space.split(genome))
    except EvonasError as error:
        return str(error)
    except Exception as error:  # it is of another form
        return placed(error)
    if len(values) != len(space.genes):
        return f"it has {len(values)} values for {len(space.genes)} genes"
    for gene, value in zip(space.genes, values, strict=True):
        if value not in gene.choices:
            return f"{gene.name}={value!r}, of which the choices are {', '.join(map(str, gene.choices))}"
    return ""
