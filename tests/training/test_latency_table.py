"""Latency from a table: which operations there are, each measured once, kept, and added up."""

import json

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from evonas.core.types import Task
from evonas.encodings.cell import CellEncoding
from evonas.encodings.macro import MacroEncoding
from evonas.encodings.net import NetEncoding
from evonas.training.latency_table import CALL, LEAF, LatencyTable, operations

TASK = Task("toy", (3, 12, 12), 4)
SMALL = nn.Sequential(nn.Conv2d(3, 4, 3))
LARGE = nn.Sequential(nn.Conv2d(3, 96, 5, padding=2), nn.Conv2d(96, 64, 5))


class Residual(nn.Module):
    def __init__(self, scale: int = 2):
        super().__init__()
        self.conv, self.scale = nn.Conv2d(3, 3, 3, padding=1), scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.relu(self.conv(x), inplace=True)
        assert y.shape[1] == 3  # looks at a shape, which is no operation
        return torch.cat([x + y] * self.scale, dim=1).mean((2, 3))


def keys(network: nn.Module, shape: tuple[int, ...] = (3, 8, 8)) -> list[str]:
    with torch.inference_mode():
        return [one.key.split("(")[0].split(" ")[0] for one in operations(network.eval(), shape, "cpu")[0]]


def test_modules_are_whole_and_functions_beside_them_are_seen():
    assert [name.split(".")[-1] for name in keys(Residual())] == ["Conv2d", "relu", "add", "cat", "mean"]
    with torch.inference_mode():
        found, calls = operations(nn.Sequential(SMALL, nn.ReLU()).eval(), (3, 8, 8), "cpu")
    assert [one.key.split("(")[0].split(".")[-1] for one in found] == ["Conv2d", "ReLU"]
    assert calls == 2


def test_what_decides_a_time_is_in_the_key():
    def found(network, shape=(3, 8, 8)):
        with torch.inference_mode():
            return {one.key for one in operations(network.eval(), shape, "cpu")[0]}

    assert found(nn.Conv2d(3, 4, 3)) == found(nn.Conv2d(3, 4, 3))
    several = [nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 5), nn.Conv2d(3, 8, 3), nn.Conv2d(3, 4, 3, stride=2)]
    assert len(set.union(*map(found, several), found(several[0], (3, 9, 9)))) == 5
    assert found(Residual(2)) != found(Residual(3))


def test_a_network_is_left_as_it_was():
    network = Residual().train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    threads = torch.get_num_threads()
    LatencyTable().milliseconds(network, (3, 8, 8))
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())
    assert torch.get_num_threads() == threads


def test_each_is_measured_once_and_added_up():
    asked: list[int] = []

    def counted(works, device, repeats):
        for work in works:
            work()  # it can be done again
        asked.append(len(works))
        return [0.001 * (len(asked) + i) for i in range(len(works))]

    table = LatencyTable(measure=counted)
    twice = nn.Sequential(nn.ReLU(), nn.ReLU())
    first = table.milliseconds(twice, (3, 4, 4))
    assert asked == [4]  # and a module that does nothing, alone and in another one
    assert first == pytest.approx(2 * 1.0 + 1 * (4.0 - 3.0))
    assert table.milliseconds(twice, (3, 4, 4)) == first
    assert asked == [4]
    assert table.milliseconds(nn.Sequential(nn.Tanh(), nn.ReLU()), (3, 4, 4)) == pytest.approx(2.0 + 1.0 + 1.0)
    assert asked == [4, 4]


@pytest.mark.parametrize(
    "encoding", [CellEncoding(width=4), MacroEncoding(), NetEncoding()], ids=lambda one: type(one).__name__
)
def test_networks_of_the_built_in_encodings(encoding):
    table = LatencyTable()
    for seed in range(3):
        network = encoding.build(encoding.sample(np.random.default_rng(seed)), TASK)
        assert 0 < table.milliseconds(network, TASK.input_shape) < 10_000


def test_a_larger_network_takes_longer():
    table = LatencyTable()
    assert table.milliseconds(SMALL, (3, 32, 32)) < table.milliseconds(LARGE, (3, 32, 32))


def test_it_is_kept_and_found_by_another_process(tmp_path):
    first = LatencyTable(folder=tmp_path)
    value = first.milliseconds(LARGE, (3, 16, 16))
    (path,) = tmp_path.iterdir()
    assert path.name.endswith("threads-1.json")
    content = json.loads(path.read_text())
    assert set(content) == {"device", "torch", "threads", "milliseconds"}
    assert {LEAF, CALL} < set(content["milliseconds"])
    assert LatencyTable(folder=tmp_path).milliseconds(LARGE, (3, 16, 16)) == value
    assert LatencyTable(folder=tmp_path, threads=2).path != path


def test_of_two_that_measured_the_same_the_first_holds(tmp_path):
    one, other = LatencyTable(folder=tmp_path), LatencyTable(folder=tmp_path)
    other.milliseconds(SMALL, (3, 8, 8))
    value = one.milliseconds(LARGE, (3, 8, 8))  # knows what the other has kept since
    assert one.milliseconds(SMALL, (3, 8, 8)) == other.milliseconds(SMALL, (3, 8, 8))
    assert other.milliseconds(LARGE, (3, 8, 8)) == value


@pytest.mark.parametrize("content", ["", "{", "[]", '{"milliseconds": {"a": "b"}}', '{"milliseconds": 3}'])
def test_a_file_that_is_none_of_ours_is_measured_anew(tmp_path, content):
    table = LatencyTable(folder=tmp_path)
    assert table.path is not None
    table.path.write_text(content)
    assert table.milliseconds(SMALL, (3, 8, 8)) > 0
    assert json.loads(table.path.read_text())["milliseconds"]


def test_a_folder_that_cannot_be_written_is_no_reason_to_stop(tmp_path):
    (tmp_path / "file").write_text("")
    assert LatencyTable(folder=tmp_path / "file" / "within").milliseconds(SMALL, (3, 8, 8)) > 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_a_gpu_has_a_table_of_its_own(tmp_path):
    table = LatencyTable("cuda", folder=tmp_path)
    assert 0 < table.milliseconds(LARGE, (3, 32, 32)) < 1000
    assert "cpu" not in str(table.path)
