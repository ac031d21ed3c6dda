"""What only a GPU can show. Run with: pytest -m gpu"""

import logging

import pytest
import torch
from torch import nn

from evonas.core.types import Candidate, Task
from evonas.domains.images import load_images, split
from evonas.encodings.cell import CellEncoding
from evonas.training import steps
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
