"""Networks of residual convolutions with dilation for series, in stages that halve the length.

The residual blocks are those of ResNet for time series (Wang, Yan & Oates 2017, IJCNN), dilated as in temporal
convolutional networks (Bai, Kolter & Koltun 2018, arXiv:1803.01271), but not causal.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING

from evonas.core.types import Task
from evonas.encodings.categorical import CategoricalEncoding, Genome

if TYPE_CHECKING:
    from torch import nn


class SeriesEncoding(CategoricalEncoding):
    """A genome is (stages, width, kernel, growth, blocks, norm, pool, dropout).

    `width` are the channels of the first stage, doubled in each further one; `growth` is the factor of the dilation
    from one of a stage's blocks to the next; `pool` makes one vector of a series. A dilation that would reach beyond
    the series is not taken, so every genome builds for every length from 1 and every number of channels.
    """

    genes: Mapping[str, Sequence[Hashable]] = {
        "stages": (1, 2, 3),
        "width": (8, 16, 32),
        "kernel": (3, 5, 9),
        "growth": (1, 2, 4),
        "blocks": (1, 2, 3),
        "norm": ("batch", "layer"),
        "pool": ("mean", "max", "both"),
        "dropout": (0.0, 0.1, 0.3),
    }

    def canonical(self, genome: Genome) -> Genome:
        """One block a stage has no dilation to grow."""
        named = self.named(genome)
        if named["blocks"] == 1:
            named["growth"] = self.genes["growth"][0]
        return tuple(named.values())

    def features(self, genome: Genome) -> Mapping[str, float]:
        """One-hot genes, the numbers themselves, and what they add up to."""
        named = self.named(self.canonical(genome))
        numbers = {name: float(value) for name, value in named.items() if not isinstance(value, str)}
        params, field, width, halved = 0.0, 1.0, 0.0, 1.0
        for stage in range(named["stages"]):
            inputs, width = width, float(named["width"] * 2**stage)
            for block in range(named["blocks"]):
                params += named["kernel"] * width * (width + ((inputs or width) if block == 0 else width))
                field += 2 * (named["kernel"] - 1) * named["growth"] ** block * halved
            halved *= 2
        sums = {"depth": numbers["stages"] * numbers["blocks"], "log params": math.log(params)}
        return {**super().features(self.canonical(genome)), **numbers, **sums, "log receptive field": math.log(field)}

    def build(self, genome: Genome, task: Task) -> nn.Module:
        """The network for series of `task.input_shape`, (channels, length)."""
        from evonas.encodings.series_network import SeriesNetwork

        return SeriesNetwork(self.named(self.canonical(genome)), task)

    def graph(self, genome: Genome) -> list[tuple[str, str, str]]:
        """A chain: input, stages, output."""
        named = self.named(self.canonical(genome))
        growth = f" dilation ×{named['growth']}" if named["growth"] > 1 else ""
        labels = [
            f"{named['blocks']}× conv {named['kernel']} w{named['width'] * 2**stage}{growth}" + (" ↓2" if stage else "")
            for stage in range(named["stages"])
        ]
        head = f"pool {named['pool']}, " + (f"dropout {named['dropout']}, " if named["dropout"] else "") + "linear"
        names = ["input", *(f"stage {i + 1}" for i in range(named["stages"])), "output"]
        return list(zip(names[:-1], names[1:], [*labels, head], strict=True))
