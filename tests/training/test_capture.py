"""What may become a CUDA graph; what only a GPU can show is in test_training_cuda.py."""

import random
from collections.abc import Callable

import numpy as np
import pytest
import torch

from evonas.core.recipe import Recipe
from evonas.training import steps
from evonas.training.capture import drawing_nothing
from evonas.training.optimizers import make_optimizers

DRAWS: list[Callable[[], object]] = [
    random.random,
    lambda: np.random.rand(),  # noqa: NPY002
    lambda: np.random.standard_normal(),  # noqa: NPY002
    lambda: torch.rand(1),
    lambda: torch.nn.functional.dropout(torch.ones(3)),
]


def states() -> list[bytes]:
    return [
        repr(random.getstate()).encode(),
        repr([np.asarray(part).tolist() for part in np.random.get_state()]).encode(),  # noqa: NPY002
        torch.get_rng_state().numpy().tobytes(),
    ]


@pytest.mark.parametrize("draw", DRAWS)
def test_who_draws_on_the_host_is_refused_and_the_draw_undone(draw):
    before = states()
    with pytest.raises(RuntimeError, match="draws random numbers on the host"), drawing_nothing():
        draw()
    assert states() == before


def test_who_draws_from_a_generator_of_its_own_is_not():
    before = states()
    with drawing_nothing():
        np.random.default_rng(0).random()
        torch.rand(2, generator=torch.Generator().manual_seed(1))
    assert states() == before


def test_an_error_within_is_not_hidden():
    before = states()
    with pytest.raises(ZeroDivisionError), drawing_nothing():
        _ = random.random() / 0
    assert states() == before


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
def test_a_rate_in_a_tensor_is_the_same_rate(optimizer):
    """That is what a graph reads: a number would be captured once and for all."""

    def trained(lr: float | torch.Tensor, later: float) -> list[torch.Tensor]:
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.Flatten(), torch.nn.Linear(16, 3))
            images = torch.rand(8, 1, 4, 4)
        optimizers = make_optimizers(network, Recipe(optimizer=optimizer), lr)
        for rate in (0.1, later):
            for group in (group for one in optimizers for group in one.param_groups):
                if isinstance(group["lr"], torch.Tensor):
                    group["lr"].fill_(rate)
                else:
                    group["lr"] = rate
            network(images).square().mean().backward()
            for one in optimizers:
                one.step()
                one.zero_grad(set_to_none=True)
        return list(network.parameters())

    plain, read = trained(0.1, 0.01), trained(torch.tensor(0.1), 0.01)
    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(plain, read, strict=True))
    assert not torch.allclose(read[0], trained(torch.tensor(0.1), 0.1)[0], atol=1e-6)


def test_adamw_lets_itself_be_captured_where_its_rate_is_on_the_device():
    """Torch refuses to capture one that does not say so."""
    network = torch.nn.Linear(2, 2)
    for lr, expected in ((torch.tensor(0.1), True), (0.1, False)):
        (optimizer,) = make_optimizers(network, Recipe(optimizer="adamw"), lr)
        assert all(group["capturable"] is expected for group in optimizer.param_groups)


def test_the_reason_is_what_was_raised_first():
    def broken() -> None:
        try:
            raise RuntimeError("operation not permitted when stream is capturing\nCUDA kernel errors might be …")
        finally:
            raise RuntimeError("operation failed due to a previous error during capture")

    with pytest.raises(RuntimeError) as found:
        broken()
    assert steps._reason(found.value) == "operation not permitted when stream is capturing"
    assert steps._reason(RuntimeError()) == "RuntimeError"
