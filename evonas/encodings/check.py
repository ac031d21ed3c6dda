"""Trying an encoding before a search, so that a broken one is named with the genome that breaks it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.genomes import freeze
from evonas.core.optional import Canonical
from evonas.core.types import Encoding, Task


def check_encoding(encoding: Encoding[Any], task: Task, rng: np.random.Generator, n: int = 5) -> None:
    """Sample, vary, describe and build a few genomes; well under a second.

    Raises EvonasError, one line, that names the encoding, the method, the genome and what was wrong with it.
    """
    name = type(encoding).__name__
    sampled = [check_genome(name, "sample()", _call(name, "sample()", lambda: encoding.sample(rng))) for _ in range(n)]
    varied = []
    for genome, other in zip(sampled, sampled[1:] + sampled[:1], strict=True):
        for method, child in (
            (f"mutate({genome!r})", lambda g=genome: encoding.mutate(g, rng)),
            (f"crossover({genome!r}, {other!r})", lambda g=genome, o=other: encoding.crossover(g, o, rng)),
        ):
            varied.append(check_genome(name, method, _call(name, method, child)))
    names: set[str] | None = None
    for genome in sampled + varied:
        found = _call(name, f"features({genome!r})", lambda g=genome: dict(encoding.features(g)))
        if not all(isinstance(value, (int, float, np.number)) for value in found.values()):
            raise _broken(name, f"features({genome!r})", "gave something that is no number")
        if any(np.isinf(float(value)) for value in found.values()):
            raise _broken(name, f"features({genome!r})", "gave an infinite number; use NaN for what is not known")
        if names is not None and set(found) != names:
            odd = sorted(set(found) ^ names)[0]
            raise _broken(name, f"features({genome!r})", f"has other names than those of other genomes: {odd!r}")
        names = set(found)
        if isinstance(encoding, Canonical):
            _check_canonical(encoding, name, genome)
    for genome in (sampled[0], varied[0]):
        _check_network(encoding, name, genome, task)


def check_genome(name: str, method: str, genome: Any) -> Any:
    """The genome, if it is hashable and the same again after it went through JSON."""
    try:
        hash(genome)
    except TypeError:
        raise _broken(
            name, method, f"returned {_short(genome)}, which is not hashable; genomes are JSON values and tuples"
        ) from None
    try:
        same = freeze(json.loads(json.dumps(genome, allow_nan=False))) == genome
    except (TypeError, ValueError):
        same = False
    if not same:
        raise _broken(name, method, f"returned {_short(genome)}, which JSON does not keep; use JSON values and tuples")
    return genome


def _check_canonical(encoding: Any, name: str, genome: Any) -> None:
    method = f"canonical({genome!r})"
    first = check_genome(name, method, _call(name, method, lambda: encoding.canonical(genome)))
    if encoding.canonical(first) != first:
        raise _broken(name, method, f"gave {_short(first)}, whose own canonical form is another one")


def _check_network(encoding: Any, name: str, genome: Any, task: Task) -> None:
    import torch

    method = f"build({genome!r})"
    expected = (2, task.n_classes)
    with torch.random.fork_rng(devices=[]):
        network = _call(name, method, lambda: encoding.build(genome, task))
        if not isinstance(network, torch.nn.Module):
            raise _broken(name, method, f"returned a {type(network).__name__}, not a torch.nn.Module")
        logits = _call(name, method, lambda: network(torch.zeros(2, *task.input_shape)))
    if not isinstance(logits, torch.Tensor) or tuple(logits.shape) != expected:
        got = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise _broken(name, method, f"gives {got} for 2 images of {task.input_shape}, not logits of shape {expected}")


def _call(name: str, method: str, function: Callable[[], Any]) -> Any:
    try:
        return function()
    except Exception as error:
        words = str(error).splitlines()
        raise _broken(name, method, f"raised {type(error).__name__}: {words[0] if words else ''}") from error


def _broken(name: str, method: str, what: str) -> EvonasError:
    return EvonasError(f"encoding {name!r} breaks the contract: {method} {what}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "…"
