"""Programs that are made of a network give its probabilities, in onnxruntime and torch, for any number of inputs."""

import json
import os
import stat

import numpy as np
import pytest
import torch
from torch import nn

from evonas.core.errors import EvonasError
from evonas.core.types import Task
from evonas.domains.images.network import Network
from evonas.domains.programs import INSIDE, TOLERANCE, write_onnx, write_program
from evonas.domains.series.network import Network as SeriesNetwork
from evonas.domains.standalone import _loaded, write_standalone
from evonas.encodings.make import make_encoding
from evonas.training.building import build, seeded
from evonas.training.data import Preprocessing
from evonas.training.ensemble import Ensemble
from evonas.training.forms import Forms, over_forms
from tests.training.nets import Branching

NAMES = ("cat", "dog", "höre")
SHAPE = (3, 12, 10)


def of(encoding: str, shape=SHAPE, domain: str = "images", seed: int = 0) -> nn.Module:
    """A network as it is built, without a training."""
    made, rng = make_encoding(encoding), np.random.default_rng(seed)
    with seeded(seed):
        task = Task("t", shape, len(NAMES), domain=domain)
        return build(made, made.sample(rng), task).eval()


def images(model: nn.Module, shape=SHAPE) -> Network:
    return Network(model, Preprocessing((0.4,) * shape[0], (0.2,) * shape[0]), NAMES, shape)


def series() -> SeriesNetwork:
    """Values far from zero, of which float32 would lose what matters."""
    return SeriesNetwork(of("series", (2, 24), "series"), Preprocessing((1e7, -3.0), (0.5, 2.0), 1.0), NAMES, (2, 24))


def cases():
    many = Ensemble([over_forms(of("cell(width=4)"), Forms(mirror_x=True, shift_x=1)), of("cell(width=4)", seed=1)])
    yield pytest.param(lambda: images(of("cell(width=4)")), id="cell")
    yield pytest.param(lambda: images(of("net")), id="net")
    yield pytest.param(lambda: images(of("macro")), id="macro")
    yield pytest.param(lambda: images(many), id="ensemble")
    yield pytest.param(series, id="series")


def inputs(network, n: int) -> torch.Tensor:
    rng = np.random.default_rng(n)
    if isinstance(network, SeriesNetwork):
        return torch.from_numpy(1e7 * np.array([[[1], [0]]]) + rng.normal(size=(n, 2, 24)))
    return torch.from_numpy(rng.integers(0, 256, (n, *SHAPE)).astype(np.float32))


@pytest.mark.parametrize("make", [*cases()])
def test_onnx_has_everything_inside(make, tmp_path):
    runtime = pytest.importorskip("onnxruntime", reason="not installed: pip install 'evonas[onnx]'")
    network = make()
    write_onnx(network, tmp_path)
    session = runtime.InferenceSession(tmp_path / "model.onnx", providers=["CPUExecutionProvider"])
    for n in (1, 5):
        x = inputs(network, n)
        expected = network.of_read(x)
        probabilities, logits = session.run(None, {"input": x.numpy()})
        assert probabilities == pytest.approx(expected.softmax(1).numpy(), abs=TOLERANCE)
        assert logits == pytest.approx(expected.numpy(), rel=1e-3, abs=1e-3)
    metadata = session.get_modelmeta().custom_metadata_map
    assert json.loads(metadata["class_names"]) == list(NAMES)
    assert "pixels from 0 to 255" in metadata["input"] or "training series" in metadata["input"]


@pytest.mark.parametrize("make", [*cases()])
def test_the_standalone_file_is_the_network(make, tmp_path):
    network = make()
    write_standalone(network, tmp_path)
    model = _loaded(tmp_path / "model.py")
    assert model.CLASSES == NAMES
    for n in (1, 5):
        x = inputs(network, n)
        expected = network.of_read(x).softmax(1).numpy()
        assert model.of_read(x).numpy() == pytest.approx(expected, abs=1e-6)
        assert model.predict_proba(x if isinstance(network, SeriesNetwork) else x.byte()).numpy() == pytest.approx(
            expected, abs=1e-6
        )
        assert model.predict(x.byte() if network.held == torch.float32 else x) == [NAMES[i] for i in expected.argmax(1)]


@pytest.mark.parametrize("make", [*cases()][3:])
def test_torch_export_has_the_normalisation_and_the_names_inside(make, tmp_path):
    network = make()
    write_program(network, tmp_path)
    record = {INSIDE: ""}
    program = torch.export.load(tmp_path / "model.pt2", extra_files=record).module()
    for n in (1, 5):
        x = inputs(network, n)
        assert program(x).detach().numpy() == pytest.approx(network.of_read(x).numpy(), abs=1e-5)
    assert json.loads(record[INSIDE])["class_names"] == list(NAMES)


class Random(nn.Module):
    """Never twice the same."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.rand(x.shape[0], len(NAMES)) * 9


WRITERS = [write_onnx, write_program, write_standalone]


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("model", [Random(), Branching().build(1.0, Task("t", SHAPE, len(NAMES)))])
def test_what_cannot_be_written_leaves_nothing(model, write, tmp_path):
    if write is write_onnx:
        pytest.importorskip("onnxruntime")
    raised = Exception if write is write_program else EvonasError  # torch's own, of which `add_program` makes a note
    with pytest.raises(raised) as error:
        write(images(model), tmp_path)
    if isinstance(error.value, EvonasError):
        assert "was not written" in str(error.value)
        assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mask", [0o002, 0o077])
def test_modes_follow_the_umask(mask, tmp_path):
    pytest.importorskip("onnxruntime")
    before = os.umask(mask)
    try:
        for write in WRITERS:
            write(images(of("cell(width=4)")), tmp_path)
    finally:
        os.umask(before)
    files = ["model.onnx", "model.pt2", "model.py", "weights.safetensors"]
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o666 & ~mask}
