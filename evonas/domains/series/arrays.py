"""From a user's arrays to `Series`: shapes, values and labels, checked and brought to one form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.domains.as_array import as_array
from evonas.domains.parts import check_pairs, make_parts
from evonas.domains.series.dataset import Series


def series_from_arrays(
    x: Any,
    y: Any,
    x_test: Any = None,
    y_test: Any = None,
    *,
    x_val: Any = None,
    y_val: Any = None,
    name: str = "memory",
    class_names: Sequence[str] | None = None,
) -> Series:
    """`Series` of arrays, tensors, or lists of arrays whose lengths differ.

    Args:
        x: (n, length, channels) or (n, length) numbers. NaN is a missing value: it is put on the line between its
            neighbours; where all channels end with it, the series is shorter than the others. Shorter series go on with
            their last value up to the longest one's length.
        y: (n,) labels, whole numbers or strings; their sorted values become 0, 1, ….
        x_test, y_test: the same; where missing, a stratified fifth of `x` is put aside.
        x_val, y_val: the same; where missing, each search validates on some of `x`.
        class_names: of the sorted labels.

    Raises EvonasError, one line, where shapes, values or labels are not valid.
    """
    check_pairs(name, test=(x_test, y_test), val=(x_val, y_val))
    given = {"x": x, "x_test": x_test, "x_val": x_val}
    arrays = {part: to_values(values, part) for part, values in given.items() if values is not None}
    for part, array in arrays.items():
        if array.shape[2] != arrays["x"].shape[2]:
            raise EvonasError(f"{name!r} has {arrays['x'].shape[2]} channels but {array.shape[2]} in {part}")
    length = max(array.shape[1] for array in arrays.values())
    notes = _notes(list(arrays.values()), length)
    whole = {part: complete(array, length, part) for part, array in arrays.items()}
    test, val = (whole.get("x_test"), y_test), (whole.get("x_val"), y_val)
    parts = make_parts(whole["x"], y, test, val, name=name, what="series", class_names=class_names)
    return Series(
        name,
        parts.x,
        parts.y,
        parts.x_test,
        parts.y_test,
        parts.class_names,
        parts.x_val,
        parts.y_val,
        (*notes, *parts.notes),
        parts.aside,
    )


def to_values(series: Any, what: str) -> np.ndarray:
    """(n, length, channels) floats, NaN where a value is missing or a series has ended; float32 stays float32.

    Raises EvonasError where that cannot be had.
    """
    array = _stacked(series, what) if isinstance(series, (list, tuple)) else as_array(series, what)
    if array.dtype.kind not in "bfiu":
        raise EvonasError(f"{what} holds {array.dtype} values; give real numbers")
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or 0 in array.shape:
        raise EvonasError(f"{what} has shape {array.shape}; give (n, length, channels), or (n, length) of one channel")
    array = array if array.dtype in (np.float32, np.float64) else array.astype(np.float64)
    if np.isinf(array).any():
        at = np.argwhere(np.isinf(array))[0]
        raise EvonasError(f"{what} holds an infinite value, in series {at[0]} at {at[1]}; remove it, or set it to NaN")
    return array


def complete(array: np.ndarray, length: int, what: str) -> np.ndarray:
    """(n, length, channels) without NaN: a missing value is on the line between its neighbours, at an end the nearest.

    Raises EvonasError where a channel of a series has no value at all.
    """
    found = np.full((len(array), length, array.shape[2]), np.nan, array.dtype)
    found[:, : array.shape[1]] = array
    missing = np.isnan(found)
    places = np.arange(length)
    for i, channel in np.argwhere(missing.any(1)):
        known = ~missing[i, :, channel]
        if not known.any():
            raise EvonasError(f"{what} has no value in channel {channel} of series {i}; remove that series or channel")
        found[i, :, channel] = np.interp(places, places[known], found[i, known, channel])
    return found


def _stacked(series: Sequence[Any], what: str) -> np.ndarray:
    """Series of any lengths in one array, NaN behind the end of each."""
    rows = []
    for one in series:
        row = as_array(one, what)
        rows.append(row[:, None] if row.ndim == 1 else row)
    if any(row.ndim != 2 or row.dtype.kind not in "bfiu" for row in rows) or len({row.shape[1] for row in rows}) > 1:
        raise EvonasError(f"{what} is no list of (length, channels) series of numbers with the same channels")
    if len({row.shape for row in rows}) == 1:
        return np.stack(rows)
    found = np.full((len(rows), max(map(len, rows)), rows[0].shape[1]), np.nan)
    for place, row in zip(found, rows, strict=True):
        place[: len(row)] = row
    return found


def _notes(arrays: Sequence[np.ndarray], length: int) -> tuple[str, ...]:
    """What `complete` is going to do, in words."""
    notes, lengths, missing = [], [], 0
    for array in arrays:
        unknown: np.ndarray = np.all(np.isnan(array), axis=2)
        ended = unknown[:, ::-1].argmin(1)  # so many at the end have no value in any channel
        lengths.append(array.shape[1] - ended)
        behind = np.arange(array.shape[1])[None, :] >= lengths[-1][:, None]
        missing += int((np.isnan(array) & ~behind[..., None]).sum())
    shortest = min(int(found.min()) for found in lengths)
    if shortest < length:
        notes.append(f"lengths {shortest} to {length}: shorter series go on with their last value up to {length}")
    if missing:
        notes.append(f"{missing:,} missing values are on the line between their neighbours")
    if arrays[0].shape[2] > length:
        notes.append(f"{arrays[0].shape[2]} channels of {length} values: the order is (n, length, channels)")
    return tuple(notes)
