"""What all trainings of a search have in common because somebody gave it, so that it is not searched."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Fixed:
    """Of each training of a search.

    Args:
        balance: whether an example counts in the loss inversely to how many of its class are trained on.
    """

    balance: bool = False


NOTHING = Fixed()
