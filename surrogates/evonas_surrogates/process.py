"""The Gaussian process from scratch: what the meta-surrogate is where it remembers nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from evonas_surrogates.transfer import TransferModel


class ProcessSurrogate(TransferModel):
    """Learns from the results of one search alone, and says how sure it is: see `posterior.py`."""

    def __init__(self) -> None:
        super().__init__()

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        groups: Sequence[Any] | np.ndarray,
        feature_names: Sequence[str] | None = None,
    ) -> Self:
        """Forget everything: earlier tasks are not this one's to use."""
        return super().fit(np.asarray(X)[:0], np.asarray(y)[:0], np.asarray(groups)[:0], feature_names)
