"""Trying an encoding before a search, so that a broken one is named with the genome that breaks it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.faults import placed
from evonas.core.networks import with_sizes
from evonas.core.optional import Canonical, HasPortfolio
from evonas.core.randomness import seeded_globals
from evonas.core.surroundings import unchanged
from evonas.core.types import Encoding, Task
from evonas.encodings.guarded import GuardedEncoding, broken, check_genome, said

__all__ = ["check_encoding", "check_genome"]


def check_encoding(encoding: Encoding[Any], task: Task, rng: np.random.Generator, n: int = 5) -> None:
    """Sample, vary, describe and build a few genomes; well under a second. What the process has once is left as it is.
    Some genomes may have no sound network, as long as others have.

    Raises EvonasError, one line, that names the encoding, the method, the genome and what was wrong with it.
    """
    name = type(encoding).__name__
    guarded = GuardedEncoding(encoding)
    with unchanged(), seeded_globals(np.random.default_rng(0)):
        sampled = [guarded.sample(rng) for _ in range(n)]
        varied = []
        for genome, other in zip(sampled, sampled[1:] + sampled[:1], strict=True):
            varied += [guarded.mutate(genome, rng), guarded.crossover(genome, other, rng)]
        for genome in sampled + varied:
            _check_described(guarded, name, genome)
        inputs = bool(task.input_shape)  # without them there is no network
        for genomes in (sampled + varied, varied + sampled) if inputs else ():
            _check_networks(encoding, name, genomes, task)
        for place, genome in enumerate(guarded.portfolio(task) if isinstance(encoding, HasPortfolio) else ()):
            try:
                _check_described(guarded, name, genome)
                if place == 0 and inputs:
                    _check_network(encoding, name, genome, task)
            except EvonasError as error:
                out = "portfolio() names that genome: let it name genomes of this encoding, or none"
                raise EvonasError(f"{error}; {out}") from error


def _check_described(guarded: Any, name: str, genome: Any) -> None:
    """It has features, and a canonical form that is its own."""
    guarded.features(genome)
    if isinstance(guarded, Canonical):
        first = guarded.canonical(genome)
        if guarded.canonical(first) != first:
            what = f"gave {first!r}, whose own canonical form is another one"
            raise broken(name, said("canonical", genome), what)


def _check_networks(encoding: Encoding[Any], name: str, genomes: Sequence[Any], task: Task) -> None:
    """The first genome has a sound network, or else another one has: what breaks then is a failed trial of a search.
    Raises EvonasError of the first."""
    try:
        _check_network(encoding, name, genomes[0], task)
    except EvonasError:
        if not any(_is_sound(encoding, name, genome, task) for genome in genomes[1:]):
            raise


def _is_sound(encoding: Encoding[Any], name: str, genome: Any, task: Task) -> bool:
    try:
        _check_network(encoding, name, genome, task)
    except EvonasError:
        return False
    return True


def _check_network(encoding: Encoding[Any], name: str, genome: Any, task: Task) -> None:
    """It learns logits of the right shape from float32, whatever the number of inputs, and is nobody else's."""
    import torch

    method = said("build", genome)

    def made() -> Any:
        """A network whose lazy layers have parameters: they get them from inputs."""
        network = encoding.build(genome, task)
        return with_sizes(network, task.input_shape) if isinstance(network, torch.nn.Module) else network

    with torch.random.fork_rng(devices=[]):
        network = _call(name, method, made)
        if not isinstance(network, torch.nn.Module):
            raise broken(name, method, f"returned a {type(network).__name__}, not a torch.nn.Module")
        again = _call(name, method, made)
        if wrong := _wrong_parameters(network, again):
            raise broken(name, method, wrong)
        for training, inputs in ((True, 2), (False, 1)):
            network.train(training)
            logits = _call(name, method, lambda n=inputs: network(torch.zeros(n, *task.input_shape)))
            expected = (inputs, task.n_classes)
            if not isinstance(logits, torch.Tensor) or tuple(logits.shape) != expected:
                got = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
                what = f"{inputs} {'inputs' if inputs > 1 else 'input'} of {task.input_shape}"
                raise broken(name, method, f"gives {got} for {what}, not logits of shape {expected}")
            if logits.dtype != torch.float32:
                raise broken(name, method, f"gives logits of {logits.dtype}, not torch.float32")


def _wrong_parameters(network: Any, again: Any) -> str | None:
    """What is wrong with a network's parameters, given a second network of the same genome."""
    import torch

    own = {id(parameter) for parameter in again.parameters()}
    for name, parameter in network.named_parameters():
        if parameter.is_complex() or (parameter.is_floating_point() and parameter.dtype != torch.float32):
            return f"has the parameter {name!r} of {parameter.dtype}; networks train in torch.float32"
        if parameter.device.type != "cpu":
            return f"puts the parameter {name!r} on {str(parameter.device)!r}; build on the CPU, the trainer moves it"
        if parameter.requires_grad and id(parameter) in own:
            return f"gave the same parameter {name!r} to two networks; each build makes a network of its own"
    if network is again:
        return "returned the same network twice; each build makes one of its own"
    if not any(parameter.requires_grad for parameter in network.parameters()):
        return "has no parameter to train"
    return None


def _call(name: str, method: str, function: Callable[[], Any]) -> Any:
    try:
        return function()
    except EvonasError as error:  # it says itself what is wrong, most often with the data
        raise EvonasError(f"{method}: {error}") from error
    except Exception as error:
        raise broken(name, method, f"raised {placed(error)}") from error
