"""A finished network that predicts; how it reads its inputs is its domain's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from evonas.training.data import Preprocessing

AT_ONCE = 1024  # examples of a forward pass


@dataclass(frozen=True)
class Network:
    """A trained network in eval mode, with its preprocessing, the names of its classes and the shape of an input."""

    model: nn.Module
    preprocessing: Preprocessing
    class_names: tuple[str, ...]
    input_shape: tuple[int, ...]

    held: ClassVar[torch.dtype] = torch.float32
    """What holds the values that `read` gives, in a program that is made of the network."""

    @property
    def values(self) -> str:
        """What `read` gives, in words: what such a program expects."""
        return f"(n, {', '.join(map(str, self.input_shape))}) values"

    def read(self, examples: Any) -> torch.Tensor:
        """(n, *input_shape) as `preprocessing` takes them; one example alone becomes one of n.

        Raises EvonasError where their shape or their values are not valid.
        """
        raise NotImplementedError

    def logits(self, examples: Any) -> torch.Tensor:
        """(n, classes) of arrays or tensors as `read` takes them. Raises EvonasError where they are not valid."""
        return self.of_read(self.read(examples))

    def of_read(self, batch: torch.Tensor) -> torch.Tensor:
        """(n, classes) logits of (n, *input_shape) as `read` gives them."""
        with torch.inference_mode():
            return torch.cat([self.model(self.preprocessing(part)) for part in batch.split(AT_ONCE)])

    def predict_proba(self, examples: Any) -> np.ndarray:
        """(n, classes) probabilities."""
        return self.logits(examples).softmax(1).numpy()

    def predict(self, examples: Any) -> np.ndarray:
        """(n,) classes, as positions in `class_names`."""
        return self.logits(examples).argmax(1).numpy()

    def predict_names(self, examples: Any) -> list[str]:
        """The n classes by name."""
        return [self.class_names[code] for code in self.logits(examples).argmax(1).tolist()]
