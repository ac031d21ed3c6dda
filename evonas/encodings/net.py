"""Small staged networks for images of every size, with the recipe they are trained by in the same genome.

The default is what airbench is made of (Jordan 2024, arXiv 2404.00498): a whitening first layer that is not learned,
stages of convolution, max-pooling and normalisation, Muon. Other choices lead to ResNets (He et al. 2016, CVPR), plain
and separable networks, and to first layers that take a whole column or row at once.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.networks import weights_kb
from evonas.core.recipe import Recipe
from evonas.core.space import Gene, Space
from evonas.core.types import Task
from evonas.encodings.categorical import CategoricalEncoding, Genome
from evonas.encodings.counting import one_less
from evonas.encodings.net_layout import plan
from evonas.encodings.net_plan import Plan
from evonas.encodings.recipe_genes import RECIPE, allowed, described, sampled, to_recipe
from evonas.encodings.variation import mutated

if TYPE_CHECKING:
    from torch import nn

ARCHITECTURE: Mapping[str, Sequence[Hashable]] = {
    "stem": ("white", "conv", "column", "row"),
    "reduction": (1, 2),
    "width": (16, 24, 32, 48, 64),
    "stages": (1, 2, 3, 4),
    "growth": (1.0, 1.5, 2.0),
    "depth": (0, 1, 2, 3),
    "block": ("pool", "plain", "residual", "bottleneck", "depthwise"),
    "kernel": ("3x3", "5x5", "1x5", "5x1"),
    "head": ("mean", "mean+max", "flatten"),
    "dropout": (0.0, 0.1, 0.25),
}
CONDITIONS: Mapping[str, tuple[str, tuple[Hashable, ...]]] = {"growth": ("stages", (2, 3, 4))}
# what a network that is too large is made smaller by, the gentlest first; each with its choices from small to large
SMALLER: Mapping[str, Sequence[Hashable]] = {
    **{gene: ARCHITECTURE[gene] for gene in ("width", "growth", "depth")},
    "kernel": ("3x3", "1x5", "5x1", "5x5"),
    "head": ARCHITECTURE["head"],
    "stages": ARCHITECTURE["stages"],
    "reduction": (2, 1),
    "block": ("depthwise", "pool", "bottleneck", "residual", "plain"),
}
STEMS = ("white", "white", "conv", "conv", "column", "row")  # few pictures are spectra, tables or text
NOMINAL, CLASSES = (3, 32, 32), 10  # what features add up for


class NetEncoding(CategoricalEncoding):
    """A genome is (stem, reduction, width, stages, growth, depth, block, kernel, head, dropout) and the recipe's genes.

    `stem` reduces large pictures to at most 40 pixels a side, and `reduction` 2 once more; `white` is whitened from
    training images and not learned, `column` and `row` are as high and as wide as the picture. `width` are the channels
    of the first stage, times `growth` in each further one (at most 256). A stage halves the picture (the first one with
    the block `pool` only) and has `depth` more parts of its `block`. A halving that would leave nothing is not taken,
    so every genome builds for every image from 1×1 and every number of channels. The recipe's genes are in
    `evonas.encodings.recipe_genes`.
    """

    genes: Mapping[str, Sequence[Hashable]] = {**ARCHITECTURE, **RECIPE}

    def __init__(self) -> None:
        super().__init__()
        genes = tuple(Gene(name, tuple(options), CONDITIONS.get(name)) for name, options in self.genes.items())
        self._space: Space[Genome] = Space(genes, tuple, list)

    def space(self) -> Space[Genome]:
        """All genes; the growth of a single stage has no effect."""
        return self._space

    def sample(self, rng: np.random.Generator) -> Genome:
        """All choices alike, but a stem of lines is half as likely as one of pictures, and what changes images is
        mostly left out."""
        stem = STEMS[int(rng.integers(len(STEMS)))]
        return (stem, *(sampled(gene, rng) for gene in self._space.genes[1:]))

    def mutate(self, genome: Genome, rng: np.random.Generator) -> Genome:
        """One gene for certain, of the architecture or of the recipe with the same chance; others with 1 / genes."""
        active = self._space.active(self.named(genome))
        recipe = rng.random() < 0.5
        certain = [i for i, on in enumerate(active) if on and (i >= len(ARCHITECTURE)) == recipe]
        return mutated(self._space.genes, genome, certain, rng)

    def canonical(self, genome: Genome) -> Genome:
        """A single stage does not grow; on the line of pixels that a column or a row leaves, kernels are lines."""
        named = self.named(genome)
        if named["stages"] == 1:
            named["growth"] = self.genes["growth"][0]
        if named["stem"] in ("column", "row") and named["kernel"] != "3x3":
            named["kernel"] = "5x5"
        return tuple(named.values())

    def features(self, genome: Genome) -> Mapping[str, float]:
        """Numbers as they are, other genes one-hot, NaN where a gene has no effect; and what the architecture adds up
        to for colour pictures of 32×32 pixels."""
        genome = self.canonical(genome)
        active = self._space.active(self.named(genome))
        found: dict[str, float] = {}
        for gene, value, on in zip(self._space.genes, genome, active, strict=True):
            found |= described(gene, value, on)
        return {**found, **_sums(genome[: len(ARCHITECTURE)])}

    def recipe(self, genome: Genome) -> Recipe:
        """How the network is trained."""
        return to_recipe(self.named(genome))

    def augmented(self, genome: Genome, kept: Mapping[str, float]) -> Genome:
        """The genome with images mirrored and shifted where they keep their class (`allowed`)."""
        return tuple({**self.named(genome), **allowed(kept)}.values())

    def plan(self, genome: Genome, shape: tuple[int, ...]) -> Plan:
        """The convolutions for images of `shape`, (channels, height, width), and what they cost."""
        return plan(self.named(self.canonical(genome)), shape)

    def build(self, genome: Genome, task: Task) -> nn.Module:
        """The network for images of `task.input_shape`, (channels, height, width)."""
        from evonas.encodings.net_network import NetNetwork

        return NetNetwork(self.plan(genome, task.input_shape), self.named(genome)["dropout"], task.n_classes)

    def costs(self, genome: Genome, task: Task) -> Mapping[str, float]:
        """`params`, `flops` and `model_kb`, by the plan."""
        return _costs(self.canonical(genome)[: len(ARCHITECTURE)], task.input_shape, task.n_classes)

    def smaller(self, genome: Genome) -> list[Genome]:
        """Fewer channels; then less growth, depth and so on (`SMALLER`)."""
        named = self.named(self.canonical(genome))
        steps = (one_less(named, gene, choices) for gene, choices in SMALLER.items())
        return [self.canonical(tuple(step.values())) for step in steps if step is not None]

    def genome(self, **choices: Any) -> Genome:
        """The fixed baseline with these choices changed. Raises EvonasError where there is no such gene or choice."""
        from evonas.encodings.net_portfolio import BASELINE

        named = {**BASELINE, **choices}
        for name, value in choices.items():
            if value not in self.genes.get(name, ()):
                there = f"its choices are {self.genes[name]}" if name in self.genes else f"genes are {list(self.genes)}"
                raise EvonasError(f"no {name}={value!r} in the encoding 'net'; {there}")
        return self.canonical(tuple(named[name] for name in self.genes))

    def portfolio(self, task: Task) -> list[Genome]:
        """The fixed baseline, then genomes unlike it and each other; without anything that changes images."""
        from evonas.encodings.net_portfolio import portfolio

        return [self.genome(**choices) for choices in portfolio(task.input_shape)]

    def graph(self, genome: Genome) -> list[tuple[str, str, str]]:
        """A chain: input, stem, stages, output."""
        named = self.named(self.canonical(genome))
        drawn = self.plan(genome, NOMINAL)
        kernel = named["kernel"].replace("x", "×")
        stem = {"white": "whitening, frozen", "conv": "conv 3×3"}.get(named["stem"], f"conv, a whole {named['stem']}")
        labels = [stem + (" ↓2" if named["reduction"] > 1 else "")]
        for number, stage in enumerate(drawn.stages):
            halved = " ↓2" if number or named["block"] == "pool" else ""
            deeper = f" + {named['depth']}" if named["depth"] else ""
            labels.append(f"{named['block']} conv {kernel} w{stage[0].body[-1].outputs}{halved}{deeper}")
        dropout = f", dropout {named['dropout']}" if named["dropout"] else ""
        names = ["input", "stem", *(f"stage {i + 1}" for i in range(named["stages"])), "output"]
        return list(zip(names[:-1], names[1:], [*labels, f"{named['head']}{dropout}, linear"], strict=True))


@lru_cache(maxsize=2**16)
def _costs(architecture: Genome, shape: tuple[int, ...], classes: int) -> Mapping[str, float]:
    planned = plan(dict(zip(ARCHITECTURE, architecture, strict=True)), shape)
    kilobytes = weights_kb(planned.tensors(classes))
    return {"params": planned.params(classes), "flops": planned.flops(classes), "model_kb": kilobytes}


@cache
def _sums(architecture: Genome) -> Mapping[str, float]:
    named = dict(zip(ARCHITECTURE, architecture, strict=True))
    planned = plan(named, NOMINAL)
    last = planned.stages[-1][-1]
    return {
        "log params": math.log(planned.params(CLASSES)),
        "log flops": math.log(planned.flops(CLASSES)),
        "convolutions": float(sum(1 for _ in planned.convolutions())),
        "last width": float(last.body[-1].outputs),
        "log last pixels": math.log(math.prod(last.size)),
        "log numbers": math.log(planned.numbers),
        "log field y": math.log(planned.field(0)),
        "log field x": math.log(planned.field(1)),
    }
