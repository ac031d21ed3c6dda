"""Whose calls are answered by kernels of our own, and that they say what torch says."""

import importlib.util
import os
import subprocess
import sys

import pytest
import torch
from torch.nn import functional as F

from evonas.core.types import Candidate
from evonas.encodings.cell import CellEncoding
from evonas.training import fused
from evonas.training.trainer import TorchTrainer
from tests.training import kernel_cases
from tests.training.nets import blobs

X = torch.zeros(2, 8, 4, 4).contiguous(memory_format=torch.channels_last)
ONE = torch.ones(8)


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
def test_the_kernels_say_what_torch_says():
    """By Triton's interpreter, in a process that has not imported it yet."""
    command = [sys.executable, "-m", "tests.training.kernel_cases"]
    env = {**os.environ, "TRITON_INTERPRET": "1", "PYTHONPATH": os.pathsep.join(["", *sys.path])}
    run = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    assert run.stdout.strip() == "all are right", run.stderr


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((8, 8, 5, 5), {"padding": 2}),
        ((8, 8, 3, 3), {}),
        ((8, 8, 3, 3), {"padding": 1, "stride": 2}),
        ((8, 8, 3, 3), {"padding": 2, "dilation": 2}),
        ((8, 1, 3, 3), {"padding": 1, "groups": 8}),
        ((8, 8, 3, 3), {"padding": "same"}),
        ((8, 8, 1, 3), {"padding": (0, 1)}),
        ((128, 8, 3, 3), {"padding": 1}),
        ((8, 8, 3, 3), {"padding": 1, "bias": ONE}),
    ],
)
def test_other_convolutions_are_torch_s(shape, options):
    assert fused.conv2d(X, torch.zeros(shape), **options) is None
    with fused.Fused():
        assert torch.equal(F.conv2d(X, torch.ones(shape), **options), F.conv2d(X, torch.ones(shape), **options))


def test_what_lies_otherwise_is_torch_s():
    first = torch.zeros(2, 8, 4, 4)
    assert fused.conv2d(first, torch.zeros(8, 8, 3, 3), padding=1) is None
    assert fused.batch_norm(first, ONE, ONE, ONE, ONE, True) is None
    assert fused.conv2d(X.double(), torch.zeros(8, 8, 3, 3), padding=1) is None


def test_a_normalisation_that_does_not_learn_is_torch_s():
    assert fused.batch_norm(X, ONE, ONE, ONE, ONE) is None
    assert fused.batch_norm(X, None, None, ONE, ONE, True) is None
    assert fused.batch_norm(X, ONE, ONE, None, None, True) is None
    alone = torch.zeros(1, 8, 1, 1).contiguous(memory_format=torch.channels_last)
    with fused.Fused(), pytest.raises(ValueError, match="more than 1 value"):
        F.batch_norm(alone, ONE, ONE, ONE, ONE, True)


def test_a_cpu_has_none():
    with fused.fused("cpu", torch.bfloat16) as mode:
        assert mode is None


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_the_kernels_say_what_torch_says_on_a_gpu():
    kernel_cases.all_of_them("cuda")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_a_training_is_as_good_with_them(monkeypatch):
    def loss() -> float:
        trainer = TorchTrainer(CellEncoding(width=16), blobs(), epochs=6, device="cuda", precision="bfloat16")
        found = trainer(
            Candidate("|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|none~2|"), trainer.data.task, 0
        )
        assert found.ok, found.error
        return found.metrics["val_loss"]

    assert fused._works("cuda")
    ours = loss()
    monkeypatch.setattr(fused, "_works", lambda device: False)
    assert ours == pytest.approx(loss(), abs=0.15)
