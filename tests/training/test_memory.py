"""The memory of a training is its own: counted of its tensors, and the same whatever the process has besides."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.profiler import ProfilerActivity, profile

from evonas.core.types import Candidate
from evonas.encodings.cell import CellEncoding
from evonas.encodings.macro import MacroEncoding
from evonas.training.memory import Made, size_of
from evonas.training.trainer import TorchTrainer
from tests.training.nets import blobs
from tests.training.test_recipes import WithRecipe

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"
SLIM = (1, 16, 3, 1, 0, 1, 1, 24, 3, 2, 0, 2, 1, 32, 3, 2, 0, 2)


def test_what_is_there_at_one_time_is_counted():
    before = torch.ones(1000)
    with Made() as made:
        a = torch.ones(100)  # 400 bytes
        b = a.view(10, 10) + 1  # as many, by a view, which takes none
        before.mul_(2)
        a.add_(1)
        assert made.now == made.most == 800
        del a, b
        assert (made.now, made.most) == (0, 800)
        c = before * 2
        assert (made.now, made.most) == (4000, 4000)
    del c
    assert made.now == 0
    assert size_of([before, before[:10], None]) == 4040


@pytest.mark.parametrize(
    ("encoding", "genome", "precision"),
    [
        (CellEncoding(width=8), CELL, "float32"),
        (CellEncoding(width=8), CELL, "bfloat16"),
        (MacroEncoding(), SLIM, "float32"),
        (WithRecipe(), ("adamw", 0.3, 0.1), "float32"),
        (WithRecipe(), ("muon", 0.0, 0.0), "float32"),
    ],
)
def test_a_step_is_what_torchs_profiler_sees_of_a_later_one(encoding, genome, precision):
    """Its own counting of all allocations, what operations need while they compute included."""
    trainer = TorchTrainer(encoding, blobs(90, size=8), epochs=1, batch_size=32, device="cpu", precision=precision)
    training = trainer.begin(genome, 0)
    images, labels = next(iter(training.data.augmented(training.recipe, training.generator)))
    if training.recipe.mixup:
        labels = torch.nn.functional.one_hot(labels, 3).float()
    for _ in range(2):
        training.step(images, labels, 0.1)
    for optimizer in training.step.optimizers:
        optimizer.zero_grad(set_to_none=True)
    network = training.network
    held = size_of([*network.parameters(), *network.buffers(), images, labels]) + training.step._remembered()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        training.step(images, labels, 0.1)
    found: Any = profiler.profiler
    events = [event for event in found.kineto_results.events() if event.name() == "[memory]"]
    sizes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
    assert training.step.took == pytest.approx(held + max(np.cumsum(sizes)), rel=0.1)


def test_looking_changes_no_step():
    def weights(looked: bool) -> list[torch.Tensor]:
        trainer = TorchTrainer(CellEncoding(width=4), blobs(90), epochs=1, batch_size=32, device="cpu", threads=1)
        training = trainer.begin(CELL, 0)
        training.step.took = 0 if looked else 1
        training.run(1)
        assert training.step.took == 1 or looked
        return [tensor.clone() for tensor in training.network.state_dict().values()]

    assert all(torch.equal(a, b) for a, b in zip(weights(True), weights(False), strict=True))


def peak(width: int = 4, batch: int = 32, data=None) -> float:
    trainer = TorchTrainer(
        CellEncoding(width=width), data or blobs(90), epochs=1, batch_size=batch, device="cpu", threads=1
    )
    return trainer(Candidate(CELL), trainer.data.task, 0).metrics["peak_memory_mb"]


def test_a_trainings_peak_is_neither_the_processs_nor_the_data_sets():
    alone = peak()
    block = np.ones(2**24)  # 128 MB, touched
    assert peak() == alone < 4
    assert peak(data=blobs(180)) == alone
    del block
    assert peak(width=8) > alone
    assert 1.4 * alone < peak(batch=64) < 2 * alone  # weights do not grow; by how much depends on the precision


def test_averaged_weights_take_memory_too():
    def took(averaging: float) -> float:
        trainer = TorchTrainer(WithRecipe(), blobs(90), epochs=1, device="cpu", precision="float32")
        training = trainer.begin(("sgd", 0.0, averaging), 0)
        training.run(1)
        return training.peak_memory_mb * 2**20

    network = WithRecipe().build(("sgd", 0.0, 0.1), blobs(90).task)
    floats = [t for t in [*network.parameters(), *network.buffers()] if t.is_floating_point()]
    assert took(0.1) - took(0.0) == size_of(floats)
