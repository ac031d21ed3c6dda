"""Python's and numpy's global generators, for code that draws from them: the same seed gives the same figures."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def seeded_globals(rng: np.random.Generator) -> Iterator[None]:
    """Within it both are seeded by draws from `rng`; afterwards they are as they were before."""
    state, np_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(int(rng.integers(2**63)))
    np.random.seed(int(rng.integers(2**32)))  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(state)
        np.random.set_state(np_state)  # noqa: NPY002
