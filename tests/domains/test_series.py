"""Series: from real files and arrays to a task, with every value where it belongs."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas.core.errors import EvonasError
from evonas.core.recipe import Recipe
from evonas.domains.domain import domain_named, load_data
from evonas.domains.series import Series, series_from_arrays
from evonas.domains.series.arrays import complete

FILES = Path(__file__).parents[1] / "data" / "series"
DOMAIN: Any = domain_named("series")


def load(name: str) -> Series:
    found = load_data(f"ucr:{FILES / name}")
    assert isinstance(found, Series)
    return found


def refused(spec: str, words: str) -> None:
    with pytest.raises(EvonasError, match=words) as raised:
        load_data(spec)
    assert "\n" not in str(raised.value)


def waves(n: int = 24, length: int = 20, channels: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, length, channels)), np.arange(n) % 2


# files


def test_a_tsv_file_has_its_label_first():
    series = load("GunPoint_TRAIN.tsv")
    lines = (FILES / "GunPoint_TRAIN.tsv").read_text().splitlines()
    expected = np.array([[float(value) for value in line.split("\t")] for line in lines])
    assert len(series.y) + len(series.y_test) == 50
    rows = {tuple(row): label for label, *row in expected}
    for x, y in ((series.x, series.y), (series.x_test, series.y_test)):
        assert x.shape[1:] == (150, 1)
        for values, code in zip(x[..., 0], y, strict=True):
            assert series.class_names[code] == str(int(rows[tuple(values)]))


def test_a_ts_file_has_its_dimensions_between_colons():
    series = load("BasicMotions_TRAIN.ts")
    lines = (FILES / "BasicMotions_TRAIN.ts").read_text().splitlines()
    line = lines[lines.index("@data") + 1]
    *dimensions, label = line.split(":")
    expected = np.array([[float(value) for value in part.split(",")] for part in dimensions]).T
    assert expected.shape == (100, 6)
    everything = np.concatenate([series.x, series.x_test])
    codes = np.concatenate([series.y, series.y_test])
    found = [i for i, values in enumerate(everything) if (values == expected).all()]
    assert len(found) == 1
    assert series.class_names[codes[found[0]]] == label == "Standing"
    assert series.class_names == ("Badminton", "Running", "Standing", "Walking")


def test_series_of_several_lengths_go_on_with_their_last_value():
    series = load("PickupGestureWiimoteZ_TRAIN.ts")
    assert (len(series.y), len(series.y_test), len(series.class_names)) == (50, 50, 10)
    lines = (FILES / "PickupGestureWiimoteZ_TRAIN.ts").read_text().splitlines()
    lines = lines[lines.index("@data") + 1 :]
    lengths = []
    for values, line in zip(series.x[..., 0], lines, strict=True):
        own = [float(value) for value in line.rpartition(":")[0].split(",") if value not in ("?", "NaN")]
        lengths.append(len(own))
        assert values[: len(own)].tolist() == own
        assert (values[len(own) :] == own[-1]).all()
    assert len(set(lengths)) > 10
    assert any("shorter series go on with their last value" in note for note in series.notes)
    found = "\n".join(DOMAIN.found(DOMAIN.split(series, seed=0)))
    assert f"lengths {min(lengths)} to" in found


def test_a_folder_and_a_pair_of_files(tmp_path):
    for part in ("TRAIN", "TEST"):
        source = FILES / f"PickupGestureWiimoteZ_{part}.ts"
        (tmp_path / f"Gesture_{part}.ts").write_bytes(source.read_bytes())
    by_folder, by_file = load_data(f"ucr:{tmp_path}"), load_data(f"ucr:{tmp_path / 'Gesture_TRAIN.ts'}")
    assert isinstance(by_folder, Series)
    assert isinstance(by_file, Series)
    assert by_folder.name == by_file.name == "Gesture"
    assert (by_folder.x_test == load("PickupGestureWiimoteZ_TRAIN.ts").x_test).all()
    (tmp_path / "Other_TRAIN.tsv").write_text("1\t2\n")
    refused(f"ucr:{tmp_path}", "needs one file NAME_TRAIN.ts or .tsv, it holds those of 'Gesture_TRAIN', 'Other_TRAIN'")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.eye(2)[[0, 1] * 5], r"y has shape \(10, 2\); give one label a series, shape \(n,\); of one-hot rows"),
        ([None, 1] * 5, r"y holds no label at position 0 \(None\); leave that series out, or name its class"),
        ([0, 1] * 4, "has 10 series but 8 labels; give one label a series$"),
    ],
)
def test_labels_that_are_not_valid_are_named_as_a_series_labels(labels, words):
    with pytest.raises(EvonasError, match=words):
        series_from_arrays(np.zeros((10, 8)), labels)


HEADER = "@problemName x\n@timeStamps false\n@classLabel true a b\n@data\n"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.ts", HEADER.replace("timeStamps false", "timeStamps true") + "(0,1):a\n", "has time stamps"),
        ("x.ts", "@targetLabel true\n@data\n1,2:0.5\n", "has numbers as targets; a search needs classes"),
        ("x.ts", "@classLabel false\n@data\n1,2\n", "no class labels"),
        ("x.ts", HEADER + "1,2:a\n1,2:3,4:b\n", "line 6 of .* has 2 dimensions, the first 1"),
        ("x.ts", HEADER + "1,x:a\n", "line 5 of .* is no series of numbers: .*'x'"),
        ("x.ts", HEADER + "1,2\n", "line 5 of .* has no label"),
        ("x.ts", "hello\n", "line 1 of .* is neither a header"),
        ("x.ts", HEADER, "holds no series"),
        ("x.tsv", "", "holds no series"),
        ("x.tsv", "1,2,3\n", "line 1 of .* has no tab"),
        ("x.tsv", b"\xff\xfe\x00", "cannot be read"),
        ("x.tsv", "1\tinf\n" * 4 + "2\t0\n" * 4, "an infinite value, in series 0 at 0"),
        ("x.tsv", "1\tNaN\n" * 4 + "2\t0\n" * 4, "x has no value in channel 0 of series 0"),
        ("x.tsv", "1\t1\n" * 4 + "2\t0\n" * 2, "class '2' of 'x' has 2 of the 3 series or more"),
        ("x.csv", "1,2\n", "neither a .ts nor a .tsv file"),
        ("x_TEST.ts", HEADER + "1,2:a\n", "is the test part; give the _TRAIN file"),
    ],
)
def test_files_that_are_not_valid_are_named_with_their_line(tmp_path, name, text, words):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    refused(f"ucr:{tmp_path / name}", words)


def test_missing_values_are_on_the_line_between_their_neighbours(tmp_path):
    rows = ["1,?,3,?,?,6:a", "?,2,2,2,2,?:b", "1,2,3:a", *["0,0,0,0,0,0:b"] * 2, "1,1,1,1,1,1:a"]
    (tmp_path / "m_TRAIN.ts").write_text(HEADER + "\n".join(rows))
    (tmp_path / "m_TEST.ts").write_text(HEADER + "9,9:b\n")
    series = load_data(f"ucr:{tmp_path / 'm_TRAIN.ts'}")
    assert isinstance(series, Series)
    assert series.x[:3, :, 0].tolist() == [[1, 2, 3, 4, 5, 6], [2] * 6, [1, 2, 3, 3, 3, 3]]
    assert series.x_test[0, :, 0].tolist() == [9] * 6
    assert series.notes[0].startswith("lengths 2 to 6")
    assert series.notes[1].startswith("4 missing values are on the line")  # the end of the second is its own end


def test_npz_files_are_named_series(tmp_path):
    x, y = waves()
    np.savez(tmp_path / "w.npz", x_train=x, y_train=y, x_test=x[:4], y_test=y[:4], class_names=["up", "down"])
    series = load_data(f"series:{tmp_path / 'w.npz'}")
    assert isinstance(series, Series)
    assert (series.x == x).all()
    assert series.class_names == ("up", "down")
    refused("series:nowhere.npz", "no file 'nowhere.npz'")
    refused(f"series:{FILES / 'GunPoint_TRAIN.tsv'}", "write --data ucr:")
    np.savez(tmp_path / "x.npz", x=x)
    refused(f"series:{tmp_path / 'x.npz'}", "has no array 'x_train'; it has 'x'")


# arrays


def test_every_form_of_the_same_series():
    x, y = waves(channels=1)
    expected = series_from_arrays(x, y).x
    forms = [x[..., 0], x.tolist(), torch.from_numpy(x), list(x), [row[:, 0] for row in x], np.asfortranarray(x)]
    for form in forms:
        assert (series_from_arrays(form, y).x == expected).all()
    assert series_from_arrays(x.astype(np.float32), y).x.dtype == np.float32
    assert (series_from_arrays(np.round(x * 9).astype(np.int8), y).x == np.round(expected * 9)).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, y: (x[:, :, 0, None, None], y), "has shape .*; give .n, length, channels."),
        (lambda x, y: (x.astype(complex), y), "holds complex128 values"),
        (lambda x, y: (x, y[:-1]), "has 24 series but 23 labels"),
        (lambda x, y: (x, y * 0), "one class only, 0"),
        (lambda x, y: (x, y, x[..., :1], y), "has 2 channels but 1 in x_test"),
        (lambda x, y: (x, y, x, None), "one of x_test and y_test"),
        (lambda x, y: (x, y, x, y + 1), "test labels that no training series has: .2."),
        (lambda x, y: ([x[0], x[0][:, :1]], y[:2]), "no list of .length, channels. series"),
    ],
)
def test_arrays_that_are_not_valid(change, words):
    with pytest.raises(EvonasError, match=words) as raised:
        series_from_arrays(*change(*waves()))
    assert "\n" not in str(raised.value)


def test_channels_first_is_pointed_at():
    x, y = waves(length=3, channels=7)
    assert "the order is (n, length, channels)" in series_from_arrays(x, y).notes[0]


@given(st.integers(1, 12), st.integers(1, 3), st.integers(0, 9))
def test_completed_series_keep_what_they_have(length, channels, seed):
    rng = np.random.default_rng(seed)
    whole = rng.normal(size=(3, length, channels))
    holes = rng.random(whole.shape) < 0.5
    holes[:, rng.integers(length)] = False  # a value is left in each channel
    found = complete(np.where(holes, np.nan, whole), length + 2, "x")
    assert found.shape == (3, length + 2, channels)
    assert (found[:, :length][~holes] == whole[~holes]).all()
    low, high = np.where(holes, np.inf, whole).min(1), np.where(holes, -np.inf, whole).max(1)
    assert (found >= low[:, None] - 1e-12).all()
    assert (found <= high[:, None] + 1e-12).all()
    assert (found[:, length:] == found[:, length - 1, None]).all()


# the task


def test_the_task_of_a_split():
    split = DOMAIN.split(load("BasicMotions_TRAIN.ts"), seed=1)
    task = split.task
    assert (task.domain, task.input_shape, task.n_classes) == ("series", (6, 100), 4)
    assert task.features["channels"] == 6
    assert np.isfinite(list(task.features.values())).all()
    assert task == DOMAIN.split(load("BasicMotions_TRAIN.ts"), seed=2).task
    assert "6" in DOMAIN.found(split)[0]


def test_descriptors_tell_smooth_series_from_noise():
    x, y = waves(n=60, length=64)
    smooth = np.cumsum(x, axis=1)
    of_noise, of_smooth = (DOMAIN.split(series_from_arrays(v, y), seed=0).task.features for v in (x, smooth))
    assert of_smooth["autocorrelation_1"] > 0.8 > 0.3 > of_noise["autocorrelation_1"]
    assert of_smooth["low_frequencies"] > 0.8 > 0.3 > of_noise["low_frequencies"]
    assert set(of_noise) == set(DOMAIN.split(series_from_arrays(x[:, :1], y), seed=0).task.features)


def test_the_same_series_are_the_same_data():
    from evonas.domains.fingerprint import same_data

    def of(x, y):
        return DOMAIN.split(series_from_arrays(x, y), seed=0).task.fingerprint

    x, y = waves(n=80)
    order = np.random.default_rng(0).permutation(len(y))
    assert same_data(of(x, y), of(x[order].astype(np.float32), 1 - y[order]))
    assert not same_data(of(x, y), of(-x, y))


@settings(deadline=None, max_examples=20)
@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e6))
def test_any_range_of_values_trains_alike(offset, scale):
    """Channels come to mean 0 and deviation 1, from doubles: a large offset does not eat the signal."""
    x, y = waves(n=40)
    split = DOMAIN.split(series_from_arrays(x * scale + offset, y, x[:4], y[:4]), seed=0)
    held = split.put(split.x_train, split.y_train, split.preprocessing(), "cpu")
    assert held.x.dtype == torch.float32
    resolution = max(abs(offset), 1) * 1e-15 / scale  # what doubles tell apart
    assert held.x.mean((0, 2)).abs().max() < 1e-4 + resolution
    assert (held.x.std((0, 2)) - 1).abs().max() < 0.02 + 10 * resolution


def test_a_constant_channel_is_left_unscaled():
    x, y = waves()
    x[..., 1] = 7.0
    split = DOMAIN.split(series_from_arrays(x, y), seed=0)
    assert split.preprocessing().deviation[1] == 1
    held = split.put(split.x_train, split.y_train, split.preprocessing(), "cpu")
    assert (held.x[:, 1] == 0).all()


def test_an_epoch_has_every_series_once():
    x, y = waves(n=30)
    split = DOMAIN.split(series_from_arrays(x, y, x[:4], y[:4]), seed=0)
    held = split.put(split.x_train, np.arange(len(split.y_train)), split.preprocessing(), "cpu")
    recipe = Recipe(batch_size=7)
    order = [label for _, labels in held.augmented(recipe, torch.Generator().manual_seed(0)) for label in labels]
    assert sorted(map(int, order)) == list(range(len(split.y_train)))
    assert order != sorted(order)
    for values, labels in held.augmented(recipe, torch.Generator().manual_seed(0)):
        assert torch.equal(values, held.x[labels])
    assert torch.equal(torch.cat([values for values, _ in held.batches(7)]), held.x)


def test_the_report_shows_one_series_of_each_class():
    split = DOMAIN.split(load("BasicMotions_TRAIN.ts"), seed=0)
    ((title, html),) = DOMAIN.sections(DOMAIN.examples(split))
    assert title == "The series"
    assert html.count("<svg") == 4
    assert html.count("<polyline") == 12  # three of six channels
    assert "Badminton" in html
    assert list(DOMAIN.sections({})) == []
