"""Networks that anybody can type, trained by the usual recipe: what a search has to beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evonas.core.recipe import Recipe
from evonas.core.types import Candidate, Task
from evonas.domains.domain import domain_named

if TYPE_CHECKING:
    from torch import nn

    from evonas.domains.images import Images

RATED = 1.0  # seconds in which the speed of a network is measured
RESNET = {"stem": "conv", "width": 16, "growth": 2.0, "stages": 3, "block": "residual", "optimizer": "sgd"}


@dataclass(frozen=True)
class Fixed:
    """An encoding of one network, with one recipe."""

    network: str
    varied: bool

    def sample(self, rng: np.random.Generator) -> str:
        return self.network

    def mutate(self, genome: str, rng: np.random.Generator) -> str:
        return genome

    def crossover(self, a: str, b: str, rng: np.random.Generator) -> str:
        return a

    def features(self, genome: str) -> Mapping[str, float]:
        return {}

    def recipe(self, genome: str) -> Recipe:
        """What `evonas search` trains networks by whose encoding says nothing, with and without shifts and mirrors."""
        return Recipe(shift_x=0.125, shift_y=0.125, mirror_x=True) if self.varied else Recipe()

    def build(self, genome: str, task: Task) -> nn.Module:
        return build_fixed(self.network, task)


def build_fixed(name: str, task: Task) -> nn.Module:
    """resnet8, resnet20 (He et al. 2016, for CIFAR, width 16), or a network of torchvision's made for small images."""
    import torchvision
    from torch import nn

    if name in ("resnet8", "resnet20"):
        from evonas.encodings.net import NetEncoding

        net = NetEncoding()
        return net.build(net.genome(**RESNET, depth=0 if name == "resnet8" else 2), task)
    found = getattr(torchvision.models, name)(num_classes=task.n_classes)
    channels = task.input_shape[0]
    if name == "resnet18":  # without the first reductions, as is usual for images of 32 pixels
        found.conv1 = nn.Conv2d(channels, 64, 3, 1, 1, bias=False)
        found.maxpool = nn.Identity()
    else:
        first = found.features[0][0]
        found.features[0][0] = nn.Conv2d(channels, first.out_channels, 3, 1, 1, bias=False)
    return found


@dataclass(frozen=True)
class FixedNetwork:
    """A system. Both recipes get all the seconds, the better one by validation is trained again on training and
    validation images: three times the budget of a search. What the trainer keeps for looking at validation and test
    images comes on top, for a large network takes minutes for that. All of it is to this one's advantage."""

    name: str

    def __call__(self, data: Images, seconds: float, seed: int) -> Mapping[str, Any]:
        from evonas.training.trainer import FORWARD, TorchTrainer

        split: Any = domain_named("images").split(data, seed=seed)
        trainers = {
            varied: TorchTrainer(Fixed(self.name, varied), split, seconds=seconds, device="cpu")
            for varied in (False, True)
        }
        rate = trainers[False].rate(Candidate(self.name), seed, min(RATED, seconds))["images_per_second"]
        looking = {"validation": FORWARD * len(split.y_val) / rate, "test": FORWARD * len(split.y_test) / rate}
        accuracies = {}
        for varied, trainer in trainers.items():
            trainer.seconds = seconds + looking["validation"]
            accuracies[varied] = trainer(Candidate(self.name), split.task, seed).metrics.get("val_accuracy", 0.0)
        varied = max(accuracies, key=lambda one: (accuracies[one], one))
        found = trainers[varied].finish(self.name, seed, seconds + looking["test"]).metrics
        return {
            "fixed": True,
            "test_accuracy": found["test_accuracy"],
            "params": found["params"],
            "varied": varied,
            "val_accuracies": {str(one): accuracy for one, accuracy in accuracies.items()},
            "images": found["images"],
            "looking_seconds": looking,
        }
