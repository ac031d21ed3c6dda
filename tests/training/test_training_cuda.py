"""What only a GPU can show. Run with: pytest -m gpu"""

import logging
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import nn

from evonas.core.recipe import Recipe
from evonas.core.types import Candidate, Task
from evonas.domains.images import load_images, split
from evonas.domains.series.dataset import DeviceSeries
from evonas.encodings.cell import CellEncoding
from evonas.training import data as training_data
from evonas.training import steps
from evonas.training.building import seeded
from evonas.training.trainer import TorchTrainer
from tests.training.nets import Branching, Line, blobs

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here"),
]
CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"


def accuracy(device: str, data=None, **options) -> float:
    built = TorchTrainer(CellEncoding(), data or split(load_images("digits"), seed=0), device=device, **options)
    evaluation = built(Candidate(CELL), built.data.task, 0)
    assert evaluation.ok, evaluation.error
    return evaluation.metrics["val_accuracy"]


def test_a_captured_training_is_as_good_as_a_plain_one_and_as_the_cpu_s(monkeypatch):
    captured = accuracy("cuda", epochs=6)
    monkeypatch.setattr(steps.GraphedStep, "__init__", _refuse)
    plain = accuracy("cuda", epochs=6)
    assert captured == pytest.approx(plain, abs=0.02)
    assert plain == pytest.approx(accuracy("cpu", epochs=6), abs=0.03)


def _refuse(*_, **__):
    raise RuntimeError("not now")


def test_the_capture_leaves_the_network_as_it_was():
    data = blobs()
    trainer = TorchTrainer(CellEncoding(width=4), data, epochs=1, device="cuda", batch_size=32, lr=1e-9)
    torch.manual_seed(0)
    expected = CellEncoding(width=4).build(CELL, data.task).state_dict()
    network = CellEncoding(width=4).build(CELL, data.task).cuda()
    network.load_state_dict(expected)
    on_device = trainer.on_device("train")
    recipe, labels = trainer.recipe(CELL), torch.zeros(32, dtype=torch.long, device="cuda")
    step = steps.make_step(network, recipe, torch.float32, on_device, 32, labels)
    assert isinstance(step, steps.GraphedStep)
    for key, value in network.state_dict().items():
        assert torch.equal(value.cpu(), expected[key]), key


def test_a_network_that_waits_for_the_device_is_trained_without_a_graph(caplog):
    with caplog.at_level(logging.INFO, "evonas"):
        trainer = TorchTrainer(Branching(), blobs(), epochs=2, device="cuda", batch_size=32)
        assert trainer(Candidate(1.0), trainer.data.task, 0).ok
    assert "no CUDA graph for _Branching: " in caplog.text


def test_the_same_seed_gives_the_same_accuracy():
    assert accuracy("cuda", epochs=2) == pytest.approx(accuracy("cuda", epochs=2), abs=0.01)


class Large(Line):
    """Takes memory in proportion to the batch, more than there is for the whole of it."""

    def build(self, genome: float, task: Task) -> nn.Module:
        return _Large(task)


class _Large(nn.Module):
    def __init__(self, task: Task):
        super().__init__()
        self.line = nn.Linear(36, task.n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.training:
            most = torch.cuda.get_device_properties(0).total_memory
            torch.empty(int(len(x) / 32 * most * 1.2), dtype=torch.uint8, device=x.device)
        return self.line(x.flatten(1))


def test_real_out_of_memory_halves_the_micro_batch():
    trainer = TorchTrainer(Large(), blobs(), epochs=1, device="cuda", batch_size=32)
    assert trainer(Candidate(1.0), trainer.data.task, 0).ok


def test_in_pieces_it_is_the_same_training(tmp_path):
    def loss(folder, *fidelities: float) -> float:
        built = TorchTrainer(CellEncoding(width=4), blobs(), epochs=6, device="cuda", batch_size=32, checkpoints=folder)
        results = [built(Candidate(CELL, fidelity), built.data.task, 0) for fidelity in fidelities]
        assert all(result.ok for result in results), [result.error for result in results]
        return results[-1].metrics["val_loss"]

    assert loss(tmp_path, 1 / 3, 1.0) == pytest.approx(loss(None, 1.0), rel=0.05)
    assert any(tmp_path.iterdir())


def test_a_loss_that_is_no_number_is_seen_without_waiting():
    finite = steps.FiniteLoss(torch.full((), float("nan"), device="cuda"))
    looks = 0
    while not finite.stopped():
        torch.cuda.synchronize()
        looks += 1
        assert looks < 3
    assert looks >= 1  # the first look only sends


def test_rates_of_trainings_that_share_the_device():
    built = TorchTrainer(CellEncoding(width=4), blobs(), epochs=1, device="cuda", batch_size=32)
    found = built.rate(Candidate(CELL), 0, 0.2)
    assert found["images_per_second"] > 0
    assert 0 < found["free_memory"] < 1


class Dropping(Line):
    """Two lines with dropout between them, trained as it is told; it waits for the device, or draws on the host, where
    it is told to."""

    def __init__(self, waits: bool = False, draws: bool = False, **recipe: Any):
        self.waits, self.draws, self.given = waits, draws, recipe

    def recipe(self, genome: float) -> Recipe:
        return Recipe(**{"batch_size": 32, "lr": 0.05, **self.given})

    def build(self, genome: float, task: Task) -> nn.Module:
        return _Dropping(self.waits, self.draws, task)


class _Dropping(nn.Module):
    def __init__(self, waits: bool, draws: bool, task: Task):
        super().__init__()
        self.waits, self.draws = waits, draws
        self.convolution = nn.Conv2d(1, 8, 3, padding=1)  # for the optimizer of kernels
        self.line = nn.Linear(8 * 36, task.n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.dropout(self.convolution(x).relu(), 0.3, self.training)
        if self.waits and float(x.detach().sum()) < 0:
            x = -x
        return self.line(x.flatten(1)) * (0.5 + random.random() if self.draws else 1.0)


def trained(encoding: Dropping, epochs: int = 1) -> Mapping[str, torch.Tensor]:
    """Weights of a network of three whole batches an epoch and a smaller one."""
    built = TorchTrainer(encoding, blobs(), epochs=epochs, device="cuda", precision="float32")
    with torch.backends.cudnn.flags(enabled=True, deterministic=True):
        network, _ = built.train(Candidate(1.0), built.on_device("train"), 0, None, None)
    return {name: tensor.detach().cpu() for name, tensor in network.state_dict().items()}


RECIPES: list[dict[str, Any]] = [
    {},
    {"optimizer": "adamw", "lr": 0.01},
    {"optimizer": "muon"},
    {"averaging": 0.2, "mixup": 0.3},
    {"label_smoothing": 0.2, "weight_decay": 0.01, "warm_up": 0.5},
]


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: " ".join(recipe) or "sgd")
def test_a_captured_training_is_the_plain_one(monkeypatch, caplog, recipe):
    """Rates, momentum, averages and what dropout draws: nothing of a step may be captured that changes with it."""
    with caplog.at_level(logging.INFO, "evonas"):
        captured = trained(Dropping(**recipe), epochs=4)
    assert "no CUDA graph" not in caplog.text
    monkeypatch.setattr(steps.GraphedStep, "__init__", _refuse)
    plain = trained(Dropping(**recipe), epochs=4)
    for name, tensor in plain.items():
        torch.testing.assert_close(captured[name], tensor, rtol=1e-2, atol=1e-3, msg=name)


def test_what_follows_a_failed_capture_is_the_plain_training(monkeypatch):
    after = trained(Dropping(waits=True))
    monkeypatch.setattr(steps.GraphedStep, "__init__", _refuse)
    for name, tensor in trained(Dropping(waits=True)).items():
        torch.testing.assert_close(after[name], tensor, rtol=1e-4, atol=1e-5, msg=name)


def test_a_failed_capture_leaves_nothing_behind(caplog):
    def reserved() -> int:
        torch.cuda.synchronize()
        torch.cuda.empty_cache()
        return torch.cuda.memory_reserved()

    trained(Dropping())  # cuBLAS takes its memory for the stream of captures, once
    with caplog.at_level(logging.INFO, "evonas"):
        trained(Dropping(waits=True))
        before = reserved()
        for _ in range(3):
            trained(Dropping(waits=True))
    assert caplog.text.count("no CUDA graph for _Dropping: ") == 4
    assert reserved() == before
    assert torch.cuda.current_stream() == torch.cuda.default_stream()
    assert not torch.cuda.is_current_stream_capturing()
    nn.functional.dropout(torch.ones(8, device="cuda"))  # a generator that believed in a capture would refuse
    caplog.clear()
    with caplog.at_level(logging.INFO, "evonas"):
        trained(Dropping())
    assert "no CUDA graph" not in caplog.text


def test_trainings_give_their_memory_back():
    trained(Dropping())
    before = torch.cuda.memory_allocated()
    for _ in range(3):
        trained(Dropping())
    assert torch.cuda.memory_allocated() == before


def test_a_network_that_draws_on_the_host_is_trained_without_a_graph(caplog):
    with caplog.at_level(logging.INFO, "evonas"):
        trained(Dropping(draws=True))
    assert "no CUDA graph for _Dropping: it draws random numbers on the host" in caplog.text


def test_a_capture_draws_nothing():
    built = TorchTrainer(Dropping(), blobs(), epochs=1, device="cuda", precision="float32")
    data, network = built.on_device("train"), Dropping().build(1.0, built.data.task).cuda()
    labels = torch.zeros(32, dtype=torch.long, device="cuda")
    states = torch.cuda.get_rng_state(), torch.get_rng_state(), random.getstate()
    step = steps.make_step(network, built.recipe(1.0), torch.float32, data, 32, labels)
    assert isinstance(step, steps.GraphedStep)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(torch.cuda.get_rng_state(), states[0])
    assert torch.equal(torch.get_rng_state(), states[1])
    assert random.getstate() == states[2]


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="there is one CUDA device here")
def test_each_device_captures_on_a_stream_of_its_own():
    for device in ("cuda:0", "cuda:1"):
        built = TorchTrainer(CellEncoding(width=4), blobs(), epochs=4, device=device, batch_size=32)
        assert built(Candidate(CELL), built.data.task, 0).metrics["val_accuracy"] > 0.6


def test_peak_memory_is_the_trainings_own():
    def peak(width: int) -> float:
        built = TorchTrainer(CellEncoding(width=width), blobs(), epochs=1, device="cuda", batch_size=32)
        built(Candidate(CELL), built.data.task, 0)
        return built(Candidate(CELL), built.data.task, 0).metrics["peak_memory_mb"]

    alone = peak(4)
    block = torch.ones(2**26, device="cuda")  # 256 MB
    assert 0 < alone == pytest.approx(peak(4), rel=0.05)
    assert alone < block.nbytes / 2**20
    assert peak(32) > alone


@pytest.mark.parametrize("share", [0.5, 0.0], ids=["on the device", "streaming from the host"])
def test_series_are_the_same_from_the_host(monkeypatch, share):
    monkeypatch.setattr(training_data, "FREE_SHARE", share)
    values = torch.randn(23, 1, 9)
    fits = training_data.fits(values.nbytes, "cuda")
    assert fits == (share > 0)
    labels = torch.arange(23)
    here = DeviceSeries(values, labels, "cpu")
    there = DeviceSeries(values.cuda() if fits else values, labels.cuda(), "cuda")
    recipe = Recipe(batch_size=8)
    for make in (lambda one: one.batches(8), lambda one: one.augmented(recipe, torch.Generator().manual_seed(0))):
        for (x, y), (x_there, y_there) in zip(make(here), make(there), strict=True):
            assert x_there.is_cuda
            assert torch.equal(x_there.cpu(), x)
            assert torch.equal(y_there.cpu(), y)


def test_a_part_that_is_too_large_with_what_is_there_stays_with_the_host():
    most, taken = training_data.memory("cuda")
    assert 0 <= taken < most
    assert training_data.fits(0, "cuda")
    assert not training_data.fits(most, "cuda")
    block = torch.empty(2**28, dtype=torch.uint8, device="cuda")
    after, held = training_data.memory("cuda")
    assert held >= taken + block.nbytes
    assert abs(after - most) < 2**26  # what this process has is part of what it may have


PARENT = """
import torch
import numpy as np
from evonas.encodings.cell import CellEncoding
from evonas.training.trainer import TorchTrainer
from tests.training.nets import blobs
for device in ("auto", "cuda", "cuda:0"):
    trainer = TorchTrainer(CellEncoding(), blobs(), device=device)
    trainer.for_workers(2)
    assert trainer.device.startswith("cuda") and trainer.device_name()
    trainer.costs(trainer.encoding.sample(np.random.default_rng(0)))
print(torch.cuda.is_initialized())
"""


def test_the_parent_makes_no_context():
    run = subprocess.run(
        [sys.executable, "-c", PARENT],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
    )
    assert run.stdout.strip() == "False", run.stderr


def test_seeding_reaches_the_device_and_no_other_state():
    before = torch.cuda.get_rng_state()
    with seeded(3, "cuda"):
        first = torch.rand(3, device="cuda")
    with seeded(3, "cuda"):
        assert torch.equal(torch.rand(3, device="cuda"), first)
    assert torch.equal(torch.cuda.get_rng_state(), before)
