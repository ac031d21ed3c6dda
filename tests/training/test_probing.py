"""What a network says of mirrored and shifted images."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from evonas.core.recipe import Recipe
from evonas.training.probing import LEARNED, Known, kept
from evonas.training.trainer import TorchTrainer
from tests.training.nets import Line, either_half


class Height(nn.Module):
    """Knows at which of three heights a bar is, wherever it is across."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean((1, 3)).unflatten(1, (3, 2)).mean(2)


class Guessing(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.eye(3)[torch.zeros(len(x), dtype=torch.long)]


@pytest.fixture(scope="module")
def validation():
    """Bars at one of three heights, in the left half or in the right one."""
    return TorchTrainer(Line(), either_half(), epochs=1, device="cpu").on_device("val")


def test_what_a_network_keeps(validation):
    """Upside down the middle bar alone stays where it is: no better than guessing."""
    found = kept(Height(), validation, 3, Recipe())
    assert found["keeps_mirror_x"] == pytest.approx(1.0)
    assert found["keeps_shift_x"] == pytest.approx(1.0)
    assert found["keeps_mirror_y"] < 0.1
    assert found["keeps_shift_y"] < 0.3


def test_of_what_it_was_trained_on_it_says_nothing(validation):
    found = kept(Height(), validation, 3, Recipe(mirror_x=True, shift_y=0.125))
    assert set(found) == {"keeps_mirror_y", "keeps_shift_x"}


def test_one_that_has_learned_nothing_says_nothing(validation):
    assert kept(Guessing(), validation, 3, Recipe()) == {}


class Dim(nn.Module):
    """Sees the height of a bar through noise that is many times as bright."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        seen = Height()(x)
        noise = torch.sin(1e5 * x.flatten(1)[:, :3].cumsum(1) + 1e5 * x.std((1, 2, 3))[:, None])
        return 10 * (NOISE * noise + seen - seen.mean(1, keepdim=True))


NOISE = 6.0


def test_one_that_knows_little_still_says_what_is_kept():
    """Where its accuracy is a little above chance."""
    many = TorchTrainer(Line(), either_half(9000), epochs=1, device="cpu").on_device("val")
    images = torch.cat([some for some, _ in many.batches(256)])
    labels = torch.cat([some for _, some in many.batches(256)])
    accuracy = float((Dim()(images).argmax(1) == labels).float().mean())
    assert LEARNED < accuracy - 1 / 3 < 0.12
    found = kept(Dim(), many, 3, Recipe(), images=10**6)
    assert found["keeps_mirror_x"] > 0.6 > 0.3 > found["keeps_mirror_y"]


@given(n_classes=st.integers(2, 12), scale=st.floats(0.5, 50), seed=st.integers(0, 99))
def test_information_is_that_of_the_classes_at_most_and_none_by_chance(n_classes, scale, seed):
    rng = torch.Generator().manual_seed(seed)
    labels = torch.arange(600) % n_classes
    right = scale * F.one_hot(labels, n_classes).float()
    known = Known.of(100 * right, labels, n_classes)
    assert known.sure
    assert known.information(100 * right) == pytest.approx(math.log2(n_classes), rel=0.05)
    chance = scale * torch.randn(600, n_classes, generator=rng)
    assert abs(Known.of(chance, labels, n_classes).information(chance)) < 0.05
