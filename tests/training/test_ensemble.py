"""Several networks as one: their mean probabilities, their shared seconds, what becomes of one that diverges."""

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from evonas.core.errors import Diverged
from evonas.core.recipe import Recipe
from evonas.training.ensemble import Ensemble
from evonas.training.forms import OverForms
from evonas.training.trainer import TorchTrainer
from tests.training.nets import HalfBlind, Line, blobs, either_half


def trainer(encoding=None, data=None, **options):
    return TorchTrainer(encoding or Line(), data or blobs(), **{"epochs": 2, "device": "cpu", **options})


class Sure(nn.Module):
    """The same logits for whatever comes."""

    def __init__(self, *logits: float):
        super().__init__()
        self.logits = logits

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.tensor(self.logits).expand(len(x), -1)


def test_its_probabilities_are_the_mean_of_its_members():
    members = [nn.Sequential(nn.Flatten(), nn.Linear(12, 5)) for _ in range(3)]
    x = 10 * torch.randn(7, 3, 4, generator=torch.Generator().manual_seed(0))
    mean = torch.stack([member(x).softmax(1) for member in members]).mean(0)
    assert torch.allclose(Ensemble(members)(x).softmax(1), mean, atol=1e-6)
    sure = Ensemble([Sure(200.0, -200.0), Sure(-200.0, 200.0), Sure(-200.0, 200.0)])
    assert torch.allclose(sure(x).softmax(1), torch.tensor([1 / 3, 2 / 3]))
    assert sure(x).isfinite().all()


def test_parameters_operations_and_images_are_those_of_all():
    one, three = trainer().finish(1.0, 0), trainer().finish(1.0, 0, others=(2.0, 3.0))
    for name in ("params", "flops", "images"):
        assert three.metrics[name] == 3 * one.metrics[name]
    assert [member.genome for member in three.members] == [1.0, 2.0, 3.0]
    data = trainer().data
    x = three.preprocessing(torch.from_numpy(np.moveaxis(data.x_test, -1, 1).copy()))
    right = three.model(x).argmax(1).numpy() == data.y_test
    assert right.mean() == pytest.approx(three.metrics["test_accuracy"])
    assert not three.model.training


def test_all_share_the_seconds():
    built = trainer(epochs=None, seconds=9.0, clock=time.process_time)
    built.finish(1.0, 0, 0.05)
    start = time.process_time()
    finished = built.finish(1.0, 0, 0.6, others=(2.0, 3.0))
    assert 0.4 < time.process_time() - start < 1.2
    assert len(finished.members) == 3


def test_one_that_diverges_is_left_out():
    finished = trainer().finish(float("inf"), 0, others=(1.0, 2.0))
    assert [member.genome for member in finished.members] == [1.0, 2.0]
    assert isinstance(finished.model, Ensemble)
    alone = trainer().finish(1.0, 0, others=(float("inf"),))
    assert not isinstance(alone.model, Ensemble)
    with pytest.raises(Diverged, match="no number"):
        trainer().finish(float("inf"), 0, others=(float("nan"),))


class Sometimes(HalfBlind):
    """A network is trained on mirrored images where its genome is even."""

    def recipe(self, genome: float) -> Recipe:
        return replace(super().recipe(genome), mirror_x=genome % 2 == 0)


def test_each_member_looks_at_the_forms_of_its_own_recipe():
    finished = trainer(Sometimes(), either_half()).finish(2.0, 0, others=(1.0,), tta=True)
    assert [member.forms.count for member in finished.members] == [2, 1]
    assert isinstance(finished.model, Ensemble)
    assert [isinstance(member, OverForms) for member in finished.model.members] == [True, False]
    assert finished.metrics["flops"] == 3 * trainer(Sometimes(), either_half()).finish(1.0, 0).metrics["flops"]
