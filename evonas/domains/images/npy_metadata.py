"""The challenge's file `metadata`: what it says, checked, and where it contradicts the arrays beside it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evonas.core.errors import EvonasError, first_line
from evonas.core.parsing import parse_json

NUMBERS = {"benchmark": (0.0, 100.0, "percent, from 0 to below 100"), "time_limit": (0.0, math.inf, "hours, above 0")}


def read_metadata(path: Path) -> Mapping[str, Any]:
    """The JSON object of a file. Raises EvonasError, one line, where there is none."""
    try:
        values = parse_json(path.read_text(encoding="utf-8-sig"))  # some editors begin a file with a mark
        if not isinstance(values, dict):
            raise ValueError(f"it is {type(values).__name__}, not an object")
    except (OSError, ValueError) as error:
        raise EvonasError(
            f'{str(path)!r} cannot be read: {first_line(error)}; write JSON such as {{"num_classes": 10}}, or remove it'
        ) from error
    return values


def contradictions(
    metadata: Mapping[str, Any], shape: Sequence[int], classes: Sequence[Any], notes: list[str]
) -> tuple[dict[str, Any], list[str]]:
    """The metadata that can be used, and lines on what cannot; a line in `notes` where the arrays say otherwise.

    `shape` is (n, channels, height, width) of the training images, `classes` are their labels. In the challenge's
    `input_shape` the number of images comes first, of one part or of several: it is not compared.
    """
    held, unread = dict(metadata), []

    def drop(key: str, wanted: str) -> None:
        unread.append(f"{key} {held.pop(key)!r} of metadata, which is not {wanted}")

    if "num_classes" in held and not _whole(held["num_classes"]):
        drop("num_classes", "a whole number above 0")
    if "input_shape" in held and not _is_shape(held["input_shape"]):
        drop("input_shape", "[n, channels, height, width] or [channels, height, width]")
    for key, (low, high, wanted) in NUMBERS.items():
        value = held.get(key, 1)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (number and low <= value < high and (value or key == "benchmark")):
            drop(key, wanted)
    if "codename" in held and not isinstance(held["codename"], str):
        drop("codename", "text")
    if held.get("num_classes", len(classes)) != len(classes):
        notes.append(
            f"metadata says num_classes {held['num_classes']}, but train_y.npy has {len(classes)} labels: those count"
        )
        held["num_classes"] = len(classes)
    if list(held.get("input_shape", shape))[-3:] != list(shape[1:]):
        notes.append(f"metadata says input_shape {held['input_shape']}, but train_x.npy has {list(shape)}: that counts")
        held["input_shape"] = list(shape)
    return held, unread


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def _is_shape(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) in (3, 4) and all(map(_whole, value))
