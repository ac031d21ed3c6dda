"""Telling by content whether two data sets hold the same examples: a MinHash sketch (Broder 1997).

The sketch is the 64 smallest of all examples' hashes. Of two sets' sketches, the share of common ones among the 64
smallest of both estimates how much the sets overlap (Jaccard), whatever their names, the order of their rows, or their
labels.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

SKETCH = 64
SAME = 3 / SKETCH
"""Overlap from which two sets count as the same data: three or more common hashes of 64. A random tenth of a set is
recognised with probability 0.96, a quarter with more than 0.9999; sets without a common example share no hash."""


def fingerprint(*parts: np.ndarray) -> str:
    """The sketch of all examples (n, *shape) in all parts, as hexadecimal words."""
    hashes: set[bytes] = set()
    for examples in parts:
        shape = repr(examples.shape[1:]).encode()
        rows = np.ascontiguousarray(examples)
        hashes |= {blake2b(row.tobytes(), digest_size=8, key=shape).digest() for row in rows}
    return " ".join(digest.hex() for digest in sorted(hashes)[:SKETCH])


def overlap(a: str, b: str) -> float:
    """Estimated share of common images, 0 to 1; 0 where a fingerprint is empty."""
    one, other = set(a.split()), set(b.split())
    if not one or not other:
        return 0.0
    smallest = sorted(one | other)[: min(SKETCH, max(len(one), len(other)))]
    return sum(word in one and word in other for word in smallest) / len(smallest)


def same_data(a: str, b: str) -> bool:
    """Whether two fingerprints are of the same data, or of a good part of the same."""
    return overlap(a, b) >= SAME
