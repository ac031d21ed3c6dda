"""`npy:FOLDER`: the challenge's layout as it should be, and as it may come."""

import json
import pickle
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evonas.core.errors import EvonasError
from evonas.domains.domain import domain_named
from evonas.domains.images import Images, load_images, split
from evonas.domains.images.npy import images_of_parts

SHAPE = (5, 4, 6)  # channels, height, width: no axis tells by its size which one it is


def some(n: int, seed: int = 0, shape=SHAPE) -> np.ndarray:
    return np.random.default_rng(seed).random((n, *shape), dtype=np.float32)


def parts(classes: int = 4, **others) -> dict[str, np.ndarray]:
    held = {}
    for seed, (part, n) in enumerate({"train": 40, "valid": 16, "test": 12}.items()):
        held |= {f"{part}_x": some(n, seed), f"{part}_y": np.arange(n) % classes}
    return held | others


def written(folder, arrays, metadata=None) -> str:
    folder.mkdir(exist_ok=True)
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    if metadata is not None:
        (folder / "metadata").write_text(metadata if isinstance(metadata, str) else json.dumps(metadata))
    return f"npy:{folder}"


def without(*names: str) -> dict[str, np.ndarray]:
    return {key: array for key, array in parts().items() if key not in names}


def refused(spec: str, words: str) -> None:
    with pytest.raises(EvonasError, match=words) as raised:
        load_images(spec)
    assert "\n" not in str(raised.value)


def said(images: Images) -> str:
    return "\n".join([*images.notes, *images.left_out])


def test_the_whole_layout(tmp_path):
    arrays = parts()
    metadata = {"num_classes": 4, "input_shape": [68, *SHAPE], "codename": "Ada", "benchmark": 89.85, "time_limit": 1.5}
    images = load_images(written(tmp_path / "ada", arrays, metadata))
    assert images.name == "ada"
    assert images.task.input_shape == SHAPE
    assert np.abs(images.x / 255 - np.moveaxis(arrays["train_x"], 1, -1)).max() <= 0.5 / 255 + 1e-6
    assert images.metadata == metadata
    assert not images.flip
    assert not said(images)
    data = split(images, seed=1)
    assert (data.x_val == images.x_val).all()
    assert (len(data.y_train), len(data.y_val), len(data.y_test)) == (40, 16, 12)


@pytest.mark.parametrize("shape", [(1, 9, 9), (3, 3, 3), (2, 1, 50), (1, 1, 1), (12, 8, 8), (3, 28, 28)])
def test_channels_are_first_whatever_the_shape(tmp_path, shape):
    arrays = {f"{part}_x": some(20, seed, shape) for seed, part in enumerate(("train", "valid", "test"))}
    arrays |= {f"{part}_y": np.arange(20) % 2 for part in ("train", "valid", "test")}
    images = load_images(written(tmp_path / "a", arrays))
    assert images.task.input_shape == shape
    assert (images.x == np.rint(np.moveaxis(arrays["train_x"], 1, -1) * 255)).mean() > 0.99


@given(st.lists(st.integers(-(2**40), 2**40), min_size=2, max_size=6, unique=True))
def test_labels_may_be_any_whole_numbers(labels):
    held = parts(len(labels))
    for part in ("train", "valid", "test"):
        held[f"{part}_y"] = np.array(labels)[held[f"{part}_y"]]
    images = images_of_parts(held)
    assert images.class_names == tuple(map(str, sorted(labels)))
    assert images.y.max() == len(labels) - 1


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float64, np.float16, ">f4"])
def test_types_of_images(tmp_path, dtype):
    arrays = parts()
    for part in ("train", "valid", "test"):
        arrays[f"{part}_x"] = np.rint(arrays[f"{part}_x"] * 255).astype(dtype)
    images = load_images(written(tmp_path / "a", arrays))
    assert (images.x == np.moveaxis(arrays["train_x"], 1, -1)).all()


def test_grey_images_without_an_axis_of_channels(tmp_path):
    arrays = {key: array[:, 0] if key.endswith("x") else array for key, array in parts().items()}
    images = load_images(written(tmp_path / "a", arrays))
    assert images.x.shape == (40, 4, 6, 1)
    assert "train_x.npy has shape (40, 4, 6): read as images of one channel" in said(images)


# what is not given


def test_without_test_labels_half_of_the_validation_images_test(tmp_path):
    arrays = without("test_y")
    images = load_images(written(tmp_path / "a", arrays))
    assert len(images.y) == 40
    assert images.y_val is not None
    assert np.bincount(images.y_val).tolist() == np.bincount(images.y_test).tolist() == [2] * 4
    both = {image.tobytes() for image in np.concatenate([np.asarray(images.x_val), images.x_test])}
    assert len(both) == 16
    assert "8 of the validation images, half of each class, are the test" in said(images)
    assert "test_x.npy (12 images) has no labels beside it" in said(images)
    again = load_images(f"npy:{tmp_path / 'a'}")
    assert (again.y_test == images.y_test).all()


def test_one_image_a_class_and_no_test_labels():
    held = {"train_x": some(4), "train_y": np.arange(4), "valid_x": some(4, 1), "valid_y": np.arange(4)}
    images = images_of_parts(held)
    assert (len(images.y), len(images.y_test)) == (4, 2)
    assert split(images, seed=0).y_val.shape == (2,)


def test_without_validation_and_test(tmp_path):
    images = load_images(written(tmp_path / "a", without("test_x", "test_y", "valid_x", "valid_y")))
    assert (len(images.y), len(images.y_test), images.y_val) == (32, 8, None)
    assert "a fixed fifth" in said(images)


def test_classes_without_a_validation_image():
    arrays = parts()
    arrays["valid_y"] = arrays["valid_y"] % 2
    assert "no validation image is of 2 of the 4 classes: 2, 3" in said(images_of_parts(arrays))


def test_a_mark_before_the_metadata_is_passed_over(tmp_path):
    folder = written(tmp_path / "a", parts(), "\ufeff" + json.dumps({"num_classes": 4}))
    assert load_images(folder).metadata == {"num_classes": 4}


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["train_x"], "'a' has no train_x.npy; it has 'test_x.npy', "),
        (["train_y"], "'a' has no train_y.npy"),
        (["valid_x"], "no valid_x.npy; .*; give it, or take valid_y.npy away"),
        (["valid_y"], "no valid_y.npy; .*; give it, or take valid_x.npy away"),
        (["test_x"], "test_y.npy without test_x.npy"),
        (list(parts()), "no train_x.npy; it has none of the arrays"),
    ],
)
def test_missing_files(tmp_path, names, words):
    refused(written(tmp_path / "a", without(*names)), words)


def test_no_folder(tmp_path):
    refused(f"npy:{tmp_path / 'none'}", "no folder .*none'; give npy:FOLDER")
    refused("npy:", "no folder ''; give npy:FOLDER")


def test_files_that_are_not_of_the_layout_are_said(tmp_path):
    images = load_images(written(tmp_path / "a", parts() | {"val_x": some(3)}))
    assert images.left_out == ("files that no search uses (1): 'val_x.npy'",)


# arrays that are not right


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"train_x": some(40)[:, :, 0, 0]}, "train_x.npy has shape .40, 5.; give .n, channels, height, width"),
        ({"train_x": some(0)}, "train_x.npy has shape .0, 5, 4, 6."),
        ({"train_x": some(40) * 1j}, "train_x.npy holds complex64 values; give floats or whole numbers"),
        ({"train_x": np.full((40, *SHAPE), "a")}, "train_x.npy holds <U1 values"),
        ({"train_x": np.zeros((40, *SHAPE), "f4,f4")}, "train_x.npy holds .* values"),
        ({"valid_x": np.moveaxis(some(16), 1, -1)}, "valid_x.npy has images of .4, 6, 5., train_x.npy of .5, 4, 6."),
        ({"test_x": some(12)[..., :3]}, "test_x.npy has images of"),
        ({"train_y": np.arange(39) % 4}, "train_x.npy has 40 images, train_y.npy 39 labels"),
        ({"valid_y": np.array(3)}, "valid_x.npy has 16 images, valid_y.npy no list of labels"),
        ({"train_y": np.arange(40) % 4 + 0.5}, "train_y.npy holds NaN or numbers that are not whole"),
        ({"valid_y": np.full(16, np.nan)}, "valid_y.npy holds NaN"),
        ({"train_y": np.eye(4)[np.arange(40) % 4]}, "train_y.npy has shape .40, 4.; .* y.argmax.1."),
        ({"train_y": np.zeros(40, int)}, "one class only"),
        ({"valid_y": np.arange(16) % 5}, "validation labels that no training image has: .4."),
        ({"train_x": np.full((40, *SHAPE), 0.25)}, "every value of train_x.npy is 0.25"),
        ({"train_x": np.full((40, *SHAPE), np.nan)}, "train_x.npy holds NaN or infinite values only"),
        ({"valid_x": some(16) * 255}, "x_val has values to 25.*, x to .*; bring both to one scale"),
    ],
)
def test_arrays_that_are_not_right(tmp_path, changes, words):
    refused(written(tmp_path / "a", parts() | changes), words)


def test_pickled_objects_and_damaged_files(tmp_path):
    spec = written(tmp_path / "a", parts())
    path = tmp_path / "a" / "train_x.npy"
    whole = path.read_bytes()
    np.save(path, np.array([{}, None]), allow_pickle=True)
    refused(spec, "train_x.npy' cannot be read .* holds pickled objects, which are code and are not run; write it by")
    for content in (b"", b"no array", whole[:1000], pickle.dumps([1]), whole[:40]):
        path.write_bytes(content)
        refused(spec, "train_x.npy' cannot be read as a .npy file")
    path.unlink()
    path.mkdir()
    refused(spec, "train_x.npy' cannot be read")


def test_values_that_are_no_numbers_are_replaced_aloud():
    arrays = parts()
    arrays["train_x"][3, 0, 0, :2] = np.nan, np.inf
    arrays["test_x"][1] = -np.inf
    mean = arrays["train_x"][np.isfinite(arrays["train_x"])].mean()
    images = images_of_parts(arrays)
    assert images.left_out == (
        f"NaN or infinite values of train_x.npy (2, in 1 of 40 images): {mean:.4g} stands for them, the mean of "
        "train_x.npy",
        f"NaN or infinite values of test_x.npy (120, in 1 of 12 images): {mean:.4g} stands for them, the mean of "
        "train_x.npy",
    )
    assert images.x[3, 0, 0, 0] == round(mean * 255)
    assert "images of test_x.npy that are of one value" not in said(images)
    assert np.isnan(arrays["train_x"][3, 0, 0, 0])  # what was given is as it was


def test_constant_images_are_said():
    arrays = parts()
    arrays["valid_x"][:3] = 0.5
    assert "images of valid_x.npy that are of one value all over: 3 of 16" in said(images_of_parts(arrays))


# metadata


@pytest.mark.parametrize(
    ("metadata", "words", "held"),
    [
        ({"num_classes": 10}, "metadata says num_classes 10, but train_y.npy has 4 labels", {"num_classes": 4}),
        (
            {"input_shape": [40, 3, 28, 28]},
            "metadata says input_shape .40, 3, 28, 28., but train_x.npy has .40, 5, 4, 6.",
            {"input_shape": [40, 5, 4, 6]},
        ),
        ({"input_shape": list(SHAPE)}, "", {"input_shape": list(SHAPE)}),
        ({"num_classes": "four"}, "num_classes 'four' of metadata, which is not a whole number above 0", {}),
        ({"input_shape": 28}, "input_shape 28 of metadata, which is not .n, channels, height, width.", {}),
        ({"benchmark": 100}, "benchmark 100 of metadata, which is not percent, from 0 to below 100", {}),
        ({"benchmark": 0}, "", {"benchmark": 0}),
        ({"benchmark": "high"}, "benchmark 'high' of metadata", {}),
        ({"benchmark": float("nan")}, "benchmark nan of metadata", {}),
        ({"benchmark": None}, "benchmark None of metadata", {}),
        ({"time_limit": 0}, "time_limit 0 of metadata, which is not hours, above 0", {}),
        ({"time_limit": True}, "time_limit True of metadata", {}),
        ({"codename": 3}, "codename 3 of metadata, which is not text", {}),
        ({"mine": [1]}, "", {"mine": [1]}),
    ],
)
def test_metadata_that_is_not_right(tmp_path, metadata, words, held):
    images = load_images(written(tmp_path / "a", parts(), metadata))
    assert images.metadata == held
    assert bool(said(images)) == bool(words)
    assert re.search(words, said(images))


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", "[" * 100_000, "\ud800"])
def test_metadata_that_cannot_be_read(tmp_path, content):
    spec = written(tmp_path / "a", parts(), "{}")
    (tmp_path / "a" / "metadata").write_bytes(content.encode("utf-8", "surrogatepass"))
    refused(spec, "metadata' cannot be read: .*; write JSON such as")


def test_what_was_done_is_found_before_a_search(tmp_path):
    images = load_images(written(tmp_path / "a", without("test_y"), {"num_classes": 5}))
    lines = domain_named("images").found(split(images, seed=0))
    assert any("num_classes 5" in line for line in lines)
    assert any("half of each class" in line for line in lines)
