import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from evonas.core.errors import EvonasError
from evonas.core.types import Task
from evonas.encodings.categorical import CategoricalEncoding
from evonas.encodings.cell import EDGES, OPERATIONS, CellEncoding, cell_string, live, parse
from evonas.encodings.macro import MacroEncoding
from evonas.encodings.make import make_encoding
from evonas.encodings.toolbox import ToolboxEncoding
from evonas.training.profile import count_flops, count_params

ROOT = Path(__file__).parents[2]
cells = st.tuples(*[st.sampled_from(OPERATIONS)] * 6).map(cell_string)

# parameters and multiply-adds of convolutions and the linear layer as NAS-Bench-201 publishes them for CIFAR-10
# (Dong & Yang 2020, ICLR; its `params` and `flops`, in millions)
PUBLISHED = {
    "|none~0|+|none~0|avg_pool_3x3~1|+|skip_connect~0|skip_connect~1|nor_conv_3x3~2|": (0.316346, 43.17248),
    "|none~0|+|none~0|avg_pool_3x3~1|+|nor_conv_1x1~0|avg_pool_3x3~1|skip_connect~2|": (0.101306, 11.71520),
    "|nor_conv_3x3~0|+|avg_pool_3x3~0|none~1|+|none~0|nor_conv_1x1~1|avg_pool_3x3~2|": (0.344346, 47.10464),
    "|nor_conv_1x1~0|+|none~0|nor_conv_1x1~1|+|avg_pool_3x3~0|avg_pool_3x3~1|skip_connect~2|": (0.129306, 15.64736),
    "|nor_conv_1x1~0|+|none~0|skip_connect~1|+|nor_conv_1x1~0|avg_pool_3x3~1|avg_pool_3x3~2|": (0.129306, 15.64736),
}


@given(cell=cells)
def test_a_cell_is_its_string(cell):
    assert cell_string(parse(cell)) == cell


@pytest.mark.parametrize(
    "text", ["", "cell", "|none~0|", "|none~0|+|none~0|none~1|+|none~0|none~1|none~1|", "|nil~0|+" * 3]
)
def test_what_is_no_cell_is_named(text):
    with pytest.raises(EvonasError, match="is no cell of NAS-Bench-201; it looks like"):
        parse(text)


def test_there_are_as_many_cells_as_the_paper_says():
    from itertools import product

    encoding = CellEncoding()
    forms = {encoding.canonical(cell_string(operations)) for operations in product(OPERATIONS, repeat=len(EDGES))}
    assert len(forms) == 6466
    assert all(encoding.canonical(form) == form for form in forms)


def test_isomorphic_cells_are_one():
    encoding = CellEncoding()
    over_one = "|none~0|+|none~0|nor_conv_3x3~1|+|nor_conv_3x3~0|none~1|none~2|"  # node 1 is nothing, so is its use
    over_two = "|none~0|+|none~0|avg_pool_3x3~1|+|nor_conv_3x3~0|skip_connect~1|none~2|"
    at_once = "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"
    assert encoding.features(over_one) == encoding.features(over_two)
    assert encoding.canonical(over_one) == encoding.canonical(over_two)
    assert encoding.canonical(at_once) != encoding.canonical("|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|")


@given(cell=cells)
def test_pruning_keeps_what_reaches_the_output(cell):
    kept = live(parse(cell))
    assert live(kept) == kept
    assert all(k in (o, "none") for k, o in zip(kept, parse(cell), strict=True))


@pytest.mark.parametrize("cell", list(PUBLISHED))
def test_parameters_and_multiply_adds_are_the_published_ones(cell):
    params, macs = PUBLISHED[cell]
    network = CellEncoding(width=16, cells=5, pruned=False).build(cell, Task("cifar10", (3, 32, 32), 10))
    assert count_params(network) / 1e6 == pytest.approx(params, abs=1e-6)
    assert count_flops(network, (3, 32, 32)) / 2e6 == pytest.approx(macs, abs=1e-3)


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 3, 3), (3, 25, 33), (1, 8, 8)])
@pytest.mark.parametrize("encoding", [CellEncoding(4), MacroEncoding()])
def test_networks_build_for_every_size(encoding, shape):
    import torch

    for seed in range(3):
        network = encoding.build(encoding.sample(np.random.default_rng(seed)), Task("odd", shape, 7))
        assert network(torch.zeros(2, *shape)).shape == (2, 7)


small = st.one_of(
    st.tuples(st.integers(1, 4), st.integers(1, 5), st.integers(1, 5)),
    st.tuples(st.integers(1, 2), st.just(1), st.integers(1, 60)),
    st.tuples(st.integers(1, 2), st.integers(1, 60), st.just(1)),
)


@pytest.mark.parametrize("spec", ["net", "cell(width=4)", "macro", "with_recipe(encoding='macro(stages=5)')"])
@given(shape=small, seed=st.integers(0, 2**32 - 1))
@settings(max_examples=12)
def test_sampled_networks_train_on_the_smallest_images(spec, shape, seed):
    """Forward and backward: a batch of two is the smallest that is trained on."""
    import torch

    encoding = make_encoding(spec)
    network = encoding.build(encoding.sample(np.random.default_rng(seed)), Task("small", shape, 3))
    logits = network(torch.randn(2, *shape))
    assert logits.shape == (2, 3)
    logits.square().sum().backward()
    assert network.eval()(torch.randn(1, *shape)).isfinite().all()


def test_a_pruned_network_computes_the_same_with_fewer_parameters():
    cell = "|nor_conv_3x3~0|+|nor_conv_1x1~0|none~1|+|none~0|none~1|nor_conv_3x3~2|"  # the first edge leads nowhere
    task = Task("t", (1, 8, 8), 2)
    whole, pruned = (CellEncoding(8, pruned=p).build(cell, task) for p in (False, True))
    assert count_params(pruned) < count_params(whole)


@given(cell=cells)
@settings(max_examples=30, deadline=None)
def test_every_parameter_has_a_gradient_and_a_pruned_cell_computes_no_zeros(cell):
    import torch

    from evonas.encodings.cell_network import Zero

    whole, pruned = (CellEncoding(2, pruned=p).build(cell, Task("t", (1, 4, 4), 2)) for p in (False, True))
    for network in (whole, pruned):
        network(torch.randn(2, 1, 4, 4)).sum().backward()
        assert all(parameter.grad is not None for parameter in network.parameters())
    assert not any(isinstance(module, Zero) for module in pruned.modules())


@given(seed=st.integers(0, 10**6))
@settings(max_examples=30)
def test_categorical_mutation_always_changes_something(seed):
    encoding = CategoricalEncoding({"a": (1, 2), "b": ("x", "y", "z"), "fixed": (None,)})
    rng = np.random.default_rng(seed)
    genome = encoding.sample(rng)
    child = encoding.mutate(genome, rng)
    assert child != genome
    assert child[2] is None
    assert sum(encoding.features(genome).values()) == 3


@pytest.mark.parametrize("genes", [{}, {"a": ()}, {"a": (1, 1)}])
def test_genes_that_make_no_sense(genes):
    with pytest.raises(EvonasError):
        CategoricalEncoding(genes)


def test_a_toolbox_that_lacks_something():
    with pytest.raises(EvonasError, match="the toolbox has no 'individual'; register it"):
        ToolboxEncoding(object(), lambda genome, task: nn.Identity())


def test_macro_features_grow_with_the_network():
    encoding = MacroEncoding(stages=1)
    small, large = (1, 8, 3, 1, 0, 1), (3, 32, 5, 4, 1, 1)
    assert encoding.features(small)["log params"] < encoding.features(large)["log params"]
    assert encoding.graph(large)[0] == ("input", "stage 1", "3× MB4 5×5 w32 SE")


@pytest.mark.thorough
def test_the_example_is_short_and_runs(tmp_path):
    path = ROOT / "examples" / "custom_encoding.py"
    assert len(path.read_text().splitlines()) <= 40
    done = subprocess.run([sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 0 < float(done.stdout.strip().splitlines()[-1]) <= 1
