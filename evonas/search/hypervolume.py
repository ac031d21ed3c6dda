"""What points would add to the volume that a front dominates."""

from __future__ import annotations

import numpy as np

AT_ONCE = 2**16  # points × boxes: their sides stay in the caches


class Front:
    """Points, and what further ones would add to the volume that they dominate together.

    The region that they do not dominate is held as boxes that do not overlap (Lacour, Klamroth & Fonseca 2017,
    Computers & Operations Research 79, section 3), so that thousands of points are judged at once. Up to four
    objectives or so: the number of boxes grows with the points to the power of half the objectives.

    Args:
        points: (n, m), higher is better; dominated ones among them change nothing.
        reference: (m,) what the volume reaches down to.
    """

    def __init__(self, points: np.ndarray, reference: np.ndarray):
        self._lower, self._upper = _boxes(-np.asarray(points, dtype=float), -np.asarray(reference, dtype=float))

    def improvement(self, points: np.ndarray) -> np.ndarray:
        """(...) the hypervolume that each of (..., m) points would add by itself; 0 where it is dominated, or not above
        the reference in everything."""
        flat = -np.asarray(points, dtype=float).reshape(-1, self._upper.shape[1])
        added = np.empty(len(flat))
        step = max(1, AT_ONCE // max(1, len(self._upper)))
        for start in range(0, len(flat), step):
            volume: np.ndarray | float = 1.0
            for lower, upper, values in zip(self._lower.T, self._upper.T, flat[start : start + step].T, strict=True):
                side = upper - np.maximum(lower, values[:, None])
                volume = volume * np.maximum(side, 0.0, out=side)
            added[start : start + step] = np.sum(volume, axis=1)
        return added.reshape(np.shape(points)[:-1])


def _boxes(points: np.ndarray, reference: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper corners, (b, m) each, of the region within `reference` (m,) that no point of (n, m) dominates;
    here lower is better.

    An upper corner is a local upper bound, which m points define: each bounds it in one objective (algorithm 3 there).
    """
    m = len(reference)
    upper = reference[None]
    by = np.full(
        (1, m, m), -np.inf
    )  # (u, m, m) the points that define each: dummies at first, which bound nothing else
    by[0, np.arange(m), np.arange(m)] = reference
    for point in np.unique(points.reshape(-1, m), axis=0):
        inside = (point < upper).all(1)
        made, made_by = [upper[~inside]], [by[~inside]]
        for j in range(m):
            rest = np.delete(np.arange(m), j)
            kept = inside & (point[j] >= by[:, rest, j].max(1, initial=-np.inf))
            corners, defining = upper[kept].copy(), by[kept].copy()
            corners[:, j], defining[:, j] = point[j], point
            made.append(corners)
            made_by.append(defining)
        upper, by = np.concatenate(made), np.concatenate(made_by)
    lower = np.full(upper.shape, -np.inf)
    for j in range(1, m):
        lower[:, j] = by[:, :j, j].max(1)
    solid = (lower < upper).all(1)
    return lower[solid], upper[solid]
