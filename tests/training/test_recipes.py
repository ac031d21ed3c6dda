"""The trainer obeys a genome's recipe: optimizers, mixed images, averaged weights, layers set from images, a clock."""

import pickle
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from evonas.core.errors import EvonasError
from evonas.core.recipe import Recipe
from evonas.core.types import Candidate, Task
from evonas.encodings.categorical import CategoricalEncoding
from evonas.training.checkpoints import Checkpoints
from evonas.training.optimizers import Muon, make_optimizers, orthogonal
from evonas.training.pace import Clock, Steps
from evonas.training.trainer import TorchTrainer
from tests.training.nets import blobs


class Shown(nn.Module):
    """Remembers the mean of what it was shown, and takes it away."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.full((1,), torch.nan))

    mean: torch.Tensor

    def calibrate(self, images):
        self.mean.copy_(images.mean())

    def forward(self, x):
        return x - self.mean


class WithRecipe(CategoricalEncoding):
    genes: Mapping[str, Sequence[Hashable]] = {
        "optimizer": ("sgd", "adamw", "muon"),
        "mixup": (0.0, 0.3),
        "averaging": (0.0, 0.1),
    }

    def recipe(self, genome):
        lr = {"sgd": 0.1, "adamw": 0.01, "muon": 0.1}[genome[0]]
        return Recipe(genome[0], lr, mixup=genome[1], averaging=genome[2], batch_size=16)

    def build(self, genome, task):
        channels, height, width = task.input_shape
        convolution = nn.Conv2d(channels, 8, 3, padding=1, bias=False)
        head = nn.Linear(8 * height * width, task.n_classes)
        return nn.Sequential(Shown(), convolution, nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), head)


def trainer(**options) -> TorchTrainer:
    return TorchTrainer(WithRecipe(), blobs(240), device="cpu", threads=1, precision="float32", **options)


def evaluate(genome, fidelity=1.0, seed=0, **options):
    built = trainer(**options)
    return built(Candidate(genome, fidelity), built.data.task, seed)


def figures(evaluation):
    return {key: value for key, value in evaluation.metrics.items() if key not in ("seconds", "peak_memory_mb")}


@pytest.mark.parametrize("optimizer", ["sgd", "adamw", "muon"])
@pytest.mark.parametrize(("mixup", "averaging"), [(0.0, 0.0), (0.3, 0.1)])
def test_every_recipe_learns_and_is_gone_on_with_to_the_last_bit(tmp_path, optimizer, mixup, averaging):
    genome = (optimizer, mixup, averaging)
    whole = evaluate(genome, epochs=6)
    assert whole.metrics["val_accuracy"] > 0.8
    assert figures(evaluate(genome, epochs=6)) == figures(whole)
    assert evaluate(genome, 1 / 3, epochs=6, checkpoints=tmp_path).ok
    assert figures(evaluate(genome, epochs=6, checkpoints=tmp_path)) == figures(whole)


def test_each_setting_changes_the_training():
    found = {figures(evaluate(genome, epochs=2))["val_loss"] for genome in (
        ("sgd", 0.0, 0.0), ("adamw", 0.0, 0.0), ("muon", 0.0, 0.0), ("sgd", 0.3, 0.0), ("sgd", 0.0, 0.1)
    )}  # fmt: skip
    assert len(found) == 5


def test_a_checkpoint_of_another_optimizer_is_not_gone_on_from(tmp_path):
    built = trainer(epochs=6, checkpoints=tmp_path)
    first = evaluate(("sgd", 0.0, 0.0), 1 / 3, epochs=6, checkpoints=tmp_path)
    assert first.ok
    (path,) = tmp_path.glob("*.safetensors")
    state = Checkpoints(tmp_path).load(path.stem)
    assert state is not None
    Checkpoints(tmp_path).save(built._key(("sgd", 0.0, 0.1), 0), state)  # which has no averages
    genome = ("sgd", 0.0, 0.1)
    assert figures(evaluate(genome, epochs=6, checkpoints=tmp_path)) == figures(evaluate(genome, epochs=6))


def test_layers_are_set_from_training_images():
    built = trainer(epochs=1)
    training = built.begin(("sgd", 0.0, 0.0), 0)
    values = built.data.preprocessing()(torch.from_numpy(np.moveaxis(built.data.x_train, -1, 1).copy()))
    assert len(built.data.x_train) <= 512
    network: Any = training.network
    assert network[0].mean.item() == pytest.approx(values.mean().item(), abs=1e-4)


def test_muon_moves_along_the_nearest_orthogonal_matrix():
    torch.manual_seed(0)
    for shape in ((8, 30), (30, 8)):
        matrix = torch.randn(shape)
        u, _, v = torch.linalg.svd(matrix, full_matrices=False)
        found = orthogonal(matrix, 6)
        assert torch.linalg.svdvals(found).min() > 0.6
        assert torch.linalg.svdvals(found).max() < 1.3
        assert F.cosine_similarity(found.flatten(), (u @ v).flatten(), dim=0) > 0.97


def test_muon_is_for_convolutions_and_holds_their_length():
    network: Any = WithRecipe().build(("muon", 0.0, 0.0), Task("t", (1, 4, 4), 3))
    first, rest = make_optimizers(network, Recipe("muon", 0.1), 0.1)
    assert isinstance(first, Muon)
    assert first.param_groups[0]["params"] == [network[1].weight]
    assert {id(p) for g in rest.param_groups for p in g["params"]} == {
        id(p) for p in network.parameters() if p is not network[1].weight
    }
    network[0].calibrate(torch.zeros(1))
    network(torch.randn(4, 1, 4, 4)).square().sum().backward()
    before = network[1].weight.detach().clone()
    first.param_groups[0]["lr"] = 1e-6
    first.step()
    assert network[1].weight.norm().item() == pytest.approx(8**0.5, rel=1e-3)
    assert F.cosine_similarity(network[1].weight.flatten(), before.flatten(), dim=0) > 0.9999


class Ticks:
    """A clock that a test moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def steps_of(clock, ticks, each, images=10):
    """Steps that are made, and the progress before each."""
    found = []
    while (progress := clock.progress(len(found), images)) is not None:
        found.append(progress)
        ticks.now += each(len(found)) if callable(each) else each
    return found


@pytest.mark.parametrize("each", [0.01, 0.1, 0.4])
def test_a_clock_ends_in_time(each):
    ticks = Ticks()
    progress = steps_of(Clock(10.0, 0.0, 0.0, ticks), ticks, each)
    assert ticks.now == pytest.approx(10, abs=0.51 * each)
    assert progress == sorted(progress)
    assert progress[0] == 0
    assert progress[-1] > 1 - 2 * each / 10


def test_a_clock_leaves_time_for_what_comes_afterwards():
    ticks = Ticks()
    steps_of(Clock(10.0, 0.0, 200, ticks), ticks, 0.1)  # 200 images at .01 seconds each
    assert ticks.now == pytest.approx(8, abs=0.1)


def test_a_machine_that_gets_slower_still_ends_in_time():
    ticks = Ticks()
    progress = steps_of(Clock(10.0, 0.0, 0.0, ticks), ticks, lambda step: 0.05 if step < 100 else 0.5)
    assert 9.5 <= ticks.now <= 10.5
    assert progress[-1] > 0.9


@pytest.mark.parametrize("stalled", [1, 2, 4, 5, 30, 99])
def test_a_machine_that_stalls_for_a_moment_does_not_end_a_training(stalled):
    """A step that takes a hundred times as long, with as much to look at afterwards as was trained on."""
    ticks = Ticks()
    progress = steps_of(Clock(20.0, 0.0, 500, ticks), ticks, lambda step: 2.0 if step == stalled else 0.02)
    assert len(progress) > 800  # (20 - 2 - 500 images of .002 seconds) / .02
    assert 18.5 <= ticks.now <= 19.5


def test_there_is_one_step_at_least():
    ticks = Ticks()
    ticks.now = 5.0
    assert len(steps_of(Clock(1.0, 0.0, 0.0, ticks), ticks, 1.0)) == 1


def test_steps_are_counted():
    assert [Steps(4).progress(i, 8) for i in range(6)] == [0, 0.25, 0.5, 0.75, None, None]


def test_a_training_of_so_many_seconds():
    built = trainer(seconds=1.5)
    assert built.epochs is None
    found = pickle.loads(pickle.dumps(built))(Candidate(("sgd", 0.0, 0.0), 0.5), built.data.task, 0)
    assert 0.5 < found.seconds < 5  # .75, but for a machine that is busy
    assert found.metrics["images"] > 0
    finished = built.finish(("sgd", 0.0, 0.0), 0, seconds=0.5)
    assert finished.metrics["test_accuracy"] > 0.8


def test_a_short_training_is_validated_on_a_part_that_is_always_the_same(monkeypatch):
    monkeypatch.setattr("evonas.training.trainer.LEAST_VALIDATED", 5)
    built = trainer(seconds=1.0, validated=30.0)
    seen = []
    test = TorchTrainer.test
    monkeypatch.setattr(
        TorchTrainer, "test", lambda self, network, data: seen.append(data) or test(self, network, data)
    )
    evaluations = [built(Candidate((name, 0.0, 0.0), share), built.data.task, 0) for name, share in SHORT]
    everything = len(built.data.y_val)
    assert everything > 15
    assert [one.metrics["validated"] for one in evaluations] == [min(everything, n) for n in (9, 9, 5, 30)]
    assert seen[0] is seen[1]
    assert "validated" not in trainer(seconds=0.2)(Candidate(("sgd", 0.0, 0.0)), built.data.task, 0).metrics


SHORT = [("sgd", 0.3), ("adamw", 0.3), ("sgd", 0.1), ("sgd", 1.0)]


@pytest.mark.parametrize("other", [{"epochs": 3}, {"checkpoints": "folder"}])
def test_seconds_stand_alone(other):
    with pytest.raises(EvonasError, match="exclude one another"):
        trainer(seconds=3.0, **other)


def test_data_say_how_networks_are_trained_whose_genomes_do_not():
    data = replace(blobs(60), flip=True)
    assert data.recipe == Recipe(shift_x=0.125, shift_y=0.125, mirror_x=True)
