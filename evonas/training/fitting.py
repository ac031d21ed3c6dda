"""One training: stochastic gradient descent over augmented batches, without a wait for the device inside an epoch."""

from __future__ import annotations

import inspect
import logging
import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from evonas.training.checkpoints import State
from evonas.training.data import DeviceSet
from evonas.training.inheritance import named_tensors

log = logging.getLogger(__name__)


DIVERGED = 10.0  # times the loss of guessing, or of the first epoch if that was more: such a training is lost

NOTES = ("epoch", "accuracy", "first_loss")  # what a training's state has besides tensors


class Diverged(Exception):
    """The loss is NaN, or many times that of guessing."""


@dataclass(frozen=True)
class Recipe:
    """How networks are trained. `precision` is what convolutions compute in; weights are always float32."""

    epochs: int
    batch_size: int
    lr: float
    weight_decay: float
    label_smoothing: float
    flip: bool
    precision: torch.dtype
    n_classes: int


class Fitting:
    """One training, which can be left after any epoch and taken up again.

    A step's gradient is gathered from pieces of `micro` images. `epoch` is how many are done, `accuracy` that on the
    augmented images of the last one, `first_loss` the mean loss of the first.
    """

    def __init__(self, network: nn.Module, data: DeviceSet, recipe: Recipe, generator: torch.Generator, micro: int):
        self.network, self.data, self.recipe, self.generator = network, data, recipe, generator
        self.epoch, self.accuracy, self.first_loss = 0, 0.0, 0.0
        network.train()
        self.step = make_step(network, data, recipe, micro)
        self.finite = FiniteLoss(self.step.loss)

    def run(self, until: int) -> None:
        """Train in place until so many of the recipe's epochs are done. Raises Diverged soon after the loss is no
        number any more, and after an epoch whose loss is `DIVERGED` times as high as it may begin."""
        self.network.train()
        recipe, step = self.recipe, self.step
        steps = -(-len(self.data) // recipe.batch_size)
        for epoch in range(self.epoch, until):
            step.loss.zero_()
            step.correct.zero_()
            for i, (images, labels) in enumerate(self.data.augmented(recipe.batch_size, recipe.flip, self.generator)):
                if len(labels) < 2:  # batch normalisation needs two
                    continue
                step(images, labels, recipe.lr * schedule((epoch * steps + i) / (recipe.epochs * steps)))
                if i % FiniteLoss.EVERY == FiniteLoss.EVERY - 1 and self.finite.stopped():
                    break
            self._judge(float(step.loss) / steps, epoch)  # the epoch's one wait for the device
            self.epoch, self.accuracy = epoch + 1, float(step.correct) / len(self.data)

    def _judge(self, loss: float, epoch: int) -> None:
        """Of an epoch by its mean loss in nats."""
        where = f"in epoch {epoch + 1} of {self.recipe.epochs}"
        if not math.isfinite(loss):
            raise Diverged(f"diverged: the loss is no number {where}")
        if epoch == 0:
            self.first_loss = loss
        if loss > DIVERGED * max(self.first_loss, math.log(self.recipe.n_classes)):
            raise Diverged(f"diverged: the loss is {loss:.3g} {where}, after {self.first_loss:.3g} in the first")

    def state(self) -> State:
        """All that the rest of the training depends on."""
        tensors = {f"network.{name}": tensor for name, tensor in named_tensors(self.network).items()}
        tensors |= {f"momentum.{i}": buffer for i, buffer in enumerate(self._momentum()) if buffer is not None}
        tensors |= {"generator": self.generator.get_state(), "random": torch.get_rng_state()}
        if self.step.kind == "cuda":
            tensors["random cuda"] = torch.cuda.get_rng_state(self.data.device)
        copies = {name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}
        return State(copies, {name: getattr(self, name) for name in NOTES})

    def restore(self, state: State) -> None:
        """Go on from there. Raises ValueError, and changes nothing, where it is another network's state."""
        own = named_tensors(self.network)
        kept = {name.removeprefix("network."): t for name, t in state.tensors.items() if name.startswith("network.")}
        if {name: tensor.shape for name, tensor in own.items()} != {name: t.shape for name, t in kept.items()}:
            raise ValueError("the checkpoint is of another network")
        if not set(NOTES) <= state.notes.keys() or not {"generator", "random"} <= state.tensors.keys():
            raise ValueError("the checkpoint is of no training")
        with torch.no_grad():
            for name, tensor in own.items():
                tensor.copy_(kept[name])
        self._restore_momentum(state.tensors)
        self.generator.set_state(state.tensors["generator"])
        torch.set_rng_state(state.tensors["random"])
        if self.step.kind == "cuda":
            torch.cuda.set_rng_state(state.tensors["random cuda"], self.data.device)
        for name in NOTES:
            setattr(self, name, state.notes[name])

    def _parameters(self) -> list[nn.Parameter]:
        """What the optimiser moves, in its order."""
        return [
            p for group in (self.step.optimizer.param_groups if self.step.optimizer else ()) for p in group["params"]
        ]

    def _momentum(self) -> list[torch.Tensor | None]:
        optimizer = self.step.optimizer
        return [optimizer.state[p].get("momentum_buffer") for p in self._parameters()] if optimizer else []

    def _restore_momentum(self, tensors: dict[str, torch.Tensor]) -> None:
        """In place where there is some: a CUDA graph knows its address."""
        for i, (parameter, buffer) in enumerate(zip(self._parameters(), self._momentum(), strict=True)):
            value = tensors.get(f"momentum.{i}")
            if value is None or self.step.optimizer is None:
                continue
            if buffer is None:
                buffer = self.step.optimizer.state[parameter]["momentum_buffer"] = torch.empty_like(parameter)
            buffer.detach().copy_(value)


def schedule(progress: float, warm_up: float = 0.1) -> float:
    """Share of the highest learning rate at a progress of 0 to 1: up in a line, down in a cosine (Loshchilov & Hutter
    2017, ICLR)."""
    if progress < warm_up:
        return (progress + 0.01) / (warm_up + 0.01)
    return 0.5 * (1 + math.cos(math.pi * (progress - warm_up) / (1 - warm_up)))


class FiniteLoss:
    """Whether a sum on the device is still a number, found out without waiting for the device.

    On CUDA a copy is sent to the host, and looked at when it has arrived: by then the device is some steps further.
    A CPU has nothing to wait for. On other devices it is left to the end of the epoch.
    """

    EVERY = 16  # steps between two looks

    def __init__(self, loss: torch.Tensor):
        self.loss = loss
        if loss.is_cuda:
            self.arrived = torch.cuda.Event()
            self.host = torch.zeros((), pin_memory=True)

    def stopped(self) -> bool:
        if self.loss.is_cuda:
            return self._seen_on_cuda()
        return self.loss.device.type == "cpu" and not math.isfinite(float(self.loss))

    def _seen_on_cuda(self) -> bool:
        if not self.arrived.query():
            return False
        known = float(self.host)
        self.host.copy_(self.loss, non_blocking=True)
        self.arrived.record(torch.cuda.current_stream(self.loss.device))
        return not math.isfinite(known)


class Step:
    """One step of the optimiser; `loss` and `correct` add up on the device until they are set to zero."""

    def __init__(self, network: nn.Module, recipe: Recipe, device: str, micro: int):
        self.network, self.recipe, self.micro = network, recipe, micro
        self.kind = torch.device(device).type
        self.loss = torch.zeros((), device=device)
        self.correct = torch.zeros((), device=device, dtype=torch.long)
        self.optimizer = sgd(network, recipe, torch.tensor(recipe.lr, device=device) if self.kind == "cuda" else 0.0)

    def __call__(self, images: torch.Tensor, labels: torch.Tensor, lr: float) -> None:
        self.set_lr(lr)
        self.descend(images, labels)

    def set_lr(self, lr: float) -> None:
        for group in self.optimizer.param_groups if self.optimizer else ():
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr

    def descend(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        if self.optimizer:
            self.optimizer.zero_grad(set_to_none=True)
        for part, answers in zip(images.split(self.micro), labels.split(self.micro), strict=True):
            with torch.autocast(self.kind, torch.bfloat16, self.recipe.precision == torch.bfloat16, False):
                logits = self.network(part)
            loss = F.cross_entropy(logits.float(), answers, label_smoothing=self.recipe.label_smoothing)
            loss = loss * (len(part) / len(labels))
            if self.optimizer:
                loss.backward()
            self.loss += loss.detach()
            self.correct += (logits.detach().argmax(1) == answers).sum()
        if self.optimizer:
            self.optimizer.step()


class GraphedStep(Step):
    """The same step as one CUDA graph: a small network's hundreds of kernels start by a single call.

    Raises RuntimeError where the network cannot be captured, and leaves it as it was.
    """

    WARM_UPS = 3  # on a side stream, as torch asks for, so that libraries choose their kernels before the capture

    def __init__(self, network: nn.Module, recipe: Recipe, device: str, micro: int, example: torch.Tensor):
        super().__init__(network, recipe, device, micro)
        if self.optimizer is None:
            raise RuntimeError("there is nothing to learn")
        self.images = torch.empty_like(example)
        self.images.copy_(example)
        self.labels = torch.zeros(len(example), dtype=torch.long, device=device)
        before = [tensor.detach().clone() for tensor in self._state()]
        self.graph = torch.cuda.CUDAGraph()
        self.set_lr(0.0)
        try:
            with torch.cuda.device(device):
                self._warm_up()
                with torch.cuda.graph(self.graph):
                    self.descend(self.images, self.labels)
        finally:
            self._restore(before)

    def __call__(self, images: torch.Tensor, labels: torch.Tensor, lr: float) -> None:
        if images.shape != self.images.shape:  # the last batch of an epoch
            super().__call__(images, labels, lr)
            return
        self.set_lr(lr)
        self.images.copy_(images)
        self.labels.copy_(labels)
        self.graph.replay()

    def _state(self) -> list[torch.Tensor]:
        return [*self.network.parameters(), *self.network.buffers()]

    def _warm_up(self) -> None:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(self.WARM_UPS):
                self.descend(self.images, self.labels)
        torch.cuda.current_stream().wait_stream(stream)

    def _restore(self, before: list[torch.Tensor]) -> None:
        """Weights, running statistics and momentum as before the warm-up, in place: the graph knows their addresses."""
        assert self.optimizer is not None
        with torch.no_grad():
            for tensor, value in zip(self._state(), before, strict=True):
                tensor.copy_(value)
            for state in self.optimizer.state.values():
                if state.get("momentum_buffer") is not None:
                    state["momentum_buffer"].zero_()
        self.loss.zero_()
        self.correct.zero_()


def make_step(network: nn.Module, data: DeviceSet, recipe: Recipe, micro: int) -> Step:
    """A captured step on CUDA where the network allows it, else a plain one; the log says why not."""
    if torch.device(data.device).type == "cuda" and len(data) >= recipe.batch_size:
        example = next(iter(data.batches(recipe.batch_size)))[0]
        try:
            return GraphedStep(network, recipe, data.device, micro, example)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            log.info("no CUDA graph for %s: %s", type(network).__name__, (str(error).splitlines() or [""])[0])
    return Step(network, recipe, data.device, micro)


def sgd(network: nn.Module, recipe: Recipe, lr: float | torch.Tensor) -> torch.optim.SGD | None:
    """Nesterov momentum; weight decay for weights only: scales and shifts of normalisation, and biases, keep their
    freedom. None where there is nothing to learn."""
    parameters = [p for p in network.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    return SGD(groups, lr=lr, momentum=0.9, nesterov=True, fused=True) if groups else None


class SGD(torch.optim.SGD):
    """Torch's, without what keeps torch.compile from following it: that imports the compiler, a second in each process,
    and is called at every step."""

    add_param_group = inspect.unwrap(torch.optim.SGD.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.SGD.zero_grad)
    step = torch.no_grad()(inspect.unwrap(torch.optim.SGD.step))
