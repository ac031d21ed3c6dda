"""The optimizers of a recipe. Each has `param_groups`, `state`, `zero_grad` and `step`, as torch's have."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn

from evonas.core.recipe import Recipe

HIGHEST = "highest_lr"  # of a parameter group, of a user's own optimizer


def make_optimizers(
    network: nn.Module, recipe: Recipe, lr: float | torch.Tensor, own: Callable[..., Any] | None = None
) -> list[Any]:
    """What moves the parameters that learn: one optimizer, or two with `muon`; none where nothing learns.

    Weight decay is for weights only: scales and shifts of normalisation, and biases, keep their freedom. One of a
    user's `own` gets all parameters that learn, and what its groups have as learning rates are their highest ones.
    """
    parameters = [p for p in network.parameters() if p.requires_grad]
    if own is not None:
        made = [own(parameters)] if parameters else []
        for group in (group for one in made for group in one.param_groups):
            group[HIGHEST] = float(group["lr"])
        return made
    if recipe.optimizer == "adamw":
        groups = _groups(parameters, recipe.weight_decay)
        graph = isinstance(lr, torch.Tensor)  # a rate on the device is one that a CUDA graph reads
        return [AdamW(groups, lr=lr, fused=True, capturable=graph)] if groups else []
    kernels = [p for p in parameters if p.ndim > 2] if recipe.optimizer == "muon" else []
    others = {id(p) for p in kernels}
    groups = _groups([p for p in parameters if id(p) not in others], recipe.weight_decay)
    found: list[Any] = [Muon(kernels, lr)] if kernels else []
    return [*found, SGD(groups, lr=lr, momentum=0.9, nesterov=True, fused=True)] if groups else found


def _groups(parameters: Iterable[nn.Parameter], weight_decay: float) -> list[dict[str, Any]]:
    parameters = list(parameters)
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


class SGD(torch.optim.SGD):
    """Torch's, without what keeps torch.compile from following it: that imports the compiler, a second in each process,
    and is called at every step."""

    add_param_group = inspect.unwrap(torch.optim.SGD.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.SGD.zero_grad)
    step = torch.no_grad()(inspect.unwrap(torch.optim.SGD.step))


class AdamW(torch.optim.AdamW):
    """Torch's, as `SGD` is. A captured one may take steps outside of its graph: each epoch's last batch is smaller."""

    _warned_capturable_if_run_uncaptured = True
    add_param_group = inspect.unwrap(torch.optim.AdamW.add_param_group)
    zero_grad = inspect.unwrap(torch.optim.AdamW.zero_grad)
    step = torch.no_grad()(inspect.unwrap(torch.optim.AdamW.step))


class Muon:
    """Nesterov momentum whose matrix is made orthogonal, for convolutions that are followed by a normalisation.

    A kernel (out, in, …) counts as the matrix (out, in · …). Its own length is held at √out, as its scale is lost in
    the normalisation; so there is no weight decay. Jordan et al. 2024 (kellerjordan.github.io/posts/muon), in the form
    of airbench (Jordan 2024, arXiv 2404.00498).
    """

    MOMENTUM = 0.6

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float | torch.Tensor):
        self.param_groups: list[dict[str, Any]] = [{"params": list(parameters), "lr": lr}]
        self.state: dict[nn.Parameter, dict[str, torch.Tensor]] = {}

    def zero_grad(self, set_to_none: bool = True) -> None:
        for parameter in self.param_groups[0]["params"]:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        lr = self.param_groups[0]["lr"]
        for parameter in self.param_groups[0]["params"]:
            if parameter.grad is None:
                continue
            state = self.state.setdefault(parameter, {})
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = torch.zeros_like(parameter)
            momentum = state["momentum_buffer"].mul_(self.MOMENTUM).add_(parameter.grad)
            direction = parameter.grad.add(momentum, alpha=self.MOMENTUM)
            parameter.mul_(len(parameter) ** 0.5 / parameter.norm())
            parameter.sub_(orthogonal(direction.reshape(len(direction), -1)).view_as(parameter) * lr)


def orthogonal(matrix: torch.Tensor, steps: int = 3) -> torch.Tensor:
    """Near the nearest semi-orthogonal matrix, by Newton–Schulz steps of fifth order (Jordan et al. 2024); the
    singular values come to lie between about .5 and 1.5. In bfloat16 on CUDA, else in the matrix's own numbers."""
    x = matrix.bfloat16() if matrix.is_cuda else matrix
    x = x / (x.norm() + 1e-7)
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    for _ in range(steps):
        square = x @ x.T
        x = 3.4445 * x + (-4.7750 * square + 2.0315 * square @ square) @ x
    return (x.T if tall else x).to(matrix.dtype)
