"""What is counted in a network whoever built it, and how views are brought from one encoding to another."""

import math

import numpy as np
import pytest
import torch
from studies.between_encodings import record, views
from studies.between_encodings.graph import graph_features
from torch import nn

from evonas.core.types import Task
from evonas.encodings.make import make_encoding
from evonas.training.building import build
from evonas.training.profile import count_flops, count_params


class Split(nn.Module):
    """A convolution, then two ways that are added: one of two convolutions, and none."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.body = nn.Sequential(
            nn.Conv2d(8, 8, 3, padding=1, groups=8), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 8, 1)
        )
        self.head = nn.Linear(8, 10)

    def forward(self, x):
        x = self.stem(x)
        return self.head((x + self.body(x)).mean((2, 3)))


@pytest.fixture(scope="module")
def counted():
    return graph_features(Split(), (3, 16, 16))


def test_operations_are_counted_by_kind(counted):
    kinds = {name: round(math.expm1(counted[name])) for name in counted if name.endswith("s") and " " not in name}
    there = {"convs": 1, "groupeds": 1, "pointwises": 1, "linears": 1, "norms": 1, "activations": 1, "sums": 1}
    assert {name: count for name, count in kinds.items() if count} == there


def test_ways_are_measured_in_operations_with_weights(counted):
    assert (counted["longest way"], counted["shortest way"]) == (4, 2)
    assert counted["log ways"] == pytest.approx(math.log(2))
    assert counted["log field"] == pytest.approx(math.log(3 + 2 * 2))  # 3×3, then 3×3 at half the size


def test_costs_are_those_of_the_profile(counted):
    network = Split()
    assert counted["log params"] == pytest.approx(math.log1p(count_params(network)))
    assert counted["log flops"] == pytest.approx(math.log1p(count_flops(network, (3, 16, 16))))
    assert counted["flops at 1/2"] + counted["flops at 1/8"] == pytest.approx(1)
    assert counted["width at 1/2"] == pytest.approx(math.log1p(8))
    assert counted["log last width"] == pytest.approx(math.log(8))


@pytest.mark.parametrize("name", ["cell", "macro", "net"])
def test_every_encoding_has_the_same_names_and_finite_numbers(name, counted):
    encoding, task = make_encoding(name), Task("t", (1, 8, 8), 3)
    network = build(encoding, encoding.sample(np.random.default_rng(0)), task)
    network.train()
    found = graph_features(network, task.input_shape)
    assert list(found) == list(counted)
    assert np.isfinite(list(found.values())).all()
    assert network.training


def test_a_network_of_other_shapes_is_counted_too():
    series = nn.Sequential(nn.Conv1d(2, 4, 5, padding=2), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(4 * 8, 3))
    assert graph_features(series, (2, 16))["log field"] == pytest.approx(math.log(5 + 1))
    plain = graph_features(nn.Sequential(nn.Flatten(), nn.Linear(12, 3)), (3, 2, 2))
    assert plain["longest way"] == 1
    torch.manual_seed(0)
    attention = graph_features(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (4, 8))
    assert attention["longest way"] >= 4


def test_tasks_that_share_images_teach_each_other_nothing():
    cells, nets = views.sides()
    assert "mnist" not in views.earlier_tasks(cells, "addnist")
    assert {"mnist", "addnist", "multnist"}.isdisjoint(views.earlier_tasks(nets, "mnist"))


def test_evidence_counts_on_a_view_that_is_right_and_not_on_one_that_is_not():
    cells, _ = views.sides()
    y, X = cells.scores("kmnist")[:120], np.asarray(cells.table.features[:120], dtype=float)
    right, rng = y[None], np.random.default_rng(0)
    had = rng.permutation(120)[:30]
    for said, linear in ((right, 1.0), (rng.random((1, 120)), 0.0)):
        model = record.taught(X, said).adapt(X[had], y[had])
        assert model.chosen[0][1].linear == linear


def test_a_summary_counts_trainings_and_holds_them_against_from_scratch():
    slow, fast = np.array([[[1.0, 0.5, 0.5, 0.0]]] * 2), np.array([[[1.0, 0.0, 0.0, 0.0]]] * 2)
    pad = np.zeros((2, 1, record.TRIALS - 4))
    curves = {"from scratch": np.concatenate([slow, pad], 2), "another": np.concatenate([fast, pad], 2)}
    rows = record.summary(curves, [0.1, 0.1])
    assert [row[-2] for row in rows] == ["4.0", "2.0"]
    assert rows[1][-1] == "0.50 × (0.50 to 0.50)"
    assert record.trainings(np.array([1.0, 0.5]), 0.1) == 3
