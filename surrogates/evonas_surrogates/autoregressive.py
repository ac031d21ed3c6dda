"""A distribution over the genomes of a space: each gene's choice, given those before it and the task."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from evonas.core.errors import EvonasError
from evonas.core.space import Space

NEVER = -1e9  # the logit of a choice that a gene does not have
MOST_CHOICES = 4000  # of all genes; each pair of them has a weight


class Autoregressive(nn.Module):
    """Gene after gene a categorical choice; its logits are linear in the choices before and in the task's descriptors.

    The autoregressive network without a hidden layer (Frey 1998, Graphical Models for Machine Learning and Digital
    Communication): any two genes may depend on one another, and a handful of results moves it. Untrained, all choices
    are alike. A gene without an effect takes its first choice, and counts for nothing.

    Args:
        space: of g genes with at most k choices each, c of all genes together.
        descriptors: how many numbers describe a task.

    Raises EvonasError where c is beyond what it can hold.
    """

    missing: torch.Tensor
    places: torch.Tensor
    earlier: torch.Tensor

    def __init__(self, space: Space, descriptors: int = 0):
        super().__init__()
        sizes = np.array(space.sizes)
        count = int(sizes.sum())
        if count > MOST_CHOICES:
            raise EvonasError(
                f"the genes have {count:,} choices together, and a policy takes at most {MOST_CHOICES:,}; "
                "give genes fewer choices, or take another method: evolution"
            )
        self._sizes, self._starts = sizes, np.cumsum(sizes) - sizes
        self._conditions = [_condition(space, gene) for gene in range(len(sizes))]
        self.own = nn.Parameter(torch.zeros(count, dtype=torch.float32))
        self.pairs = nn.Parameter(torch.zeros(count, count, dtype=torch.float32))
        self.task = nn.Parameter(torch.zeros(descriptors, count, dtype=torch.float32))
        there = np.arange(sizes.max())[None] < sizes[:, None]
        gene = np.repeat(np.arange(len(sizes)), sizes)
        earlier = (gene[:, None] < gene[None]) / np.sqrt(len(sizes))
        self.register_buffer("missing", torch.from_numpy(np.where(there, 0.0, NEVER)).float())
        self.register_buffer(
            "places", torch.from_numpy(np.where(there, self._starts[:, None] + np.arange(len(there[0])), 0))
        )
        self.register_buffer("earlier", torch.from_numpy(earlier).float())

    def forward(self, choices: torch.Tensor, tasks: torch.Tensor) -> torch.Tensor:
        """(n, g, k) log-probabilities of each choice of each gene, given (n, g) choices and (n, descriptors)."""
        before = torch.zeros(len(choices), len(self.own)).scatter_(1, choices + torch.from_numpy(self._starts), 1.0)
        logits = before @ (self.pairs * self.earlier) + tasks @ self.task + self.own
        return torch.log_softmax(logits[:, self.places] + self.missing, -1)

    def said(self, choices: torch.Tensor, tasks: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n,) log-probabilities of (n, g) choices, and (n,) entropies along them, of the genes with an effect."""
        active = torch.from_numpy(self.active(choices.numpy()))
        log = self(choices, tasks)
        entropy = -(log.exp() * log).sum(-1)
        chosen = log.gather(2, choices[:, :, None])[:, :, 0]
        return (chosen * active).sum(1), (entropy * active).sum(1)

    @torch.no_grad()
    def draw(self, tasks: np.ndarray, rng: np.random.Generator, heat: float = 1.0) -> np.ndarray:
        """(n, g) choices for (n, descriptors); with more `heat` than 1 all choices become more alike."""
        n = len(tasks)
        pairs = (self.pairs * self.earlier).numpy()
        logits = self.own.numpy() + tasks.astype(np.float32) @ self.task.numpy()
        choices = np.zeros((n, len(self._sizes)), dtype=np.int64)
        chance = rng.random((len(self._sizes), n, 1))
        for gene, (start, size) in enumerate(zip(self._starts, self._sizes, strict=True)):
            own = logits[:, start : start + size] / heat
            shares = np.exp(own - own.max(1, keepdims=True)).cumsum(1)
            choice = (shares[:, :-1] < chance[gene] * shares[:, -1:]).sum(1)
            choices[:, gene] = np.where(self._active(choices, gene), choice, 0)
            logits += pairs[start + choices[:, gene]]
        return choices

    def active(self, choices: np.ndarray) -> np.ndarray:
        """(n, g) whether each gene has an effect."""
        return np.stack([self._active(choices, gene) for gene in range(len(self._sizes))], 1)

    def _active(self, choices: np.ndarray, gene: int) -> np.ndarray:
        """(n,); only genes before this one are looked at."""
        active = np.ones(len(choices), bool)
        while (condition := self._conditions[gene]) is not None:
            gene, wanted = condition
            active &= np.isin(choices[:, gene], wanted)
        return active


def _condition(space: Space, gene: int) -> tuple[int, list[int]] | None:
    """The gene that a gene depends on, and the places of the choices for which it has an effect."""
    condition = space.genes[gene].condition
    if condition is None:
        return None
    on = space.names.index(condition[0])
    return on, [space.genes[on].choices.index(value) for value in condition[1]]
