"""Loss, optimizer and augmentation of a user's own: by name or as objects, tried before a search."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from evonas.app.config import SearchConfig
from evonas.app.deadline import has_workers
from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas.core.faults import placed
from evonas.core.fixed import VOID, Fixed, named
from evonas.core.types import Encoding, Task


def loaded(config: SearchConfig, objects: Mapping[str, Any]) -> Fixed:
    """Raises EvonasError where a part cannot be found or called."""
    parts = {name: _part(name, getattr(config, name), objects.get(name)) for name in VOID}
    return Fixed(balance=config.balance, **parts)


def _part(name: str, spec: str | None, given: Any) -> Any:
    if spec is None:
        return None
    if given is None and "<" in spec:  # a lambda, a function within another, an object
        raise EvonasError(f"the {name} of this run was an object, which is gone; give it again: {name}=…")
    if given is None and ":" not in spec:
        raise EvonasError(f"--{name} {spec!r} names no function; give file.py:function, {_WANTED[name]}")
    if given is None:
        group = f"evonas.{name} functions"
        given, options = plugins.resolve(group, spec), plugins.split_spec(spec)[1]
        if name == "optimizer":
            given = partial(given, **options) if options else given
        elif isinstance(given, type) or options:
            given = plugins.make(group, spec)
    elif isinstance(given, type) and name != "optimizer":
        given = _called(name, given)
    if not callable(given):
        raise EvonasError(f"{name}={given!r} cannot be called; give {_WANTED[name]}")
    return given


_WANTED = {
    "loss": "a function (logits, labels) -> loss",
    "optimizer": "a function parameters -> optimizer, as functools.partial(torch.optim.AdamW, lr=0.001)",
    "augment": "a function images -> images",
}


def check_tried(fixed: Fixed, encoding: Encoding[Any], task: Task, seed: int) -> None:
    """Try each part on made values. Raises EvonasError where one raises or gives something else than it should."""
    if not fixed.own:
        return
    import torch

    from evonas.training.building import build, seeded
    from evonas.training.criterion import Criterion, class_weights

    labels = torch.arange(task.n_classes).repeat(2)
    with seeded(seed):
        if fixed.loss is not None:
            logits = torch.randn(len(labels), task.n_classes).requires_grad_()
            weights = class_weights(labels, task.n_classes) if fixed.balance else None
            loss = _called("loss", lambda: Criterion(own=fixed.loss, weights=weights)(logits, labels))
            if not loss.requires_grad:
                _refuse("loss", "gave a loss that leads to no gradient; compute it of the logits by torch")
        if fixed.optimizer is not None:
            network = build(encoding, encoding.sample(np.random.default_rng(seed)), task)
            made = _called("optimizer", lambda: fixed.optimizer(list(network.parameters())))  # type: ignore[misc]
            if not isinstance(made, torch.optim.Optimizer) or isinstance(made, torch.optim.LBFGS):
                _refuse(
                    "optimizer", f"gave a {type(made).__name__}; give {_WANTED['optimizer']}, which takes steps alone"
                )
        if fixed.augment is not None:
            images = torch.randn(2, *task.input_shape)
            varied = _called("augment", lambda: fixed.augment(images.clone()))  # type: ignore[misc]
            if not isinstance(varied, torch.Tensor) or varied.shape != images.shape or varied.dtype != images.dtype:
                what = (
                    f"{tuple(varied.shape)} {varied.dtype}"
                    if isinstance(varied, torch.Tensor)
                    else type(varied).__name__
                )
                _refuse(
                    "augment", f"gave {what} for images of {tuple(images.shape)} float32; give images of the same form"
                )


def check_sent(config: SearchConfig, parts: Mapping[str, Any]) -> None:
    """Raises EvonasError where one of a user's functions cannot travel to the processes that train. Clusters send
    functions by value."""
    if plugins.plain_name(config.executor) != "processes" or not has_workers(config):
        return
    for name, part in parts.items():
        try:
            pickle.dumps(part)
        except Exception as error:  # whatever its parts raise
            raise EvonasError(
                f"{name}={named(part)} cannot be sent to another process; define it under its own name in a file, or "
                "search with one worker"
            ) from error


def _called(name: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except EvonasError:
        raise
    except Exception as error:  # whatever a user's function raises
        raise EvonasError(f"the {name} raised {placed(error)}; give {_WANTED[name]}") from error


def _refuse(name: str, what: str) -> None:
    raise EvonasError(f"the {name} {what}")
