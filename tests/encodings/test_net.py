"""The encoding `net`: every genome builds for every image, and says how it is trained."""

import io
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas.core.errors import EvonasError
from evonas.core.optional import Calibrated, Canonical, Drawable, HasPortfolio, HasRecipe, HasSpace
from evonas.core.recipe import Recipe
from evonas.core.types import Task
from evonas.encodings.check import check_encoding
from evonas.encodings.net import ARCHITECTURE, NetEncoding
from evonas.encodings.net_layout import LENGTH, SIDE
from evonas.encodings.recipe_genes import VARIED
from evonas.report.drawing import draw_architecture
from evonas.training.inheritance import inherit, named_tensors
from evonas.training.profile import count_flops, count_params

ENCODING = NetEncoding()
COLOUR = Task("colour", (3, 32, 32), 10)
seeds = st.integers(0, 2**32 - 1)
uniform = seeds.map(
    lambda seed: tuple(np.random.default_rng(seed).choice(len(c)) for c in ENCODING.genes.values())
).map(lambda choice: ENCODING.space().genome(choice))
shapes = st.one_of(
    st.tuples(st.integers(1, 5), st.integers(1, 14), st.integers(1, 14)),
    st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 90)),
    st.tuples(st.integers(1, 300), st.integers(1, 3), st.integers(1, 3)),
)


def test_it_has_all_that_an_encoding_may_have():
    for protocol in (Canonical, Drawable, HasPortfolio, HasRecipe, HasSpace):
        assert isinstance(ENCODING, protocol)
    check_encoding(ENCODING, COLOUR, np.random.default_rng(0))
    assert pickle.loads(pickle.dumps(ENCODING)).genome() == ENCODING.genome()


@given(genome=uniform, shape=shapes, classes=st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_every_genome_builds_for_every_image(genome, shape, classes):
    network = ENCODING.build(genome, Task("t", shape, classes))
    images = torch.randn(3, *shape)
    network.calibrate(images)  # type: ignore[operator]
    logits = network.train()(images)
    assert logits.shape == (3, classes)
    logits.square().sum().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)
    assert network.eval()(images[:1]).shape == (1, classes)
    planned = ENCODING.plan(genome, shape)
    assert planned.params(classes) == count_params(network) < 3e7
    assert planned.flops(classes) == count_flops(network, shape) < 1e10


@pytest.mark.parametrize(
    "shape", [(3, 224, 17), (1, 1, 500), (3, 64, 64), (2, 1024, 1024), (1, 1024, 1), (1, 2000, 40)]
)
@pytest.mark.parametrize("stem", ARCHITECTURE["stem"])
def test_large_pictures_are_reduced_by_the_stem(shape, stem):
    genome = ENCODING.genome(stem=stem, width=16, stages=1, depth=0)
    planned = ENCODING.plan(genome, shape)
    height, width = planned.stem.convolution.size
    assert height * width <= (SIDE + 1) ** 2
    if stem in ("column", "row"):
        assert min(height, width) == 1
        assert max(height, width) <= LENGTH
    assert planned.params(10) < 1e6
    network = ENCODING.build(genome, Task("t", shape, 10))
    assert network(torch.randn(2, *shape)).isfinite().all()


@pytest.mark.parametrize("shape", [(10, 9, 9), (1, 28, 28), (3, 32, 32), (3, 224, 224), (3, 2000, 30)])
def test_the_portfolio_is_diverse_and_changes_no_images(shape):
    task = Task("t", shape, 10)
    found = ENCODING.portfolio(task)
    assert ENCODING.genome() in found[:3]
    assert (found[0] == ENCODING.genome()) == (max(shape[1:]) >= 16)
    assert len({ENCODING.canonical(genome) for genome in found}) == len(found) == 12 + (max(shape[1:]) < 16)
    assert {genome[0] for genome in found} == set(ARCHITECTURE["stem"])
    for one in found[1:]:
        assert sum(a != b for a, b in zip(one, found[0], strict=True)) >= 3
    for genome in found:
        recipe = ENCODING.recipe(genome)
        assert not any(getattr(recipe, name) for name in VARIED)
        assert ENCODING.plan(genome, shape).flops(10) <= 5 * ENCODING.plan(found[0], shape).flops(10)


def test_the_resnet_of_the_portfolio_is_resnet_8():
    resnet = ENCODING.portfolio(COLOUR)[4]
    assert ENCODING.plan(resnet, (3, 32, 32)).params(10) == 78042


@given(genome=uniform)
@settings(max_examples=100, deadline=None)
def test_all_genomes_have_a_valid_recipe(genome):
    recipe, named = ENCODING.recipe(genome), ENCODING.named(genome)
    assert isinstance(recipe, Recipe)
    assert (recipe.optimizer, recipe.batch_size) == (named["optimizer"], named["batch"])
    assert ENCODING.recipe(ENCODING.canonical(genome)) == recipe


@given(genome=uniform)
@settings(max_examples=25, deadline=None)
def test_canonical_keeps_the_network(genome):
    canonical = ENCODING.canonical(genome)
    assert ENCODING.canonical(canonical) == canonical
    assert ENCODING.plan(canonical, (2, 12, 9)) == ENCODING.plan(genome, (2, 12, 9))
    tensors = [named_tensors(ENCODING.build(one, Task("t", (2, 12, 9), 2))) for one in (genome, canonical)]
    assert {k: v.shape for k, v in tensors[0].items()} == {k: v.shape for k, v in tensors[1].items()}
    space = ENCODING.space()
    assert space.genome(space.choice(canonical)) == canonical


@given(seed=seeds)
@settings(max_examples=60, deadline=None)
def test_mutation_changes_one_gene_that_counts(seed):
    rng = np.random.default_rng(seed)
    genome = ENCODING.canonical(ENCODING.sample(rng))
    assert ENCODING.mutate(genome, rng) != genome


def test_architecture_and_recipe_are_mutated_alike_and_neighbours_first():
    rng, genome = np.random.default_rng(0), ENCODING.genome()
    children = [ENCODING.mutate(genome, rng) for _ in range(2000)]
    n = len(ARCHITECTURE)
    architecture = np.mean([child[:n] != genome[:n] for child in children])
    recipe = np.mean([child[n:] != genome[n:] for child in children])
    assert 0.6 < architecture < 0.75
    assert 0.6 < recipe < 0.8
    place = list(ARCHITECTURE).index("width")
    moved = [child[place] for child in children if child[place] != 32]
    assert np.mean([width in (24, 48) for width in moved]) > 0.7
    assert {16, 64} <= set(moved)


def test_sampled_genomes_rarely_change_images():
    rng = np.random.default_rng(0)
    recipes = [ENCODING.recipe(ENCODING.sample(rng)) for _ in range(400)]
    for name in VARIED:
        assert 0.1 < np.mean([bool(getattr(recipe, name)) for recipe in recipes]) < 0.3


def test_features_follow_the_size_and_say_what_has_no_effect():
    features = [
        ENCODING.features(ENCODING.genome(**one))
        for one in ({"width": 16}, {}, {"depth": 3}, {"width": 64}, {"stages": 1, "growth": 2.0})
    ]
    assert all(set(one) == set(features[0]) for one in features)
    sizes = [one["log params"] for one in features[:4]]
    assert sizes == sorted(sizes)
    assert np.isnan(features[4]["growth"])
    assert features[1]["growth"] == 1.5
    assert features[1]["stem=white"] == 1
    assert features[1]["lr"] == 1


def test_field_is_what_a_number_depends_on():
    """Measured by the gradient of one number behind the stages, without maxima, which pick."""
    genome = ENCODING.genome(block="plain", stem="conv", width=16, stages=2, kernel="1x5", growth=1.0)
    planned = ENCODING.plan(genome, (1, 61, 61))
    network = ENCODING.build(genome, Task("t", (1, 61, 61), 2)).eval()
    images = torch.rand(1, 1, 61, 61, requires_grad=True)
    parts = torch.nn.Sequential(*list(network.children())[:-3])
    for layer in parts.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.constant_(layer.weight, 0.1)
    found = parts(images)
    found[0, :, found.shape[2] // 2, found.shape[3] // 2].sum().backward()
    assert images.grad is not None
    seen = images.grad[0, 0].abs()
    assert int((seen.sum(1) > 0).sum()) == planned.field(0)
    assert int((seen.sum(0) > 0).sum()) == planned.field(1)


@pytest.mark.parametrize("shape", [(3, 12, 12), (1, 9, 30), (20, 6, 6), (1, 96, 96)])
def test_calibration_whitens(shape):
    rng = torch.Generator().manual_seed(0)
    images = torch.randn(60, *shape, generator=rng).cumsum(-1).cumsum(-2)  # pixels that depend on their neighbours
    images = (images - images.mean()) / images.std()
    network = ENCODING.build(ENCODING.genome(), Task("t", shape, 3))
    assert isinstance(network, Calibrated)
    before = {name: tensor.clone() for name, tensor in network.named_parameters()}
    network.calibrate(images)
    stem = network.get_submodule("stem")
    white = stem.get_submodule("white")
    assert isinstance(white.weight, torch.Tensor)
    half = white.weight[: len(white.weight) // 2]
    assert torch.equal(white.weight[len(half) :], -half)
    pooled = stem.get_submodule("pool")(images)
    responses = torch.nn.functional.conv2d(pooled, half, None, white.stride).movedim(1, -1).flatten(0, -2).double()  # type: ignore[arg-type]
    covariance = np.cov(responses.numpy().T)
    strong = np.diag(covariance) > 0.5  # directions with less variance than is added stay short
    assert strong[0]
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 0.02
    assert (np.diag(covariance) < 1.001).all()
    assert covariance[0, 0] == pytest.approx(1, abs=0.01)
    assert all(torch.equal(before[name], parameter) for name, parameter in network.named_parameters())


def test_images_that_show_nothing_leave_finite_directions():
    network = ENCODING.build(ENCODING.genome(), COLOUR)
    for images in (torch.zeros(4, 3, 32, 32), torch.full((4, 3, 32, 32), torch.nan)):
        network.calibrate(images)  # type: ignore[operator]
        assert network(torch.randn(2, 3, 32, 32)).isfinite().all()


def test_a_calibrated_network_is_saved_and_built_again():
    genome = ENCODING.genome(width=16)
    network = ENCODING.build(genome, COLOUR)
    network.calibrate(torch.randn(50, 3, 32, 32).cumsum(-1))  # type: ignore[operator]
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    again = ENCODING.build(genome, COLOUR)
    images = torch.randn(2, 3, 32, 32)
    assert not torch.equal(again.eval()(images), network.eval()(images))
    again.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(again(images), network(images))
    assert not any("white" in name for name, _ in network.named_parameters())


def test_building_twice_gives_the_same_frozen_stem():
    one, other = (ENCODING.build(ENCODING.genome(), COLOUR).state_dict()["stem.white.weight"] for _ in range(2))
    assert torch.equal(one, other)
    rows = one[: len(one) // 2].flatten(1)
    assert torch.allclose(rows @ rows.T, torch.eye(len(rows)), atol=1e-5)


@pytest.mark.parametrize(
    "choices",
    [
        {"stages": 2, "head": "mean+max", "dropout": 0.1},
        {"stem": "row", "stages": 1, "block": "bottleneck", "head": "flatten"},
    ],
)
def test_networks_can_be_exported_and_drawn(choices):
    genome = ENCODING.genome(**choices)
    network = ENCODING.build(genome, Task("t", (3, 20, 20), 4)).eval()
    images = torch.randn(2, 3, 20, 20)
    program = torch.export.export(network, (images,), dynamic_shapes=({0: torch.export.Dim("n", min=1, max=64)},))
    assert torch.allclose(program.module()(images), network(images), atol=1e-5)
    assert draw_architecture(ENCODING, genome).startswith("<svg")


def test_a_child_inherits_most_of_its_parents_weights():
    parent = ENCODING.build(ENCODING.genome(), COLOUR)
    for change in ({"depth": 2}, {"kernel": "1x5"}, {"head": "flatten"}, {"stages": 2}, {"block": "plain"}):
        child = ENCODING.build(ENCODING.genome(**change), COLOUR)
        assert inherit(child, named_tensors(parent)) > 0.45, change


def test_what_is_no_gene_or_no_image_is_named():
    with pytest.raises(EvonasError, match=r"no width=33 in the encoding 'net'; its choices are \(16, 24"):
        ENCODING.genome(width=33)
    with pytest.raises(EvonasError, match="no wings=2 in the encoding 'net'; genes are"):
        ENCODING.genome(wings=2)
    with pytest.raises(EvonasError, match=r"is for images \(channels, height, width\), not for \(1, 90\)"):
        ENCODING.build(ENCODING.genome(), Task("waves", (1, 90), 2, domain="series"))
