"""What is compared on real images: each system gets a data set and seconds of one core, and gives a test accuracy."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evonas.core.recipe import Recipe
from evonas.core.types import Candidate, Task
from evonas.domains.domain import domain_named
from evonas.domains.images import Images

if TYPE_CHECKING:
    from torch import nn

System = Callable[[Images, float, int], Mapping[str, Any]]  # data, seconds, seed -> figures


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


RESNET = {"stem": "conv", "width": 16, "growth": 2.0, "stages": 3, "block": "residual", "optimizer": "sgd"}


def fixed(name: str) -> System:
    """A network that anybody can type. Both recipes get all the seconds, the better one by validation is trained again
    on training and validation images: three times the budget of the others, to this one's advantage."""

    def run(data: Images, seconds: float, seed: int) -> Mapping[str, Any]:
        from evonas.training.trainer import TorchTrainer

        split: Any = domain_named("images").split(data, seed=seed)
        tried: list[tuple[float, bool]] = []
        trainers = {
            varied: TorchTrainer(Fixed(name, varied), split, seconds=seconds, threads=1, device="cpu")
            for varied in (False, True)
        }
        for varied, trainer in trainers.items():
            evaluation = trainer(Candidate(name), split.task, seed)
            tried.append((evaluation.metrics.get("val_accuracy", 0.0), varied))
        varied = max(tried)[1]
        start = time.monotonic()
        found = trainers[varied].finish(name, seed, seconds)
        return {
            "test_accuracy": found.metrics["test_accuracy"],
            "params": found.metrics["params"],
            "varied": varied,
            "val_accuracies": {str(varied): accuracy for accuracy, varied in tried},
            "images": found.metrics["images"],
            "seconds": time.monotonic() - start,
        }

    return run


def searched(**options: Any) -> System:
    """`evonas search` with these options, its result read from the files that it leaves."""

    def run(data: Images, seconds: float, seed: int) -> Mapping[str, Any]:
        from evonas.app.config import SearchConfig
        from evonas.app.job import carry_out, prepare

        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            config = SearchConfig.make(
                {
                    "data": "memory",
                    "encoding": "net",
                    "device": "cpu",
                    "deadline": seconds,
                    "seed": seed,
                    "out": str(Path(folder) / "out"),
                    "archive": str(Path(folder) / "archive.db"),
                    **options,
                }
            )
            job = prepare(config, data=replace(data, name="memory"), began=start)
            result = carry_out(job)
            trials = [
                [
                    t.evaluation.candidate.fidelity,
                    t.evaluation.metrics.get("val_accuracy"),
                    t.evaluation.candidate.genome,
                ]
                for t in job.archive.trials(job.name)
            ]
        return {
            "test_accuracy": result["test_accuracy"],
            "params": result["params"],
            "genome": result["genome"],
            "trials": trials,
            "images": result.values.get("images"),
            "seconds": time.monotonic() - start,
        }

    return run


SYSTEMS: Mapping[str, System] = {
    "evonas": searched(),
    "evonas without memory": searched(surrogate="none"),
    "random": searched(method="random", surrogate="none"),
    "resnet8": fixed("resnet8"),
    "resnet20": fixed("resnet20"),
    "resnet18": fixed("resnet18"),
    "mobilenet_v3_small": fixed("mobilenet_v3_small"),
}
