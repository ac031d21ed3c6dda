"""Thompson sampling: what would be best if what a ranker believes were as one draw of it has it."""

from __future__ import annotations

import numpy as np

from evonas.core import plugins
from evonas.core.errors import EvonasError, choices
from evonas.core.optional import DrawsScores, Uncertain
from evonas.core.types import Ranker

MOST = 512  # candidates that are drawn for together: some 40 ms, most of it to say how alike they are
WIDE = 2.0  # deviations of the upper confidence by which these are chosen


class ThompsonSampling:
    """One joint draw of the candidates' scores from the ranker's posterior; the best by it is trained (Thompson 1933,
    Biometrika 25; Russo & Van Roy 2014, Math. Oper. Res. 39).

    So a candidate is trained as often as it may be the best. Of more than `MOST` candidates those are drawn for that
    are best by upper confidence; the others are hardly ever the best of a draw. Those on their way count as results
    that came as predicted.

    Raises EvonasError where the ranker cannot draw.
    """

    def __init__(self, ranker: Ranker):
        if not (isinstance(ranker, DrawsScores) and isinstance(ranker, Uncertain)):
            raise EvonasError(
                f"acquisition='thompson' draws from what a ranker believes, which {type(ranker).__name__} cannot; "
                f"those that can: {choices(drawing())}"
            )
        self.ranker = ranker

    def scores(self, X: np.ndarray) -> np.ndarray:
        """(n,) upper confidences of (n, d) features."""
        mean, deviation = self.ranker.predict_with_deviation(X)
        return mean + WIDE * deviation

    def best(self, X: np.ndarray, scores: np.ndarray, pending: np.ndarray, rng: np.random.Generator) -> int:
        """The place of the best by a draw, of (n, d) features with (n,) upper confidences, and (m, d) on their way."""
        shown = np.argsort(-scores, kind="stable")[:MOST]
        return int(shown[self.ranker.draw_scores(X[shown], rng, pending).argmax()])


def drawing() -> list[str]:
    """The rankers by name that can draw."""
    found = []
    for name, entry in plugins.available("evonas.rankers").items():
        try:
            ranker = entry.load()
        except Exception:  # of another package, whatever it raises
            continue
        if isinstance(ranker, type) and issubclass(ranker, DrawsScores) and issubclass(ranker, Uncertain):
            found.append(name)
    return found
