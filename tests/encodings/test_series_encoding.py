"""The encoding of series: every genome builds for every length and number of channels."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas.core.errors import EvonasError
from evonas.core.types import Task
from evonas.domains.domain import domain_named
from evonas.encodings.cell import CellEncoding
from evonas.encodings.series import SeriesEncoding
from evonas.training.profile import count_params

ENCODING = SeriesEncoding()


def genome(**changes):
    plain = {"stages": 2, "width": 8, "kernel": 3, "growth": 1, "blocks": 2}
    return tuple({**plain, "norm": "batch", "pool": "mean", "dropout": 0.0, **changes}.values())


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 70), st.integers(1, 9), st.integers(2, 5))
def test_every_genome_builds_for_every_length_and_channels(seed, length, channels, classes):
    found = ENCODING.sample(np.random.default_rng(seed))
    network = ENCODING.build(found, Task("t", (channels, length), classes, domain="series"))
    logits = network(torch.randn(2, channels, length))
    assert logits.shape == (2, classes)
    assert torch.isfinite(logits).all()
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_dilation_widens_what_one_output_sees():
    """The reach of the last block is measured by the gradient of one output value."""

    def reach(growth: int) -> int:
        torch.manual_seed(0)
        network = ENCODING.build(genome(stages=1, blocks=3, growth=growth), Task("t", (1, 201), 2)).eval()
        x = torch.randn(1, 1, 201, requires_grad=True)
        body = torch.nn.Sequential(*list(network.children())[:-3])
        body(x)[0, :, 100].sum().backward()
        assert x.grad is not None
        places = x.grad[0, 0].nonzero().ravel()
        return int(places.max() - places.min()) + 1

    assert reach(1) == 1 + 2 * 2 * 3
    assert reach(2) == 1 + 2 * 2 * (1 + 2 + 4)
    assert reach(4) == 1 + 2 * 2 * (1 + 4 + 16)


def test_genomes_of_one_network_have_one_form():
    one, other = genome(blocks=1, growth=1), genome(blocks=1, growth=4)
    assert ENCODING.canonical(other) == one
    assert ENCODING.canonical(genome(growth=4)) == genome(growth=4)
    assert ENCODING.features(one) == ENCODING.features(other)
    task = Task("t", (3, 50), 2)
    assert str(ENCODING.build(one, task)) == str(ENCODING.build(other, task))


def test_features_follow_the_size():
    small, wide, deep = genome(), genome(width=32), genome(blocks=3)
    params = [count_params(ENCODING.build(g, Task("t", (1, 60), 2))) for g in (small, deep, wide)]
    features = [ENCODING.features(g)["log params"] for g in (small, deep, wide)]
    assert params == sorted(params)
    assert features == sorted(features)


def test_an_encoding_of_images_is_pointed_at():
    task = Task("waves", (2, 40), 3, domain="series")
    with pytest.raises(EvonasError, match=r"build\(.*for series there is --encoding series$"):
        domain_named("series").check(CellEncoding(), task, np.random.default_rng(0))
    with pytest.raises(EvonasError, match=r"build\(.*for images there is --encoding net$"):
        domain_named("images").check(ENCODING, Task("i", (1, 8, 8), 3), np.random.default_rng(0))
