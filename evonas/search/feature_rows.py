"""The features of genomes as rows, those that were met last kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic

import numpy as np

from evonas.core.genomes import feature_row
from evonas.core.types import Encoding, G

REMEMBERED = 4096  # genomes whose features are kept: the mutants of the best are met again and again


class FeatureRows(Generic[G]):
    """Features of genomes under an encoding."""

    def __init__(self, encoding: Encoding[G]):
        self.encoding = encoding
        self._rows: dict[G, np.ndarray] = {}

    def __call__(self, genomes: Sequence[G]) -> np.ndarray:
        """(n, d) rows, columns in the order of the names."""
        rows = []
        for genome in genomes:
            row = self._rows.pop(genome, None)  # the last one used comes last
            self._rows[genome] = feature_row(self.encoding.features(genome)) if row is None else row
            rows.append(self._rows[genome])
        while len(self._rows) > max(REMEMBERED, 2 * len(genomes)):
            del self._rows[next(iter(self._rows))]
        return np.array(rows)
