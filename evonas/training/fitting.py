"""One training: stochastic gradient descent over augmented batches, without a wait for the device inside an epoch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from evonas.core.errors import Diverged
from evonas.core.fixed import NOTHING, Fixed
from evonas.core.recipe import Recipe
from evonas.training.accelerators import random_state, set_random_state, wait_for
from evonas.training.averaging import Averages
from evonas.training.checkpoints import State
from evonas.training.criterion import Criterion, class_weights
from evonas.training.data import DeviceSet
from evonas.training.inheritance import named_tensors
from evonas.training.memory import Peak, size_of
from evonas.training.pace import Clock, Pace, Steps
from evonas.training.steps import FiniteLoss, make_step
from evonas.training.turns import Alone, Turns
from evonas.training.watching import Tell

DIVERGED = 10.0  # times the loss of guessing, or of the first epoch if that was more: such a training is lost

NOTES = ("epoch", "steps", "images", "accuracy", "first_loss")  # what a training's state has besides tensors


class Fitting:
    """One training, which can be left after any epoch and taken up again.

    Args:
        network: on the data's device; trained in place.
        data: what it is trained on.
        recipe: how.
        pace: for how long.
        generator: a CPU generator, of the order and the augmentation.
        micro: a step's gradient is gathered from pieces of so many images.
        precision: what convolutions compute in; weights are always float32.
        n_classes: of the labels.
        turns: with other trainings of this process.
        fixed: what all trainings of its search have in common.

    `epoch` is how many are done, whole or in part, `steps` and `images` how many of those; `accuracy` that on the
    augmented images of the last epoch, `first_loss` the mean loss of the first. `curve` has images, loss and accuracy
    after each epoch that was trained here, and `tell`, where somebody watches, is called then.
    """

    def __init__(
        self,
        network: nn.Module,
        data: DeviceSet,
        recipe: Recipe,
        pace: Pace,
        generator: torch.Generator,
        micro: int,
        precision: torch.dtype,
        n_classes: int,
        turns: Turns | None = None,
        fixed: Fixed | None = None,
    ):
        self.network, self.data, self.recipe, self.pace, self.generator = network, data, recipe, pace, generator
        self.n_classes, self.turns = n_classes, turns or Alone()
        self.curve: list[tuple[int, float, float]] = []
        self.tell: Tell | None = None
        self.epoch, self.steps, self.images, self.accuracy, self.first_loss = 0, 0, 0, 0.0, 0.0
        network.train()
        self.peak = Peak(data.device, size_of(named_tensors(network).values()))
        self.averages = Averages(network, recipe.averaging) if recipe.averaging else None
        labels = torch.zeros(recipe.batch_size, dtype=torch.long, device=data.device)
        targets = F.one_hot(labels, n_classes).float() if recipe.mixup else labels
        self.fixed = fixed or NOTHING
        weights = class_weights(data.y, n_classes) if self.fixed.balance else None
        criterion = Criterion(recipe.label_smoothing, weights, self.fixed.loss)
        own = self.fixed.optimizer
        self.step = make_step(network, recipe, precision, data, micro, targets, criterion, own)
        self.finite = FiniteLoss(self.step.loss)

    def run(self, until: float = math.inf) -> None:
        """Train in place until so many epochs are done, or the pace says that it is over.

        Raises Diverged soon after the loss is no number any more, and after an epoch whose loss is `DIVERGED` times as
        high as it may begin.
        """
        self.network.train()
        whole = -(-len(self.data) // self.recipe.batch_size)
        while self.epoch < until and self._epoch(whole):
            pass

    def end(self) -> None:
        """The network gets its averaged weights, where the recipe wants them."""
        if self.averages:
            self.averages.swap()

    @property
    def peak_memory_mb(self) -> float:
        """The most that its tensors took by now (`Peak`)."""
        return self.peak.mb(self.step.took + size_of(self.averages.values.values() if self.averages else ()))

    def _epoch(self, whole: int) -> bool:
        """An epoch of so many steps, or as much of it as the pace leaves; whether it was done to its end."""
        recipe, step = self.recipe, self.step
        step.loss.zero_()
        step.correct.zero_()
        mixed = self._mixing(whole)
        taken = seen = 0
        done = 0.0
        for i, (images, labels) in enumerate(self.data.augmented(recipe, self.generator)):
            self.turns.step()
            if isinstance(self.pace, Clock) and i % Clock.WAITED == 0:
                self._wait()  # a clock must not count what is only queued
            progress = self.pace.progress(self.steps, len(labels))
            if progress is None:
                break
            done = progress
            self.steps, taken = self.steps + 1, i + 1
            if len(labels) < 2:  # batch normalisation needs two
                continue
            images = images if self.fixed.augment is None else self.fixed.augment(images)
            images, targets = mixed(i, images, labels) if mixed else (images, labels)
            step(images, targets, self._lr(progress))
            seen += len(labels)
            if self.averages and self.steps % Averages.EVERY == 0:
                self.averages.update(progress)
            if i % FiniteLoss.EVERY == FiniteLoss.EVERY - 1 and self.finite.stopped():
                taken = whole
                break
        if not taken:
            return False
        self._wait()  # the epoch's one for the device
        loss = float(step.loss) / taken
        self._judge(loss, self.epoch)
        self.images += seen
        self.epoch, self.accuracy = self.epoch + 1, float(step.correct) / (len(self.data) if taken == whole else seen)
        self.curve.append((self.images, loss, self.accuracy))
        if self.tell is not None:
            self.tell(self.steps / self.pace.total if isinstance(self.pace, Steps) else done, loss, self.accuracy)
        return taken == whole

    def _wait(self) -> None:
        with self.turns.aside():
            wait_for(self.data.device)

    def _lr(self, progress: float) -> float:
        return self.recipe.lr * schedule(progress, self.recipe.warm_up)

    def _mixing(self, steps: int) -> Any:
        """A function that mixes the i-th batch of an epoch with itself in another order; None where none is mixed."""
        if not self.recipe.mixup:
            return None
        seed = int(torch.randint(2**62, (1,), generator=self.generator))
        rng = np.random.default_rng(seed)
        shares = rng.beta(self.recipe.mixup, self.recipe.mixup, steps)

        def mixed(i: int, images: torch.Tensor, labels: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            targets, share = F.one_hot(labels, self.n_classes).float(), float(shares[i])
            # the batch is in random order already: turned round it is as good as another permutation
            return images.lerp(images.flip(0), share), targets.lerp(targets.flip(0), share)

        return mixed

    def _judge(self, loss: float, epoch: int) -> None:
        """Of an epoch by its mean loss in nats."""
        where = f"in epoch {epoch + 1}"
        if not math.isfinite(loss):
            raise Diverged(f"diverged: the loss is no number {where}")
        if epoch == 0:
            self.first_loss = loss
        if loss > DIVERGED * max(self.first_loss, math.log(self.n_classes)):
            raise Diverged(f"diverged: the loss is {loss:.3g} {where}, after {self.first_loss:.3g} in the first")

    def state(self) -> State:
        """All that the rest of the training depends on."""
        tensors = {f"network.{name}": tensor for name, tensor in named_tensors(self.network).items()}
        for i, (_, remembered) in enumerate(self.step.memory()):
            tensors |= {f"optimizer.{i}.{name}": value for name, value in remembered.items() if value is not None}
        if self.averages:
            tensors |= {f"average.{name}": value for name, value in self.averages.values.items()}
        tensors |= {"generator": self.generator.get_state(), "random": torch.get_rng_state()}
        if (own := random_state(self.data.device)) is not None:
            tensors[f"random {self.step.kind}"] = own
        copies = {name: torch.as_tensor(tensor).detach().cpu().clone() for name, tensor in tensors.items()}
        notes = {name: getattr(self, name) for name in NOTES}
        return State(copies, {**notes, "averaged": self.averages.last if self.averages else 0.0})

    def restore(self, state: State) -> None:
        """Go on from there. Raises ValueError, and changes nothing, where it is another training's state."""
        own = named_tensors(self.network)
        kept = _starting_with("network.", state.tensors)
        if {name: tensor.shape for name, tensor in own.items()} != {name: t.shape for name, t in kept.items()}:
            raise ValueError("the checkpoint is of another network")
        if not {*NOTES, "averaged"} <= state.notes.keys() or not {"generator", "random"} <= state.tensors.keys():
            raise ValueError("the checkpoint is of no training")
        if self.averages:
            self.averages.restore(_starting_with("average.", state.tensors), state.notes["averaged"])
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(kept[name])
        for i, (parameter, remembered) in enumerate(self.step.memory()):
            for name, value in _starting_with(f"optimizer.{i}.", state.tensors).items():
                if name in remembered:  # in place: a CUDA graph knows its address
                    remembered[name].copy_(value)
                elif value.shape == parameter.shape:  # and in memory as the parameter lies
                    remembered[name] = torch.empty_like(parameter).copy_(value)
                else:
                    remembered[name] = value.to(parameter.device)
        self.generator.set_state(state.tensors["generator"])
        torch.set_rng_state(state.tensors["random"])
        if (own := state.tensors.get(f"random {self.step.kind}")) is not None:
            set_random_state(self.data.device, own)
        for name in NOTES:
            setattr(self, name, state.notes[name])


def _starting_with(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def schedule(progress: float, warm_up: float = 0.1) -> float:
    """Share of the highest learning rate at a progress of 0 to 1: up in a line, down in a cosine (Loshchilov & Hutter
    2017, ICLR)."""
    if progress < warm_up:
        return (progress + 0.01) / (warm_up + 0.01)
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))
