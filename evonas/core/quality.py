"""How good a classifier is, by its answers to examples that it has not learned from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MISTAKES = 12  # of the most confident ones, that are shown
SURE = 1.96  # deviations of a normal distribution that hold 95 %


@dataclass(frozen=True)
class Answers:
    """To n examples: their true classes `labels` (n,), the classes that it says, `said` (n,), and the probabilities
    `confidence` (n,) that it gives them, 0 to 1, and those of all classes, `probabilities` (n, classes), where they are
    known. Classes count from 0."""

    labels: np.ndarray
    said: np.ndarray
    confidence: np.ndarray
    probabilities: np.ndarray | None = None

    @property
    def accuracy(self) -> float:
        """0 to 1."""
        return float(np.mean(self.labels == self.said))


def wilson(right: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a share of which `right` of so many examples were seen (Wilson 1927, JASA 22, p. 209)."""
    if not of:
        return 0.0, 1.0
    share, z = right / of, SURE**2 / of
    middle = (share + z / 2) / (1 + z)
    half = SURE / (1 + z) * math.sqrt(share * (1 - share) / of + z / (4 * of))
    # without an error, or with nothing but errors, rounding must not leave the interval open
    return max(0.0, middle - half) if right else 0.0, min(1.0, middle + half) if right < of else 1.0


def judged(answers: Answers, class_names: Sequence[str]) -> dict[str, Any]:
    """In JSON values: `accuracy` with its 95 % `interval`, `guessing`, the share of the commonest class, which is what
    an answer without a look is worth; of each of the `classes` its `name`, how many `examples` it has, how many
    `answers` name it, and `recall` and `precision` (None of none); the `confusion` as [class, answer, count] of all
    pairs that there are; the names of classes that were `never` said; and the positions of the most confident
    `mistakes`."""
    classes = len(class_names)
    pairs = np.bincount(answers.labels * classes + answers.said, minlength=classes**2).reshape(classes, classes)
    right, examples, said = pairs.diagonal(), pairs.sum(1), pairs.sum(0)
    wrong = np.flatnonzero(answers.labels != answers.said)
    surest = wrong[np.argsort(-answers.confidence[wrong], kind="stable")][:MISTAKES]
    of_each = zip(class_names, right.tolist(), examples.tolist(), said.tolist(), strict=True)
    return {
        "examples": len(answers.labels),
        "accuracy": answers.accuracy,
        "interval": list(wilson(int(right.sum()), len(answers.labels))),
        "guessing": float(examples.max() / len(answers.labels)),
        "classes": [
            {"name": name, "examples": n, "answers": s, "recall": _share(r, n), "precision": _share(r, s)}
            for name, r, n, s in of_each
        ],
        "confusion": [[int(i), int(j), int(pairs[i, j])] for i, j in np.argwhere(pairs)],
        "never": [name for name, n in zip(class_names, said, strict=True) if not n],
        "mistakes": [
            {
                "position": int(place),
                "class": class_names[int(answers.labels[place])],
                "answer": class_names[int(answers.said[place])],
                "confidence": float(answers.confidence[place]),
            }
            for place in surest.tolist()
        ],
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
