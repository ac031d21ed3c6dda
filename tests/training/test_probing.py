"""What a network says of mirrored and shifted images."""

import pytest
import torch
from torch import nn

from evonas.core.recipe import Recipe
from evonas.training.probing import kept
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
    assert 0 < found["keeps_shift_y"] <= 1


def test_of_what_it_was_trained_on_it_says_nothing(validation):
    found = kept(Height(), validation, 3, Recipe(mirror_x=True, shift_y=0.125))
    assert set(found) == {"keeps_mirror_y", "keeps_shift_x"}


def test_one_that_has_learned_nothing_says_that_nothing_is_kept(validation):
    assert set(kept(Guessing(), validation, 3, Recipe()).values()) == {0.0}
