"""Networks of stages of inverted bottlenecks: each stage has a depth, width, kernel, expansion, squeeze-excite, stride.

The blocks are those of MobileNetV2 (Sandler et al. 2018, CVPR), the stages those of MnasNet (Tan et al. 2019, CVPR).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from evonas.core.options import at_least
from evonas.core.types import Task
from evonas.encodings.categorical import CategoricalEncoding, Genome
from evonas.encodings.counting import Counting, one_less

if TYPE_CHECKING:
    from torch import nn

CHOICES: Mapping[str, Sequence[int]] = {
    "depth": (1, 2, 3),
    "width": (8, 12, 16, 24, 32),
    "kernel": (3, 5),
    "expansion": (1, 2, 4),
    "squeeze": (0, 1),
    "stride": (1, 2),
}
# what a network that is too large is made smaller by, the gentlest first; each with its choices from small to large
SMALLER: Mapping[str, Sequence[int]] = {
    **{what: CHOICES[what] for what in ("width", "expansion", "kernel", "squeeze", "depth")},
    "stride": (2, 1),
}
LARGE = 40  # pixels a side, above which the first stage of the portfolio halves as well
PORTFOLIO: Sequence[Mapping[str, Sequence[int]]] = (  # of the first, middle and last stages
    # MobileNetV2's proportions, half as deep
    {"depth": (1, 2, 2), "width": (16, 24, 32), "kernel": (3, 3, 3), "expansion": (4, 4, 4), "squeeze": (0, 0, 0)},
    # MobileNetV3's larger kernels and squeeze-excite (Howard et al. 2019, ICCV), slim
    {"depth": (1, 1, 1), "width": (16, 24, 32), "kernel": (3, 5, 5), "expansion": (2, 4, 4), "squeeze": (0, 1, 1)},
    # separable convolutions without a widening (MobileNet: Howard et al. 2017), deep
    {"depth": (2, 3, 3), "width": (32, 32, 32), "kernel": (3, 3, 3), "expansion": (1, 1, 1), "squeeze": (0, 0, 0)},
)


class MacroEncoding(CategoricalEncoding):
    """A genome is, stage by stage, (depth, width, kernel, expansion, squeeze-excite, stride).

    A stride that would leave fewer than two pixels is not taken, so every genome builds for every image size.

    Args:
        stages: how many stages.
        stem: channels of the first convolution.
    """

    def __init__(self, stages: int = 3, stem: int = 16):
        self.stages = at_least(1, stages=stages)
        self.stem = at_least(1, stem=stem)
        super().__init__(
            {f"{what}{stage}": options for stage in range(1, self.stages + 1) for what, options in CHOICES.items()}
        )

    def features(self, genome: Genome) -> Mapping[str, float]:
        """One-hot genes, the numbers themselves, and what they add up to."""
        stages = self.by_stage(genome)
        numbers = {name: float(value) for name, value in self.named(genome).items()}
        width, params, flops, size = self.stem, 0.0, 0.0, 1.0
        for stage in stages:
            for i in range(stage["depth"]):
                hidden = width * stage["expansion"]
                weights = width * hidden + hidden * stage["kernel"] ** 2 + hidden * stage["width"]
                size = size / stage["stride"] ** 2 if i == 0 else size
                params, flops, width = params + weights, flops + weights * size, stage["width"]
        return {
            **super().features(genome),
            **numbers,
            "depth": float(sum(stage["depth"] for stage in stages)),
            "log params": math.log(params),
            "log flops": math.log(flops),
            "reduction": float(np.prod([stage["stride"] for stage in stages])),
            "receptive field": float(sum(stage["depth"] * (stage["kernel"] - 1) for stage in stages)),
        }

    def by_stage(self, genome: Genome) -> list[dict[str, int]]:
        """What each stage has, in order."""
        n = len(CHOICES)
        return [dict(zip(CHOICES, genome[i * n : (i + 1) * n], strict=True)) for i in range(self.stages)]

    def portfolio(self, task: Task) -> list[Genome]:
        """The fixed baseline, a small MobileNetV2, then networks unlike it and each other.

        All stages but the first halve the picture, of a large one the first as well.
        """
        large = min(task.input_shape[1:], default=0) > LARGE
        thirds = [3 * stage // self.stages for stage in range(self.stages)]
        return [
            tuple(
                value
                for stage, third in enumerate(thirds)
                for value in (*(choices[third] for choices in one.values()), 2 if stage or large else 1)
            )
            for one in PORTFOLIO
        ]

    def costs(self, genome: Genome, task: Task) -> Mapping[str, float]:
        """`params` and `flops`."""
        channels, height, across = task.input_shape
        count, width, size = Counting(height, across), self.stem, min(height, across)
        count.convolution(channels, width, 3)
        count.normalisation(width)
        for stage in self.by_stage(genome):
            for i in range(stage["depth"]):
                stride = stage["stride"] if i == 0 and -(-size // stage["stride"]) >= 2 else 1
                hidden = width * stage["expansion"]
                if stage["expansion"] > 1:
                    count.beside(width, hidden)
                    count.normalisation(hidden)
                count.convolution(hidden, hidden, stage["kernel"], stride, groups=hidden)
                count.normalisation(hidden)
                if stage["squeeze"]:
                    squeezed = max(4, hidden // 4)
                    count.linear(hidden, squeezed)
                    count.linear(squeezed, hidden)
                count.beside(hidden, stage["width"])
                count.normalisation(stage["width"])
                size, width = -(-size // stride), stage["width"]
        count.linear(width, task.n_classes)
        return count.costs

    def smaller(self, genome: Genome) -> list[Genome]:
        """Fewer channels in all stages; or less expansion, depth and so on, a stride more (`SMALLER`)."""
        found = []
        for what, choices in SMALLER.items():
            named = self.named(genome)
            for stage in range(1, self.stages + 1):
                named = one_less(named, f"{what}{stage}", choices) or named
            found.append(tuple(named.values()))
        return [one for one in found if one != genome]

    def build(self, genome: Genome, task: Task) -> nn.Module:
        from evonas.encodings.macro_network import MacroNetwork

        return MacroNetwork(self.by_stage(genome), self.stem, task)

    def graph(self, genome: Genome) -> list[tuple[str, str, str]]:
        """A chain: input, stages, output."""
        stages = self.by_stage(genome)
        names = ["input", *(f"stage {i + 1}" for i in range(len(stages))), "output"]
        labels = [
            f"{s['depth']}× MB{s['expansion']} {s['kernel']}×{s['kernel']} w{s['width']}"
            + (" SE" if s["squeeze"] else "")
            + (" ↓2" if s["stride"] == 2 else "")
            for s in stages
        ]
        return list(zip(names[:-1], names[1:], [*labels, "pool, linear"], strict=True))
