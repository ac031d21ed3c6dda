"""Two classifiers: whether one makes fewer errors than the other beyond chance."""

from __future__ import annotations

import math
from dataclasses import dataclass

CHANCE = 0.05  # that fewer errors may be chance's


@dataclass(frozen=True)
class Paired:
    """Of so many `examples`, those that only the second classifier has right (`mended`), or only the first
    (`spoilt`)."""

    examples: int
    mended: int
    spoilt: int

    @property
    def p(self) -> float:
        """The exact, one-sided McNemar test (McNemar 1947, Psychometrika 12): how likely so many of those on which the
        two differ would be mended, or more, were it as likely that they were spoilt."""
        from scipy.special import bdtrc

        return float(bdtrc(self.mended - 1, self.mended + self.spoilt, 0.5)) if self.mended else 1.0

    @property
    def helps(self) -> bool:
        """Whether the second one makes fewer errors beyond chance."""
        return self.p < CHANCE


def margin(one: float, other: float, examples: int) -> float:
    """Half of the 95 % interval of the difference of two accuracies, of so many examples each, as if independent: where
    the examples are the same it is rather too wide.

    A right and a wrong answer are added to each, so that few examples, or none wrong, do not make it too narrow
    (Agresti & Caffo 2000, The American Statistician 54).
    """
    shares = [(accuracy * examples + 1) / (examples + 2) for accuracy in (one, other)]
    return 1.96 * math.sqrt(sum(share * (1 - share) for share in shares) / (examples + 2))
