"""Several networks as one: the mean of their probabilities."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn


class Ensemble(nn.Module):
    """Networks of the same inputs and classes. What it returns are logarithms of mean probabilities, which are logits
    of these."""

    def __init__(self, members: Sequence[nn.Module]):
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, …) -> (n, classes)."""
        each = torch.stack([member(x).float().log_softmax(1) for member in self.members])
        return each.logsumexp(0) - math.log(len(self.members))
