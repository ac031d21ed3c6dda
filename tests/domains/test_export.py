"""A network written and read again predicts the same, from whatever form an image comes in."""

import json
import os
import shutil
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

import evonas
from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas.core.trust import given
from evonas.domains.export import load, save
from evonas.domains.images import images_from_arrays, split
from evonas.domains.images.network import Network
from evonas.encodings.cell import CellEncoding
from evonas.training.data import Preprocessing
from evonas.training.trainer import Finished, TorchTrainer
from tests.training import nets
from tests.training.nets import Branching, Line, blobs

CELL = "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|"
OTHER_CELL = CELL.replace("none", "nor_conv_3x3")
SPEC = "cell(width=4)"


def trained(encoding, genome, channels: int = 1) -> tuple[Any, Any]:
    trainer = TorchTrainer(encoding, blobs(channels=channels), epochs=2, device="cpu", batch_size=32)
    return trainer, trainer.finish(genome, 0)


def expected(trainer: TorchTrainer, finished: Finished) -> np.ndarray:
    """Probabilities of the test images, straight from the trained network."""
    x = torch.from_numpy(np.moveaxis(trainer.data.x_test, -1, 1).copy())
    with torch.inference_mode():
        return finished.model(finished.preprocessing(x)).softmax(1).numpy()


@pytest.fixture(scope="module", params=[1, 3], ids=["grey", "colour"])
def saved(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    trainer, finished = trained(CellEncoding(width=4), CELL, request.param)
    assert save(folder, finished, CELL, SPEC, trainer.data) == []
    return folder, trainer.data, expected(trainer, finished)


def test_the_files(saved):
    folder, _, _ = saved
    assert sorted(path.name for path in folder.iterdir()) == ["genome.json", "model.pt2", "model.safetensors"]
    assert json.loads((folder / "genome.json").read_text())["genome"] == CELL


def test_the_same_predictions(saved):
    folder, data, probabilities = saved
    network = evonas.load(folder)
    assert isinstance(network, Network)
    assert not network.model.training
    assert network.class_names == ("0", "1", "2")
    assert network.predict_proba(data.x_test) == pytest.approx(probabilities, abs=1e-5)
    assert (network.predict(data.x_test) == probabilities.argmax(1)).all()
    assert network.predict_proba(data.x_test).sum(1) == pytest.approx(1, abs=1e-5)


def test_every_form_of_an_image(saved):
    folder, data, probabilities = saved
    network, x = load(folder), data.x_test
    forms = [x / 255.0, (x / 255.0).astype(np.float32), x.astype(np.int64), torch.from_numpy(x)]
    forms += [np.moveaxis(x, -1, 1), torch.from_numpy(x / 255.0), x.tolist(), np.asfortranarray(x)]
    if x.shape[-1] == 1:
        forms += [x[..., 0], torch.from_numpy(x[..., 0])]
    for form in forms:
        assert network.predict_proba(form) == pytest.approx(probabilities, abs=1e-4)
    singles = [x[0], x[0] / 255.0, np.moveaxis(x[0], -1, 0)] + ([x[0, ..., 0]] if x.shape[-1] == 1 else [])
    for single in singles:
        assert network.predict_proba(single) == pytest.approx(probabilities[:1], abs=1e-4)


def test_more_images_than_one_batch_and_none(saved):
    folder, data, probabilities = saved
    network = load(folder)
    many = np.concatenate([data.x_test] * 80)
    assert network.predict_proba(many) == pytest.approx(np.concatenate([probabilities] * 80), abs=1e-5)
    assert network.predict(many[:0]).shape == (0,)
    assert network.predict_proba(many[:0]).shape == (0, 3)


def test_images_that_do_not_fit(saved):
    folder, data, _ = saved
    network = load(folder)
    _, height, width, channels = data.x_test.shape
    for shape in [(5, 5), (2, 7, 7, channels), (2, height, width, channels + 1), (3,), (1, 1, 1, 1, 1)]:
        with pytest.raises(EvonasError, match="cannot predict for images of shape .*this network wants .n, 6, 6"):
            network.predict(np.zeros(shape))


def test_values_that_are_no_pixels(saved):
    folder, data, _ = saved
    network, floats = load(folder), data.x_test / 255.0
    for wrong, words in (
        (floats * 255, "values to 2[0-9.]+; give uint8, or floats from 0 to 1"),
        (floats * np.nan, "NaN"),
        (floats - 1, "from -"),
        (data.x_test.astype("U3"), "holds <U3"),
    ):
        with pytest.raises(EvonasError, match=words) as raised:
            network.predict(wrong)
        assert "\n" not in str(raised.value)


def test_one_ambiguous_image_size(tmp_path):
    """A grey network for 6×6 images is given six images, and one image."""
    trainer, finished = trained(Line(), 1.0)
    network = Network(finished.model, finished.preprocessing, ("a", "b", "c"), (1, 6, 6))
    assert network.predict(trainer.data.x_test[:6, ..., 0]).shape == (6,)
    assert network.predict(trainer.data.x_test[0, ..., 0]).shape == (1,)


RAW = np.random.default_rng(3).random((60, 6, 6))
ONES = (RAW > 0.5).astype(np.int64)
BYTES = np.rint(RAW * 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("x", "others"),
    [
        (ONES, [ONES.astype(float), ONES.astype(np.uint8), ONES > 0]),
        (ONES > 0, [ONES, ONES.astype(np.float32)]),
        (ONES.astype(np.float32), [ONES, ONES.astype(np.uint8)]),
        (
            np.rint(RAW * 255).astype(np.uint8),
            [np.rint(RAW * 255) / 255, torch.tensor(np.rint(RAW * 255))[:, None].byte()],
        ),
        (RAW, [torch.tensor(RAW)[:, None], RAW[..., None], BYTES]),
        (RAW * 255, [(RAW * 255).tolist(), torch.tensor(RAW * 255)]),
        ((RAW - RAW.mean()) / RAW.std(), [torch.tensor((RAW - RAW.mean()) / RAW.std())]),
        ((RAW * 65535).astype(np.uint16), [(RAW * 65535).astype(np.uint16).astype(float)]),
        ((RAW * 4000 - 1000).astype(np.int16), [(RAW * 4000 - 1000).astype(np.int16).astype(np.int64)]),
        (RAW.astype(np.float16), [torch.tensor(RAW.astype(np.float16))]),
        (torch.tensor(RAW).bfloat16(), [torch.tensor(RAW).bfloat16().float()]),
        (np.stack([RAW, 1 - RAW, RAW, RAW], axis=1), [np.stack([RAW, 1 - RAW, RAW, RAW], axis=-1)]),
    ],
    ids=[
        "0/1",
        "bool",
        "0.0/1.0",
        "bytes",
        "floats",
        "to 255",
        "standardised",
        "uint16",
        "int16",
        "half",
        "bfloat16",
        "4 first",
    ],
)
def test_a_network_takes_images_for_what_its_training_took_them(x, others):
    y = np.arange(60) % 3
    data = split(images_from_arrays(x, y, x, y), seed=0)
    trainer = TorchTrainer(Line(), data, epochs=1, device="cpu")
    finished = trainer.finish(1.0, 0)
    written = json.loads(json.dumps(asdict(finished.preprocessing)))
    network = Network(finished.model, Preprocessing(**written), data.class_names, data.task.input_shape)
    probabilities = expected(trainer, finished)
    for other in (x, *others):
        assert network.predict_proba(other) == pytest.approx(probabilities, abs=1e-5)
    assert network.predict_proba(x[7]) == pytest.approx(probabilities[7:8], abs=1e-5)


def test_how_images_are_read_is_kept_in_the_file(tmp_path):
    x, y = np.moveaxis(np.stack([RAW, RAW**2, RAW - 1, -RAW], axis=-1) * 7, -1, 1), np.arange(60) % 3
    data = split(images_from_arrays(x, y, x, y), seed=0)
    trainer: Any = TorchTrainer(CellEncoding(width=4), data, epochs=1, device="cpu")
    finished = trainer.finish(CELL, 0)
    save(tmp_path, finished, CELL, SPEC, trainer.data)
    assert load(tmp_path).predict_proba(x) == pytest.approx(expected(trainer, finished), abs=1e-5)


@pytest.mark.parametrize("others", [(), (2.0, 3.0)], ids=["one", "three"])
def test_a_network_that_looks_at_several_forms_and_one_of_several_networks(others, tmp_path):
    trainer = TorchTrainer(Line(), blobs(), epochs=2, device="cpu", batch_size=32)  # of shifted images
    finished = trainer.finish(1.0, 0, tta=True, others=others)
    assert save(tmp_path, finished, 1.0, users_encoding(tmp_path), cast(Any, trainer.data)) == []
    probabilities = expected(trainer, finished)
    assert load(tmp_path).predict_proba(trainer.data.x_test) == pytest.approx(probabilities, abs=1e-5)
    program = torch.export.load(tmp_path / "model.pt2").module()
    for n in (1, 7):
        x = torch.from_numpy(np.moveaxis(trainer.data.x_test[:n], -1, 1).copy())
        assert program(x.float()).softmax(1).detach().numpy() == pytest.approx(probabilities[:n], abs=1e-5)
    plain = trainer.finish(1.0, 0)
    assert expected(trainer, plain) != pytest.approx(probabilities, abs=1e-3)


def test_a_network_of_a_version_before_takes_bytes_and_floats(saved, tmp_path):
    folder, data, probabilities = saved
    shutil.copytree(folder, tmp_path / "old")
    description = json.loads((folder / "genome.json").read_text())
    assert description["preprocessing"].pop("reading")["scale"]["kind"] == "uint8"
    del description["members"]
    (tmp_path / "old" / "genome.json").write_text(json.dumps({**description, "format": 1}))
    network = load(tmp_path / "old")
    for x in (data.x_test, data.x_test / 255.0, data.x_test.astype(np.int64)):
        assert network.predict_proba(x) == pytest.approx(probabilities, abs=1e-5)


def test_values_that_are_clipped_are_said(saved):
    folder, data, _ = saved
    x = data.x_test / 255.0
    x[0, 0, 0, 0] = 1.03
    with pytest.warns(UserWarning, match="1 of .* values of the batch lie outside of 0 to 1 ") as said:
        load(folder).predict(x)
    assert said[0].filename == __file__


@pytest.mark.parametrize(
    "reading", [{"scale": {}}, {"channels": "middle", "scale": {}}, {"channels": "last", "scale": {"a": 1}}]
)
def test_a_damaged_record_of_how_images_are_read(saved, tmp_path, reading):
    folder, data, _ = saved
    shutil.copytree(folder, tmp_path / "copy")
    description = json.loads((folder / "genome.json").read_text())
    description["preprocessing"]["reading"] = reading
    (tmp_path / "copy" / "genome.json").write_text(json.dumps(description))
    with pytest.raises(EvonasError, match="record of how images are read is damaged") as raised:
        load(tmp_path / "copy").predict(data.x_test)
    assert "\n" not in str(raised.value)


@pytest.fixture(autouse=True)
def forget_users_files():
    """What a test loads from its own folder is gone with it."""
    before = plugins.loaded_modules()
    yield
    for module in plugins.loaded_modules():
        if module not in before:
            del sys.modules[module.__name__]


def users_encoding(folder: Path) -> str:
    source = Path(nets.__file__)
    shutil.copy(source, folder / "mine.py")
    given(f"{folder / 'mine.py'}:Line")
    return f"{folder / 'mine.py'}:Line"


def test_a_users_encoding_that_is_gone_is_replaced_by_the_exported_program(tmp_path):
    trainer, finished = trained(Line(), 1.0)
    spec = users_encoding(tmp_path)
    assert save(tmp_path / "out", finished, 1.0, spec, trainer.data) == []
    probabilities = expected(trainer, finished)
    assert load(tmp_path / "out").predict_proba(trainer.data.x_test) == pytest.approx(probabilities, abs=1e-5)
    (tmp_path / "mine.py").unlink()
    with pytest.raises(EvonasError, match="no file .*mine.py.*model.pt2.*can run code.*trust=True"):
        load(tmp_path / "out")
    network = load(tmp_path / "out", trust=True)
    assert type(network.model).__name__ != "_Scaled"
    assert network.predict_proba(trainer.data.x_test) == pytest.approx(probabilities, abs=1e-5)
    assert network.predict_proba(trainer.data.x_test[0]) == pytest.approx(probabilities[:1], abs=1e-5)
    (tmp_path / "out" / "model.pt2").unlink()
    with pytest.raises(EvonasError, match="no file .*mine.py"):
        load(tmp_path / "out")


def test_a_users_encoding_that_has_changed_is_replaced_by_the_exported_program(tmp_path):
    trainer, finished = trained(Line(), 1.0)
    save(tmp_path / "out", finished, 1.0, users_encoding(tmp_path), trainer.data)
    (tmp_path / "mine.py").write_text("raise RuntimeError('broken')\n")
    probabilities = expected(trainer, finished)
    with pytest.raises(EvonasError, match="mine.py.*has changed since it was trusted"):
        load(tmp_path / "out")
    assert load(tmp_path / "out", trust=True).predict_proba(trainer.data.x_test) == pytest.approx(
        probabilities, abs=1e-5
    )


def test_a_network_that_cannot_be_exported_is_saved_nevertheless(tmp_path):
    trainer, finished = trained(Branching(), 1.0)
    shutil.copy(Path(nets.__file__), tmp_path / "mine.py")
    spec = f"{tmp_path / 'mine.py'}:Branching"
    given(spec)
    notes = save(tmp_path / "out", finished, 1.0, spec, trainer.data)
    assert len(notes) == 1
    assert notes[0].startswith("model.pt2 was not written: torch.export says ")
    assert "\n" not in notes[0]
    assert not (tmp_path / "out" / "model.pt2").exists()
    assert (load(tmp_path / "out").predict(trainer.data.x_test) == expected(trainer, finished).argmax(1)).all()


def test_an_exported_program_of_an_earlier_search_does_not_stay(tmp_path):
    trainer, finished = trained(Line(), 1.0)
    save(tmp_path, finished, 1.0, "cell", trainer.data)
    trainer, finished = trained(Branching(), 1.0)
    save(tmp_path, finished, 1.0, "cell", trainer.data)
    assert not (tmp_path / "model.pt2").exists()


def damaged(saved, tmp_path: Path) -> Path:
    shutil.copytree(saved[0], tmp_path / "copy")
    return tmp_path / "copy"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("genome.json", b"", "describes no network"),
        ("genome.json", b"{}", "describes no network"),
        ("genome.json", b"[1]", "describes no network"),
        ("genome.json", b"\xff\xfe", "describes no network"),
        ("genome.json", b'{"format": 99, "evonas": "9.0"}', "written by evonas 9.0; upgrade"),
        ("genome.json", b'{"format": 1, "evonas": "0.1.0"}', "describes no network"),
        ("genome.json", b'{"format": 3, "evonas": "0.1.0", "encoding": "cell", "members": 3}', "describes no network"),
        ("model.safetensors", b"", "damaged"),
        ("model.safetensors", b"\x10\0\0\0\0\0\0\0not json at all!", "damaged"),
    ],
)
def test_damaged_files(saved, tmp_path, name, content, words):
    folder = damaged(saved, tmp_path)
    (folder / name).write_bytes(content)
    (folder / "model.pt2").unlink()
    with pytest.raises(EvonasError, match=words) as raised:
        load(folder)
    assert "\n" not in str(raised.value)


def test_weights_of_another_network(saved, tmp_path):
    folder = damaged(saved, tmp_path)
    (folder / "model.pt2").unlink()
    trainer, finished = trained(Line(), 1.0)
    save(tmp_path / "other", finished, 1.0, "cell", trainer.data)
    shutil.copy(tmp_path / "other" / "model.safetensors", folder)
    with pytest.raises(EvonasError, match="'cell' cannot build the network"):  # the genome that the weights carry
        load(folder)


def test_a_process_that_died_between_the_files_leaves_a_network(saved, tmp_path, caplog):
    folder, (trainer, finished) = damaged(saved, tmp_path), trained(CellEncoding(width=4), OTHER_CELL)
    save(tmp_path / "later", finished, OTHER_CELL, SPEC, trainer.data)
    os.replace(tmp_path / "later" / "model.safetensors", folder / "model.safetensors")
    found = load(folder)
    assert "was written later than genome.json" in caplog.text
    assert found.predict_proba(trainer.data.x_test) == pytest.approx(expected(trainer, finished), abs=1e-5)
    assert oct((folder / "model.safetensors").stat().st_mode) == oct((folder / "genome.json").stat().st_mode)
    assert not list((tmp_path / "later").glob(".writing*"))


def test_a_damaged_program_beside_an_encoding_that_is_gone(tmp_path):
    trainer, finished = trained(Line(), 1.0)
    save(tmp_path / "out", finished, 1.0, f"{tmp_path}/gone.py:Line", trainer.data)
    (tmp_path / "out" / "model.pt2").write_bytes(b"no program")
    with pytest.raises(EvonasError, match="gone.py.*model.pt2' cannot be read") as raised:
        load(tmp_path / "out", trust=True)
    assert "\n" not in str(raised.value)


def test_folders_that_hold_no_network(tmp_path):
    for folder in (tmp_path, tmp_path / "none", str(tmp_path)):
        with pytest.raises(EvonasError, match="holds no network: cannot read genome.json"):
            load(folder)


def test_weights_are_written_as_they_are_used_on_any_device(saved):
    from safetensors.torch import load_file

    weights = load_file(saved[0] / "model.safetensors")
    assert all(tensor.dtype in (torch.float32, torch.int64) for tensor in weights.values())


def test_a_shared_parameter_survives(tmp_path):
    trainer, finished = trained(Line(), 1.0)
    model = torch.nn.Sequential(finished.model, finished.model.line.__class__(3, 3), torch.nn.Linear(3, 3))
    model[2].weight = model[1].weight
    assert save(tmp_path, replace(finished, model=model), 1.0, "x.py:Gone", trainer.data) == []
    assert load(tmp_path, trust=True).predict_proba(trainer.data.x_test).shape == (len(trainer.data.y_test), 3)
