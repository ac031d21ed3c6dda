"""Small data and encodings whose networks misbehave in known ways."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from evonas.core.recipe import Recipe
from evonas.core.types import Task
from evonas.domains.images import Split, images_from_arrays, split


def arrays(n: int = 150, channels: int = 1, size: int = 6, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, size, size, channels) of three classes (n,) that differ in which third is bright; easy, but not at
    once."""
    rng = np.random.default_rng(seed)
    y = np.arange(n) % 3
    x = rng.integers(0, 120, (n, size, size, channels))
    for i, label in enumerate(y):
        x[i, :, label * size // 3 : (label + 1) * size // 3] += 100
    return x.astype(np.uint8), y


def blobs(n: int = 150, channels: int = 1, size: int = 6, seed: int = 0) -> Split:
    """`arrays` as one run has them."""
    return split(images_from_arrays(*arrays(n, channels, size, seed), name="blobs"), seed=0)


def halves(n: int = 900) -> tuple[np.ndarray, np.ndarray]:
    """Images (n, 6, 8, 1) of a bar at one of three heights (n,), in the left half or in the right."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % 3
    x = rng.integers(0, 80, (n, 6, 8, 1))
    for i, label in enumerate(y):
        half = 4 * int(rng.integers(2))
        x[i, 2 * label : 2 * label + 2, half : half + 4] += 150
    return x.astype(np.uint8), y


def either_half(n: int = 900) -> Split:
    """`halves` as one run has them."""
    return split(images_from_arrays(*halves(n), name="halves"), seed=0)


class Line:
    """A linear network; the genome is the factor on its logits: `inf` makes the loss no number."""

    def sample(self, rng: np.random.Generator) -> float:
        return 1.0

    def mutate(self, genome: float, rng: np.random.Generator) -> float:
        return genome + 1

    def crossover(self, a: float, b: float, rng: np.random.Generator) -> float:
        return (a + b) / 2

    def features(self, genome: float) -> dict[str, float]:
        return {"factor": genome}

    def build(self, genome: float, task: Task) -> nn.Module:
        return _Scaled(genome, task)


class _Scaled(nn.Module):
    def __init__(self, factor: float, task: Task):
        super().__init__()
        self.factor = factor
        self.line = nn.Linear(int(np.prod(task.input_shape)), task.n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.line(x.flatten(1)) * self.factor


class HalfBlind(Line):
    """A network that sees the left half of an image only, and is trained on mirrored ones where that is said."""

    def __init__(self, mirror: bool = True):
        self.mirror = mirror

    def recipe(self, genome: float) -> Recipe:
        return Recipe(mirror_x=self.mirror)

    def build(self, genome: float, task: Task) -> nn.Module:
        return _HalfBlind(genome, task)


class _HalfBlind(_Scaled):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x * (torch.arange(x.shape[3], device=x.device) < x.shape[3] // 2))


class Hungry(Line):
    """A network for which more images than the genome says are too many; keeps the sizes it was given."""

    seen: list[int]

    def __init__(self) -> None:
        self.seen = []

    def build(self, genome: float, task: Task) -> nn.Module:
        return _Hungry(genome, task, self.seen)


class _Hungry(_Scaled):
    def __init__(self, most: float, task: Task, seen: list[int]):
        super().__init__(1.0, task)
        self.most, self.seen = most, seen

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training and len(x) > self.most:
            raise torch.OutOfMemoryError(f"no memory for {len(x)} images")
        if self.training:
            self.seen.append(len(x))
        return super().forward(x)


class Branching(Line):
    """A network that torch.export cannot take: its way depends on its input."""

    def build(self, genome: float, task: Task) -> nn.Module:
        return _Branching(genome, task)


class _Branching(_Scaled):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x if float(x.sum()) > 0 else -x)
