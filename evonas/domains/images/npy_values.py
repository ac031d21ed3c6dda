"""Values of the challenge's images that no network can learn from: found in one pass, replaced aloud."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evonas.core.errors import EvonasError

PIECE = 2**24  # values that are looked at together: a mapped array need not fit in memory


@dataclass(frozen=True)
class _Survey:
    """What one pass over images finds: positions of those with NaN or infinite values, how many are of one value."""

    broken: np.ndarray
    constant: int
    least: float
    most: float

    @classmethod
    def of(cls, array: np.ndarray) -> _Survey:
        step = max(1, PIECE // array[0].size)
        ends = []
        for start in range(0, len(array), step):
            flat = array[start : start + step].reshape(len(array[start : start + step]), -1)
            ends.append(np.stack([flat.min(1), flat.max(1)], axis=1).astype(np.float64))
        low, high = np.concatenate(ends).T
        whole = np.isfinite(low) & np.isfinite(high)
        least, most = (low[whole].min(), high[whole].max()) if whole.any() else (0.0, 0.0)
        return cls(np.flatnonzero(~whole), int((low == high)[whole].sum()), float(least), float(most))


def mended(arrays: Mapping[str, np.ndarray], notes: list[str]) -> tuple[dict[str, np.ndarray], list[str]]:
    """The arrays `…_x` (n, …) with finite values only, and what was replaced; what is constant is said in `notes`.

    Raises EvonasError where there is nothing to learn from.
    """
    arrays = dict(arrays)
    surveys = {key: _Survey.of(array) for key, array in arrays.items() if key.endswith("_x")}
    train, replaced = arrays["train_x"], []
    middle = 0.0
    if any(len(found.broken) for found in surveys.values()):
        finite = np.isfinite(train)
        if not finite.any():
            raise EvonasError("train_x.npy holds NaN or infinite values only; give images with numbers")
        middle = float(np.mean(train, dtype=np.float64, where=finite))
    for key, found in surveys.items():
        array = arrays[key]
        if len(found.broken):
            array = arrays[key] = np.array(array)
            bad = ~np.isfinite(array)
            array[bad] = middle
            replaced.append(
                f"NaN or infinite values of {key}.npy ({int(bad.sum()):,}, in {len(found.broken):,} of {len(array):,} "
                f"images): {middle:.4g} stands for them, the mean of train_x.npy"
            )
        if found.constant and array[0].size > 1:
            notes.append(f"images of {key}.npy that are of one value all over: {found.constant:,} of {len(array):,}")
    found = surveys["train_x"]
    if not len(found.broken) and found.least == found.most:
        raise EvonasError(
            f"every value of train_x.npy is {found.least:g}: classes cannot be told apart; give images that differ"
        )
    return arrays, replaced
