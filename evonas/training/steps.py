"""One step of a training, plain or as a CUDA graph."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from evonas.core.errors import first_line
from evonas.core.recipe import Recipe
from evonas.training.accelerators import out_of_memory
from evonas.training.capture import captured
from evonas.training.criterion import Criterion
from evonas.training.data import DeviceSet
from evonas.training.fused import fused
from evonas.training.memory import Made, size_of
from evonas.training.optimizers import HIGHEST, make_optimizers

log = logging.getLogger(__name__)


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
    """One step of the optimizer; `loss` and `correct` add up on the device until they are set to zero.

    `precision` is what convolutions compute in; weights are always float32. The gradient of the `criterion`'s loss (by
    default the recipe's cross-entropy) is gathered from pieces of `micro` images. Targets are (n,) labels, or (n,
    classes) shares where images are mixed. `took` is the most bytes that its tensors had at one time, measured in the
    first step; on CUDA the allocator is asked instead (`Peak`).
    """

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        precision: torch.dtype,
        device: str,
        micro: int,
        criterion: Criterion | None = None,
        optimizer: Callable[..., Any] | None = None,
    ):
        self.criterion = Criterion(recipe.label_smoothing) if criterion is None else criterion
        self.network, self.recipe, self.precision, self.micro = network, recipe, precision, micro
        self.kind = torch.device(device).type
        self.layers = fused(device, precision)
        self.loss = torch.zeros((), device=device)
        self.correct = torch.zeros((), device=device, dtype=torch.long)
        lr = torch.tensor(recipe.lr, device=device) if self.kind == "cuda" else 0.0
        self.optimizers = make_optimizers(network, recipe, lr, optimizer)
        self.took = 0

    def __call__(self, images: torch.Tensor, targets: torch.Tensor, lr: float) -> None:
        self.set_lr(lr)
        if self.took or self.kind == "cuda":
            self.descend(images, targets)
        else:
            self._look(images, targets)

    def _look(self, images: torch.Tensor, targets: torch.Tensor) -> None:
        """A step whose memory is measured."""
        before = self._remembered()
        with Made() as made:
            self.gather(images, targets)
            gathered = made.most
            self.update()
        new = self._remembered() - before  # of a first step: all others have it from their beginning
        network = size_of([*self.network.parameters(), *self.network.buffers(), images, targets])
        self.took = network + before + max(made.most, gathered + new)

    def _remembered(self) -> int:
        """Bytes that the optimizers hold."""
        held = (value for _, remembered in self.memory() for value in remembered.values())
        return size_of(value for value in held if isinstance(value, torch.Tensor))

    def set_lr(self, lr: float) -> None:
        for group in self.groups():
            lr_of = lr * group.get(HIGHEST, 1.0)
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(lr_of)
            else:
                group["lr"] = lr_of

    def groups(self) -> Iterator[dict[str, Any]]:
        for optimizer in self.optimizers:
            yield from optimizer.param_groups

    def memory(self) -> Iterator[tuple[nn.Parameter, dict[str, torch.Tensor]]]:
        """Each parameter that learns and what its optimizer remembers of it, in a fixed order."""
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    yield parameter, optimizer.state.setdefault(parameter, {})

    def descend(self, images: torch.Tensor, targets: torch.Tensor) -> None:
        self.gather(images, targets)
        self.update()

    def gather(self, images: torch.Tensor, targets: torch.Tensor) -> None:
        """The gradient of a batch."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        for part, answers in zip(images.split(self.micro), targets.split(self.micro), strict=True):
            with torch.autocast(self.kind, torch.bfloat16, self.precision == torch.bfloat16, False), self.layers:
                logits = self.network(part)
            loss = self.criterion(logits.float(), answers) * (len(part) / len(targets))
            if self.optimizers:
                loss.backward()
            self.loss += loss.detach()
            labels = answers.argmax(1) if answers.is_floating_point() else answers
            self.correct += (logits.detach().argmax(1) == labels).sum()

    def update(self) -> None:
        for optimizer in self.optimizers:
            optimizer.step()


class GraphedStep(Step):
    """The same step as one CUDA graph: a small network's hundreds of kernels start by a single call.

    Raises RuntimeError where the network cannot be captured, and leaves it as it was, without gradients.
    """

    def __init__(
        self,
        network: nn.Module,
        recipe: Recipe,
        precision: torch.dtype,
        device: str,
        micro: int,
        images: torch.Tensor,
        targets: torch.Tensor,
        criterion: Criterion | None = None,
    ):
        super().__init__(network, recipe, precision, device, micro, criterion)
        if not self.optimizers:
            raise RuntimeError("there is nothing to learn")
        self.images, self.targets = images.clone(), targets.clone()
        before = [tensor.detach().clone() for tensor in self._state()]
        self.set_lr(0.0)
        try:
            self.graph = captured(lambda: self.descend(self.images, self.targets), device)
        finally:
            self._restore(before)

    def __call__(self, images: torch.Tensor, targets: torch.Tensor, lr: float) -> None:
        if images.shape != self.images.shape:  # the last batch of an epoch
            super().__call__(images, targets, lr)
            return
        self.set_lr(lr)
        self.images.copy_(images)
        self.targets.copy_(targets)
        self.graph.replay()

    def _state(self) -> list[torch.Tensor]:
        return [*self.network.parameters(), *self.network.buffers()]

    def _restore(self, before: list[torch.Tensor]) -> None:
        """Weights, running statistics and the optimizers' memory as before the warm-up, in place: the graph knows their
        addresses."""
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            for tensor, value in zip(self._state(), before, strict=True):
                tensor.copy_(value)
            for _, remembered in self.memory():
                for tensor in remembered.values():
                    tensor.zero_()
        self.loss.zero_()
        self.correct.zero_()


def make_step(
    network: nn.Module,
    recipe: Recipe,
    precision: torch.dtype,
    data: DeviceSet,
    micro: int,
    targets: torch.Tensor,
    criterion: Criterion | None = None,
    optimizer: Callable[..., Any] | None = None,
) -> Step:
    """A captured step on CUDA where the network allows it, else a plain one; the log says why not. A loss or an
    optimizer of a user's own is never captured: what it computes with the host would be the same in every step.

    `targets` is an example, of a whole batch.
    """
    of_ones_own = optimizer is not None or (criterion is not None and criterion.own is not None)
    if of_ones_own:
        return Step(network, recipe, precision, data.device, micro, criterion, optimizer)
    if torch.device(data.device).type == "cuda" and len(data) >= recipe.batch_size:
        images = next(iter(data.batches(recipe.batch_size)))[0]
        try:
            return GraphedStep(network, recipe, precision, data.device, micro, images, targets, criterion)
        except RuntimeError as error:
            if out_of_memory(error):
                raise
            log.info("no CUDA graph for %s: %s", type(network).__name__, _reason(error))
        torch.cuda.synchronize(data.device)
        torch.cuda.empty_cache()  # after the exception, which holds the failed capture's tensors
    return Step(network, recipe, precision, data.device, micro, criterion)


def _reason(error: BaseException) -> str:
    """The first line of what was raised first: the end of a broken capture raises another error."""
    while error.__context__ is not None:
        error = error.__context__
    return first_line(error)
