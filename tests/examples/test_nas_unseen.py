"""The challenge's interface: good data, strange data, and a clock that is out."""

import importlib
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import RandomSampler

import evonas
from evonas.core.errors import EvonasError

EXAMPLE = Path(__file__).parents[2] / "examples" / "nas_unseen"
LABELS = (2, 5, 7)


@pytest.fixture(scope="module", autouse=True)
def modules():
    """The example's modules import one another by plain names, as the challenge's do."""
    sys.path.insert(0, str(EXAMPLE))
    yield {name: importlib.import_module(name) for name in ("data_processor", "nas", "trainer", "main")}
    sys.path.remove(str(EXAMPLE))
    for name in ("data_processor", "nas", "trainer", "main"):
        sys.modules.pop(name, None)


class Seconds:
    """A clock that stands."""

    def __init__(self, left):
        self.left = left

    def check(self):
        return self.left


class Running:
    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def check(self):
        return self.end - time.monotonic()


def bands(n, labels=LABELS, channels=5, seed=0):
    """(n, channels, 6, 8) standardised floats: which rows are bright says the label."""
    rng = np.random.default_rng(seed)
    y = np.array(labels)[np.arange(n) % len(labels)]
    x = rng.normal(0, 0.3, (n, channels, 6, 8)).astype(np.float32)
    for image, label in zip(x, y, strict=True):
        image[:, label % 6] += 2
    return x, y


def parts(labels=LABELS, n=60, **others):
    (x, y), (x_val, y_val), (x_test, _) = (bands(m, labels, seed=m) for m in (n, n // 2, 21))
    return {"train_x": x, "train_y": y, "valid_x": x_val, "valid_y": y_val, "test_x": x_test} | others


def truth(labels=LABELS):
    return np.array(labels)[np.arange(21) % len(labels)]


def carried_out(modules, arrays, metadata, clock):
    """Labels of the test images, the module, and what was warned of."""
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        train, valid, test = modules["data_processor"].DataProcessor(**arrays, metadata=metadata, clock=clock).process()
        model = modules["nas"].NAS(train, valid, metadata, clock).search()
    trainer = modules["trainer"].Trainer(model, torch.device("cpu"), train, valid, metadata, clock)
    assert trainer.train() is model
    assert not model.training
    return trainer.predict(test), model, [str(one.message) for one in said]


def test_loaders_hold_what_was_given(modules):
    arrays = parts()
    processor = modules["data_processor"].DataProcessor(**arrays, metadata={"num_classes": 8}, clock=Seconds(60))
    with pytest.warns(UserWarning, match=r"no training image is of 5 of the 8 classes: \[0, 1, 3, 4, 6\]"):
        train, valid, test = processor.process()
    (images, labels), *_ = train
    assert images.shape == (60, 5, 6, 8)
    assert (images.dtype, labels.dtype) == (torch.float32, torch.int64)
    assert sorted(labels.tolist()) == sorted(arrays["train_y"].tolist())
    assert not isinstance(test.sampler, RandomSampler)
    assert np.array_equal(torch.cat(list(test)).numpy(), arrays["test_x"])
    assert np.array_equal(torch.cat([y for _, y in valid]).numpy(), arrays["valid_y"])
    again = modules["data_processor"].DataProcessor(**arrays, metadata={"num_classes": 3}, clock=Seconds(60))
    with pytest.warns(UserWarning, match=r"labels are not 0 to n − 1: .* \[2, 5, 7\]"):
        assert torch.equal(next(iter(again.process()[0]))[0], images), "the same order every time"


@pytest.mark.thorough
def test_a_search_keeps_to_the_clock_and_returns_a_module_for_raw_batches(modules, tmp_path):
    arrays = parts(n=240)
    arrays["valid_x"], arrays["valid_y"] = (part[arrays["valid_y"] != 5] for part in bands(120))
    arrays["train_x"][3, 0, 0, 0] = np.nan
    arrays["test_x"][4, 1] = np.inf
    with pytest.raises(EvonasError, match="too short"):  # what is imported once is not what the clock is for
        evonas.search(*bands(60), channels="first", deadline=1, archive=tmp_path / "archive.db", out=tmp_path / "out")
    start = time.monotonic()
    labels, model, said = carried_out(modules, arrays, {"num_classes": 10}, Running(18))
    assert time.monotonic() - start < 18 + 8  # a bound for machines with other work
    assert np.mean(np.array(labels) == truth()) > 0.9
    assert any("no validation image is of 1 of the 3 classes: 5" in line for line in said)
    assert any("NaN or infinite values of train_x.npy (1, in 1 of 240 images)" in line for line in said)
    assert any("NaN or infinite values of test_x.npy" in line for line in said)
    if any("too short for these data on this machine" in line for line in said):
        pytest.skip("this machine is too busy for a search in 18 seconds")
    assert not any("no network" in line for line in said), said
    raw = torch.from_numpy(arrays["train_x"][10:20])
    logits = model(raw)
    assert logits.shape == (10, 10)
    assert logits.argmax(1).tolist() == arrays["train_y"][10:20].tolist()
    assert torch.equal(model(raw[:1] * 1e6)[:, [0, 9]], torch.full((1, 2), -1e4)), "values far outside are clipped"
    assert not Path("runs").joinpath("nas").exists()


@pytest.mark.parametrize("left", [8.0, 0.0, -5.0])
def test_a_clock_that_is_out_leaves_something_usable(modules, left):
    labels, model, said = carried_out(modules, parts(), {"num_classes": 8}, Seconds(left))
    assert np.mean(np.array(labels) == truth()) > 0.9
    assert model(torch.zeros(2, 5, 6, 8)).shape == (2, 8)
    assert any(f"the clock has {left:.1f} seconds left" in line for line in said)
    assert any("the class with the nearest mean" in line for line in said)


@pytest.mark.parametrize(
    ("labels", "metadata", "order"),
    [
        ((0, 1, 2), {"num_classes": 3}, [0, 1, 2]),
        ((0, 2), {"num_classes": 4}, [0, 1, 2, 3]),
        ((3, 11), {"num_classes": 2}, [3, 11]),
        ((-1, 4), {"num_classes": 9}, [-1, 4]),
        ((1, 2, 3), {"num_classes": "three", "input_shape": "?"}, [1, 2, 3]),
        ((1, 2, 3), {"num_classes": 1, "input_shape": [60, 3, 32, 32]}, [1, 2, 3]),
        ((1, 2, 3), {}, [1, 2, 3]),
        ((1, 2, 3), None, [1, 2, 3]),
        ((4,), {"num_classes": 1}, [4]),
    ],
)
def test_logits_are_in_the_order_of_the_labels(modules, labels, metadata, order):
    found, model, said = carried_out(modules, parts(labels), metadata, Seconds(0))
    assert model.labels == order
    assert model(torch.zeros(1, 5, 6, 8)).shape == (1, len(order))
    assert np.mean(np.array(found) == truth(labels)) > 0.9
    assert any("labels are not 0 to n − 1" in line for line in said) == (order[0] != 0)


def test_metadata_that_contradicts_the_arrays_is_said(modules):
    metadata = {"num_classes": 2, "input_shape": [60, 3, 32, 32]}
    said = carried_out(modules, parts((0, 1, 2)), metadata, Seconds(0))[2]
    assert any("num_classes 2, but train_y.npy has 3 labels: those count" in line for line in said)
    assert any("input_shape [60, 3, 32, 32], but train_x.npy has [60, 5, 6, 8]" in line for line in said)
    assert metadata == {"num_classes": 2, "input_shape": [60, 3, 32, 32]}, "it stays as it is"


def test_one_image_a_class_and_classes_that_validation_alone_has(modules):
    arrays = parts(n=3)
    arrays["valid_x"], arrays["valid_y"] = bands(4, (2, 5, 7, 3))
    labels, model, _ = carried_out(modules, arrays, {"num_classes": 8}, Seconds(0))
    assert np.mean(np.array(labels) == truth()) > 0.9
    assert sorted(model.labels[column] for column in model.columns) == [2, 3, 5, 7]


def test_what_the_search_is_given(modules, monkeypatch):
    given = {}

    def search(*arrays, **options):
        given.update(options, arrays=arrays)
        raise EvonasError("that is enough")

    monkeypatch.setattr(modules["nas"], "search", search)
    arrays = parts()
    arrays["valid_x"], arrays["valid_y"] = bands(8, (2, 5, 7, 3))
    said = carried_out(modules, arrays, {}, Seconds(100.0))[2]
    assert "the search ended early: that is enough" in said
    assert given["deadline"] == 90.0
    x, y, x_test, _ = given["arrays"]
    assert (len(x), len(given["x_val"]), len(x_test)) == (62, 6, 1), "what validation alone has is trained on"
    assert set(y) == {2, 3, 5, 7}
    carried_out(modules, arrays, {}, Seconds(36_000.0))
    assert given["deadline"] == 36_000 - 120


def test_some_constant_images_are_said(modules):
    arrays = parts()
    arrays["train_x"][:3] = 1.0
    said = carried_out(modules, arrays, {}, Seconds(0))[2]
    assert any("images of train_x.npy that are of one value all over: 3 of 60" in line for line in said)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"train_x": np.ones((60, 5, 6, 8), np.float32)}, "every value of train_x.npy is 1: classes cannot be told"),
        ({"train_x": np.full((60, 5, 6, 8), np.nan)}, "train_x.npy holds NaN or infinite values only"),
        ({"valid_x": np.zeros((30, 5, 6, 7))}, r"valid_x.npy has images of \(5, 6, 7\), train_x.npy of \(5, 6, 8\)"),
        ({"train_y": np.arange(59)}, "train_x.npy has 60 images, train_y.npy 59 labels"),
        ({"train_y": np.full(60, "cat")}, "labels are .*; the challenge's are whole numbers"),
        ({"train_y": np.full(60, 0.5)}, "train_y.npy holds NaN or numbers that are not whole"),
        ({"test_x": np.zeros((0, 5, 6, 8))}, "test_x.npy has shape .*; give"),
    ],
)
def test_what_cannot_be_used_is_one_line(modules, wrong, message):
    with pytest.raises(EvonasError, match=message) as found:
        modules["data_processor"].DataProcessor(**parts() | wrong, metadata={}, clock=Seconds(60)).process()
    assert "\n" not in str(found.value)


def test_loaders_of_others_with_nan_are_one_line(modules):
    x, y = (torch.from_numpy(part) for part in bands(9))
    x[0, 0, 0, 0] = torch.nan
    with (
        warnings.catch_warnings(action="ignore"),
        pytest.raises(EvonasError, match="train_loader's images holds NaN or infinite values"),
    ):
        modules["nas"].NAS([(x, y)], [(x, y)], {}, Seconds(0)).search()


def test_a_model_of_others_is_trained_within_the_clock(modules):
    torch.manual_seed(0)
    metadata, clock = {"num_classes": 3}, Running(30)
    processor = modules["data_processor"].DataProcessor(**parts((3, 4, 11)), metadata=metadata, clock=clock)
    with pytest.warns(UserWarning, match="labels are not 0 to n"):
        train, valid, test = processor.process()
    model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(240), nn.Linear(240, 3))
    trainer = modules["trainer"].Trainer(model, torch.device("cpu"), train, valid, metadata, clock)
    trainer.train()
    assert np.mean(np.array(trainer.predict(test)) == truth((3, 4, 11))) > 0.9
    before = [weight.clone() for weight in model.parameters()]
    modules["trainer"].Trainer(model, torch.device("cpu"), train, valid, metadata, Seconds(0)).train()
    assert all(map(torch.equal, before, model.parameters())), "nothing is begun when the clock is out"


def test_the_command(modules, tmp_path, monkeypatch, capsys):
    for name, array in (parts((0, 1, 2)) | {"test_y": truth((0, 1, 2))}).items():
        np.save(tmp_path / f"{name}.npy", array)
    (tmp_path / "metadata").write_text(json.dumps({"num_classes": 3}))
    monkeypatch.setattr(sys, "argv", ["main.py", str(tmp_path), "--seconds", "0"])
    with pytest.warns(UserWarning, match="there is no network"):
        modules["main"].main()
    assert "test accuracy 100.00%" in capsys.readouterr().out
    (tmp_path / "train_x.npy").unlink()
    with pytest.raises(SystemExit, match="train_x.npy"):
        modules["main"].main()
