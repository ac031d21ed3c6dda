"""Genomes of earlier tasks that are worth trying first on a new one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.genomes import feature_row, freeze
from evonas.core.optional import canonical_form
from evonas.core.parsing import parse_json
from evonas.core.types import Encoding


@dataclass(frozen=True)
class Remembered:
    """Genomes that were trained on earlier tasks, of any version of an encoding; nothing is done with them before
    somebody asks. `results` are task -> genome -> its result, higher is better, as far as they are known."""

    genomes: tuple[Any, ...] = ()
    encoding: Encoding[Any] | None = None
    results: Mapping[str, Mapping[Any, float]] = field(default_factory=dict)

    def known(self, names: Sequence[str], tasks: Sequence[str]) -> tuple[list[Any], np.ndarray, np.ndarray]:
        """Each network once, that today's encoding knows with features of these names; their (n, d) features, and
        their (n, t) results on the tasks, NaN where there is none."""
        kept: dict[Any, np.ndarray] = {}
        raw: list[Any] = []
        encoding, wanted = self.encoding, tuple(names)
        if encoding is None:
            return [], np.zeros((0, len(wanted))), np.zeros((0, len(tasks)))
        for genome in self.genomes:
            try:
                own = canonical_form(encoding)(freeze(genome))
                features = encoding.features(own)
            except (EvonasError, KeyError, ValueError, TypeError, IndexError):  # another version's, or nobody's
                continue
            if tuple(sorted(features)) == wanted and own not in kept:
                kept[own] = feature_row(features)
                raw.append(freeze(genome))
        found = [[self.results.get(task, {}).get(genome, np.nan) for task in tasks] for genome in raw]
        rows = np.array(list(kept.values())).reshape(len(kept), len(wanted))
        return list(kept), rows, np.array(found, dtype=float).reshape(len(kept), len(tasks))


def completed(results: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """(n, t) results on each task, where there are none what is predicted, brought to the scale of those that there
    are by its order among them."""
    found = np.array(predicted, dtype=float)
    for task, (values, scores) in enumerate(zip(results.T, predicted.T, strict=True)):
        there = np.isfinite(values)
        if there.any():
            brought = np.interp(scores, np.sort(scores[there]), np.sort(values[there]))
            found[:, task] = np.where(there, values, brought)
    return found


def relative(results: np.ndarray) -> np.ndarray:
    """(n, t) results of each task by its own range: 0 the best, -1 the median one, so that all tasks count alike."""
    best = results.max(0)
    spread = best - np.median(results, axis=0)
    return (results - best) / np.where(spread > 0, spread, 1.0)


def best_for_all(scores: np.ndarray, n: int) -> list[int]:
    """Up to `n` rows of (genomes, source models) scores on earlier tasks.

    Each is the one that adds most to what the best of those before reach on every earlier task, in the mean over
    tasks: the greedy choice for a submodular sum is within 1 - 1/e of the best one (Nemhauser et al. 1978, Math.
    Programming 14). The first is the best in the mean.
    """
    chosen: list[int] = []
    reached = np.full(scores.shape[1], -np.inf)
    while len(chosen) < min(n, len(scores)):
        worth = np.maximum(scores, reached).mean(1)
        worth[chosen] = -np.inf
        chosen.append(int(worth.argmax()))
        reached = np.maximum(reached, scores[chosen[-1]])
    return chosen


def to_text(genomes: Iterable[Any]) -> list[str]:
    """A line of JSON each."""
    return [json.dumps(genome) for genome in genomes]


def from_text(lines: Iterable[str]) -> list[Any]:
    """What `to_text` made. Raises EvonasError where a line is no JSON."""
    try:
        return [freeze(parse_json(line)) for line in lines]
    except (ValueError, TypeError) as error:
        raise EvonasError(f"a remembered genome cannot be read: {error}; make the model file again") from error
