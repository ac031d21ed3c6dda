"""The loss of a training: cross-entropy or a user's own, in which classes may count alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from evonas.core.errors import EvonasError


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
        own: instead of cross-entropy, logits and labels -> their mean loss, or (n,) losses.

    Raises EvonasError where one of a user's own gives something else.
    """

    def __init__(
        self, smoothing: float = 0.0, weights: torch.Tensor | None = None, own: Callable[..., Any] | None = None
    ):
        self.smoothing, self.weights, self.own = smoothing, weights, own

    def __call__(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        if self.own is not None:
            losses = self._of_own(logits, targets)
            if losses.ndim == 0 or self.weights is None:
                return losses.mean()
        elif self.weights is None:
            return F.cross_entropy(logits, targets, label_smoothing=self.smoothing)
        else:
            losses = F.cross_entropy(logits, targets, label_smoothing=self.smoothing, reduction="none")
        return (losses * (targets @ self.weights if targets.is_floating_point() else self.weights[targets])).mean()

    def _of_own(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        assert self.own is not None
        if isinstance(self.own, nn.Module):
            self.own.to(logits.device)
        losses = self.own(logits, targets)
        if not isinstance(losses, torch.Tensor):
            raise EvonasError(f"the loss gave a {type(losses).__name__}, not a tensor: one number, or one an example")
        if losses.shape not in ((), targets.shape):
            raise EvonasError(f"the loss gave shape {tuple(losses.shape)}; give one number, or one an example")
        if losses.ndim == 0 and self.weights is not None:
            raise EvonasError("--balance weights examples, and the loss gives one number for all; let it give one each")
        return losses
