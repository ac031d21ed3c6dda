"""Plain values and arrays in one safetensors file: no code, no pickle, and nothing to import that takes seconds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError, first_line
from evonas.core.files import whole
from evonas.core.parsing import parse_json

CONTENT = "content"  # the key of the metadata under which all but the arrays stand, as JSON


def save(path: Path, kind: str, content: Mapping[str, Any]) -> None:
    """Write nested dicts with text keys, of JSON values and arrays, whole or not at all; `kind` says what they are.

    Raises EvonasError where the file cannot be written.
    """
    from safetensors.numpy import save as to_bytes

    arrays: dict[str, np.ndarray] = {}
    plain = _without_arrays(content, (), arrays)
    try:
        with whole(path) as unfinished:
            unfinished.write_bytes(to_bytes(arrays, {"evonas": kind, CONTENT: json.dumps(plain)}))
    except OSError as error:
        raise EvonasError(f"cannot write {str(path)!r}: {error.strerror or error}; give another file") from error


def load(path: Path, kind: str, most: int) -> dict[str, Any]:
    """What `save` wrote. Raises EvonasError where it is none of that kind, or has more than `most` bytes."""
    from safetensors import SafetensorError, safe_open

    if path.stat().st_size > most:
        raise EvonasError(f"{str(path)!r} has {path.stat().st_size:,} bytes, and a {kind} at most {most:,}")
    try:
        with safe_open(path, framework="numpy") as file:
            said = file.metadata() or {}
            names = file.keys() if said.get("evonas") == kind else ()
            arrays = {name: file.get_tensor(name) for name in names}
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise EvonasError(
            f"{str(path)!r} is no safetensors file that can be read: {first_line(error)}; `evonas surrogate fit` "
            "makes a model"
        ) from error
    if said.get("evonas") != kind:
        raise EvonasError(f"{str(path)!r} is a safetensors file but no {kind}")
    try:
        content = parse_json(said[CONTENT])
        for name, array in arrays.items():
            *outer, last = parse_json(name)
            place = content
            for key in outer:
                place = place[key]
            place[last] = array
    except (ValueError, KeyError, TypeError) as error:
        raise EvonasError(f"{str(path)!r} is damaged: {type(error).__name__}: {error}; make it again") from error
    if not isinstance(content, dict):
        raise EvonasError(f"{str(path)!r} is damaged: its content is no dict; make it again")
    return content


def _without_arrays(value: Any, at: tuple[str, ...], arrays: dict[str, np.ndarray]) -> Any:
    """The value without its arrays, which go into `arrays` under the JSON list of the keys that lead to them."""
    if not isinstance(value, Mapping):
        return value
    kept = {}
    for key, one in value.items():
        if isinstance(one, np.ndarray):
            arrays[json.dumps([*at, key])] = np.ascontiguousarray(one)
        else:
            kept[key] = _without_arrays(one, (*at, key), arrays)
    return kept
