"""What the contracts share: how many examples each test tries, and generators."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

seeds = st.integers(0, 2**32 - 1)
inherited = [HealthCheck.differing_executors]  # the same test runs in every class that inherits it
some = settings(max_examples=20, deadline=None, suppress_health_check=inherited)
few = settings(max_examples=5, deadline=None, suppress_health_check=inherited)


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)
