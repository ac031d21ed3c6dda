"""Genomes of earlier tasks that are worth trying first on a new one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.genomes import feature_row, freeze
from evonas.core.optional import canonical_form
from evonas.core.types import Encoding


@dataclass(frozen=True)
class Remembered:
    """Genomes that were trained on earlier tasks, and their (n, d) features, columns in the order of their names."""

    genomes: tuple[Any, ...] = ()
    X: np.ndarray | None = None

    @classmethod
    def of(cls, genomes: Iterable[Any], encoding: Encoding[Any], names: Sequence[str]) -> Remembered:
        """Those, each network once, that today's encoding knows with features of these names."""
        kept: dict[Any, np.ndarray] = {}
        canonical, wanted = canonical_form(encoding), tuple(names)
        for genome in genomes:
            try:
                own = canonical(freeze(genome))
                features = encoding.features(own)
            except (EvonasError, KeyError, ValueError, TypeError, IndexError):  # another version's, or nobody's
                continue
            if tuple(sorted(features)) == wanted:
                kept.setdefault(own, feature_row(features))
        return cls(tuple(kept), np.array(list(kept.values())) if kept else None)

    def best_for_all(self, scores: np.ndarray, n: int) -> list[Any]:
        """Up to `n` genomes, by their (genomes, source models) scores on earlier tasks.

        Each is the one that adds most to what the best of those before reach on every earlier task, in the mean over
        tasks: the greedy choice for a submodular sum is within 1 - 1/e of the best one (Nemhauser et al. 1978, Math.
        Programming 14). The first is the best in the mean.
        """
        chosen: list[int] = []
        reached = np.full(scores.shape[1], -np.inf)
        while len(chosen) < min(n, len(self.genomes)):
            worth = np.maximum(scores, reached).mean(1)
            worth[chosen] = -np.inf
            chosen.append(int(worth.argmax()))
            reached = np.maximum(reached, scores[chosen[-1]])
        return [self.genomes[place] for place in chosen]


def to_text(genomes: Iterable[Any]) -> list[str]:
    """A line of JSON each."""
    return [json.dumps(genome) for genome in genomes]


def from_text(lines: Iterable[str]) -> list[Any]:
    """What `to_text` made. Raises EvonasError where a line is no JSON."""
    try:
        return [freeze(json.loads(line)) for line in lines]
    except (ValueError, TypeError) as error:
        raise EvonasError(f"a remembered genome cannot be read: {error}; make the model file again") from error
