"""What a network costs, against the figures that NAS-Bench-201 publishes and torch's own counter."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from evonas.core.types import Task
from evonas.encodings.cell import CellEncoding
from evonas.encodings.macro import MacroEncoding
from evonas.training import profile
from tests.training.nets import Line

TASKS = (Task("cifar10", (3, 32, 32), 10), Task("cifar100", (3, 32, 32), 100), Task("imagenet16", (3, 16, 16), 120))
PUBLISHED = {  # Dong & Yang 2020, ICLR: million parameters and million multiply-adds for the three tasks
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|": (
        (1.531546, 1.537396, 1.538696),
        (220.11968, 220.12544, 55.03744),
    ),
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|": ((0.073306, 0.079156, 0.080456), (7.78304, 7.7888, 1.95328)),
    "|nor_conv_3x3~0|+|nor_conv_1x1~0|nor_conv_1x1~1|+|skip_connect~0|none~1|nor_conv_1x1~2|": (
        (0.400346, 0.406196, 0.407496),
        (54.96896, 54.97472, 13.74976),
    ),
    "|avg_pool_3x3~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|none~0|nor_conv_1x1~1|skip_connect~2|": (
        (0.101306, 0.107156, 0.108456),
        (11.7152, 11.72096, 2.93632),
    ),
    "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|avg_pool_3x3~0|skip_connect~1|avg_pool_3x3~2|": (
        (0.344346, 0.350196, 0.351496),
        (47.10464, 47.1104, 11.78368),
    ),
}


@pytest.mark.parametrize("cell", PUBLISHED)
def test_parameters_and_multiply_adds_are_those_of_the_benchmark(cell):
    encoding = CellEncoding(width=16, cells=5, pruned=False)
    for task, params, macs in zip(TASKS, *PUBLISHED[cell], strict=True):
        found = profile.costs(encoding, cell, task)
        assert found["params"] == round(params * 1e6)
        assert found["flops"] == round(2 * macs * 1e6)


@pytest.mark.parametrize("encoding", [CellEncoding(), MacroEncoding()], ids=["cell", "macro"])
def test_counts_are_those_of_torch_s_own_counter(encoding):
    rng = np.random.default_rng(0)
    for _ in range(5):
        genome = encoding.sample(rng)
        network = encoding.build(genome, TASKS[0])
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network.eval()(torch.zeros(1, 3, 32, 32))
        found = profile.costs(encoding, genome, TASKS[0])
        assert found["flops"] == counter.get_total_flops()
        assert found["params"] == sum(p.numel() for p in network.parameters())


def test_counting_leaves_the_network_as_it_was():
    network = nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.Dropout()).train()
    state = {key: value.clone() for key, value in network.state_dict().items()}
    assert profile.count_flops(network, (1, 4, 5)) == 2 * 2 * 9 * 20
    assert network.training
    assert network[2].training
    assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())


class Attending(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(2)
        return torch.einsum("ncd,nkd->nck", x, x).softmax(-1) @ x


def test_what_is_made_of_other_operations_is_counted_by_them():
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        Attending()(torch.zeros(1, 5, 4, 4))
    assert profile.count_flops(Attending(), (5, 4, 4)) == counter.get_total_flops() == 2 * 2 * 5 * 5 * 16


IMPORTS = """
import sys
from evonas.encodings.cell import CellEncoding
from evonas.training.trainer import TorchTrainer
from evonas.core.types import Candidate
from tests.training.nets import blobs
from tests.training.test_trainer import CONVOLUTIONS
trainer = TorchTrainer(CellEncoding(width=4), blobs(), epochs=1, device="cpu")
assert trainer(Candidate(CONVOLUTIONS), trainer.data.task, 0).ok
print([name for name in ("torch._dynamo", "torch._inductor", "sympy", "torchvision", "sklearn") if name in sys.modules])
"""


def test_a_training_imports_no_compiler():
    """It takes a second in each worker process, and half of the time to the first step."""
    env = {**os.environ, "PYTHONPATH": os.getcwd()}
    said = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, env=env)
    assert said.stdout.strip() == "[]", said.stderr


def test_a_shared_parameter_counts_once():
    line = nn.Linear(3, 3)
    assert profile.count_params(nn.Sequential(line, line)) == 12


class Computing(Line):
    """Computes with its weights while it is built, which the meta device cannot."""

    def build(self, genome: float, task: Task) -> nn.Module:
        network = super().build(genome, task)
        assert float(network.line.weight.detach().abs().sum()) > 0  # type: ignore[union-attr]
        return network


def test_counting_leaves_the_random_state_as_it_was():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    found = profile.costs(Computing(), 1.0, TASKS[0], ("params", "flops"))
    assert found == {"params": 3072 * 10 + 10, "flops": 2 * 3072 * 10}
    assert torch.equal(torch.get_rng_state(), before)


def test_latency_grows_with_the_network_and_the_batch():
    small, large = nn.Flatten(), nn.Sequential(nn.Conv2d(3, 64, 5, padding=2), nn.Conv2d(64, 64, 5))
    one = profile.latency(small, (3, 32, 32), "cpu", batch=1)
    many = profile.latency(large, (3, 32, 32), "cpu", batch=8)
    assert 0 < one < many < 60


def test_latency_leaves_the_network_as_it_was():
    network = nn.Sequential(nn.BatchNorm2d(3)).train()
    profile.latency(network, (3, 8, 8), "cpu")
    assert network.training
    assert int(network[0].num_batches_tracked) == 0  # type: ignore[arg-type]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_latency_on_a_gpu():
    network = nn.Conv2d(3, 8, 3).cuda()
    assert 0 < profile.latency(network, (3, 32, 32), "cuda", batch=16) < 1


@pytest.mark.parametrize("spec", [CellEncoding(), MacroEncoding()], ids=["cell", "macro"])
def test_kilobytes_are_those_of_the_file_of_weights(spec, tmp_path):
    from safetensors.torch import save_model

    genome = spec.sample(np.random.default_rng(0))
    network = spec.build(genome, TASKS[0])
    save_model(network, str(tmp_path / "weights"))
    assert profile.costs(spec, genome, TASKS[0], ("model_kb",)) == {
        "model_kb": (tmp_path / "weights").stat().st_size / 1024
    }


def test_what_networks_share_is_stored_once():
    layer = nn.Linear(100, 100)
    assert profile.weights_kb(nn.Sequential(layer, layer)) == profile.weights_kb(nn.Sequential(layer))


class Given(nn.Module):
    """The layer's first output alone."""

    def __init__(self, layer, *again):
        super().__init__()
        self.layer, self.again = layer, len(again)

    def forward(self, x):
        return self.layer(x, *[x] * self.again)[0]


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (Given(nn.LSTM(8, 8, batch_first=True)), 4 * 2 * 4 * (8 * 8 + 8 * 8)),
        (Given(nn.GRU(8, 8, batch_first=True)), 4 * 2 * 3 * (8 * 8 + 8 * 8)),
        (Given(nn.MultiheadAttention(8, 2, batch_first=True), "key", "value"), 4 * 2 * 4 * 8 * 8 + 2 * 2 * 4 * 4 * 8),
        (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 4 * 2 * (4 * 8 * 8 + 2 * 8 * 16) + 2 * 2 * 4 * 4 * 8),
    ],
    ids=["lstm", "gru", "attention", "transformer"],
)
def test_layers_with_kernels_of_their_own_are_counted_by_their_matrix_products(network, expected):
    before = (torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled)
    assert profile.count_flops(network, (4, 8)) == expected
    after = (torch.backends.mha.get_fastpath_enabled(), torch.backends.mkldnn.enabled, torch.backends.cudnn.enabled)
    assert after == before
