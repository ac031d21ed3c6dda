"""The loss of a training: cross-entropy, in which classes may count alike."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def class_weights(labels: torch.Tensor, n_classes: int) -> torch.Tensor:
    """(n_classes,) n / (classes · n of the class), as scikit-learn's `balanced`: over the examples their mean is 1, and
    each class has the same sum. A class without examples counts as if it had one."""
    counts = labels.bincount(minlength=n_classes).clamp(min=1)
    return len(labels) / (n_classes * counts.float())


class Criterion:
    """(n, classes) logits and (n,) labels, or (n, classes) shares where examples are mixed -> their mean loss (nats).

    Args:
        smoothing: share of the target that goes to all classes alike.
        weights: (classes,) of the examples of each class; a mixed one has its shares of them. None: all count alike.
    """

    def __init__(self, smoothing: float = 0.0, weights: torch.Tensor | None = None):
        self.smoothing, self.weights = smoothing, weights

    def __call__(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if self.weights is None:
            return F.cross_entropy(logits, targets, label_smoothing=self.smoothing)
        losses = F.cross_entropy(logits, targets, label_smoothing=self.smoothing, reduction="none")
        return (losses * (targets @ self.weights if targets.is_floating_point() else self.weights[targets])).mean()
