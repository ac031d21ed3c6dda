"""The split: stratified, drawn by its seed, of the sizes that were asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evonas.core.errors import EvonasError
from evonas.domains.images import Images, images_from_arrays, load_images, split
from evonas.domains.splitting import MOST_VALIDATION, stratified


def numbered(counts: list[int], size: int = 3) -> Images:
    """Images that carry their own number in their first two pixels; `counts[i]` of class i."""
    y = np.repeat(np.arange(len(counts)), counts)
    x = np.zeros((len(y), size, size, 1), np.uint8)
    x[:, 0, 0, 0], x[:, 0, 1, 0] = np.arange(len(y)) // 256, np.arange(len(y)) % 256
    return images_from_arrays(x, y, x[:: max(len(y) // 5, 1)], y[:: max(len(y) // 5, 1)], name="numbered")


def numbers(x: np.ndarray) -> np.ndarray:
    return x[:, 0, 0, 0].astype(int) * 256 + x[:, 0, 1, 0]


counts_of_classes = st.lists(st.integers(2, 60), min_size=2, max_size=6)


@given(counts_of_classes, st.integers(0, 400), st.integers(0, 5))
def test_stratified_parts_are_disjoint_complete_and_in_proportion(counts, total, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    kept, aside = stratified(labels, total, np.random.default_rng(seed), "it")
    assert sorted([*kept, *aside]) == list(range(len(labels)))
    got = np.bincount(labels[aside], minlength=len(counts))
    assert (got >= 1).all()
    assert (got < counts).all()
    assert len(aside) == np.clip(total, len(counts), len(labels) - len(counts))
    exact = np.array(counts) * total / len(labels)
    if (exact >= 1).all() and (exact <= np.array(counts) - 1).all():
        assert np.abs(got - exact).max() < 1


def test_a_fifth_validates_and_nothing_is_lost():
    images = numbered([100, 50, 30])
    data = split(images, seed=0)
    assert np.bincount(data.y_val).tolist() == [20, 10, 6]
    assert sorted([*numbers(data.x_train), *numbers(data.x_val)]) == list(range(180))
    assert (images.y[numbers(data.x_train)] == data.y_train).all()
    assert (images.y[numbers(data.x_val)] == data.y_val).all()
    assert data.x_test is images.x_test


def test_the_seed_alone_decides():
    images = numbered([40, 40])
    one, again, other = split(images, seed=3), split(images, seed=3), split(images, seed=4)
    assert (one.x_train == again.x_train).all()
    assert (one.x_val == again.x_val).all()
    assert set(numbers(one.x_val)) != set(numbers(other.x_val))
    assert one.task == other.task  # descriptors and fingerprint are of the whole


@given(st.integers(3, 177), st.integers(0, 3))
def test_train_size_is_kept_exactly_where_classes_allow(train_size, seed):
    images = numbered([100, 50, 30])
    data = split(images, seed=seed, train_size=train_size)
    assert len(data.y_train) == train_size
    assert len(data.y_val) == min(max(3, train_size // 4), 180 - train_size)
    assert set(data.y_train) == set(data.y_val) == {0, 1, 2}
    assert not set(numbers(data.x_train)) & set(numbers(data.x_val))


@pytest.mark.parametrize("train_size", [0, -1, 2, 178, 180, 10_000])
def test_impossible_train_sizes_are_refused(train_size):
    with pytest.raises(EvonasError, match="--train-size .* give 3 to 177"):
        split(numbered([100, 50, 30]), seed=0, train_size=train_size)


def test_a_train_size_that_leaves_just_one_image_a_class():
    data = split(numbered([100, 50, 30]), seed=0, train_size=177)
    assert len(data.y_train) == 177
    assert np.bincount(data.y_val).tolist() == [1, 1, 1]


def test_two_images_of_a_class_are_enough_for_any_train_size():
    images = images_from_arrays(np.zeros((42, 2, 2, 1), np.uint8), [0] * 40 + [1] * 2, np.zeros((1, 2, 2, 1)), [0])
    for train_size in range(2, 41):
        data = split(images, seed=0, train_size=train_size)
        assert np.bincount(data.y_train)[1] == np.bincount(data.y_val)[1] == 1


def test_a_class_with_a_single_image_is_named():
    x, y = np.zeros((5, 2, 2, 1), np.uint8), [0, 0, 0, 1, 1]
    images = images_from_arrays(x, y, x, y)
    lonely = Images("few", images.x[:4], np.array([0, 0, 0, 1]), x, images.y, ("a", "b"))
    with pytest.raises(EvonasError, match="class 1 of 'few' has a single image"):
        split(lonely, seed=0)


def test_validation_is_capped():
    x, y = np.zeros((60_000, 1, 1, 1), np.uint8), np.arange(60_000) % 10
    images = Images("many", x, y, x[:10], y[:10], tuple("0123456789"))
    data = split(images, seed=0)
    assert (len(data.y_train), len(data.y_val)) == (50_000, MOST_VALIDATION)


@pytest.mark.parametrize("train_size", [None, 2, 7, 20])
def test_given_validation_images_validate_whatever_the_seed(train_size):
    x, y = np.arange(20 * 9).reshape(20, 3, 3, 1).astype(np.uint8), np.arange(20) % 2
    images = images_from_arrays(x, y, x[:4], y[:4], x_val=x[4:11], y_val=y[4:11])
    for seed in range(3):
        data = split(images, seed=seed, train_size=train_size)
        assert (data.x_val == x[4:11]).all()
        assert (data.y_val == y[4:11]).all()
        assert len(data.y_train) == (train_size or 20)
        assert set(data.y_train) == {0, 1}
    for size in (1, 21):
        with pytest.raises(EvonasError, match=f"--train-size {size} is not valid: .* to train on; give 2 to 20"):
            split(images, seed=0, train_size=size)


def test_validation_images_spare_a_class_an_image():
    x, y = np.zeros((3, 3, 3, 1), np.uint8), np.array([0, 0, 1])
    data = split(images_from_arrays(x, y, x, y, x_val=x, y_val=y), seed=0)
    assert len(data.y_train) == 3
    with pytest.raises(EvonasError, match="class '1' of 'memory' has 1 of the 2 images or more .* train and test on"):
        images_from_arrays(x, y, x_val=x, y_val=y)


def test_a_data_set_is_described_once(monkeypatch):
    """Descriptors depend on no seed: a comparison of many seeds describes its images once."""
    from evonas.domains.images import dataset

    calls = []
    monkeypatch.setattr(dataset, "describe", lambda *parts: calls.append(parts) or {})
    images = numbered([9, 9])
    assert len({split(images, seed=seed).task.fingerprint for seed in range(4)}) == 1
    assert len(calls) == 1


def test_digits_as_the_command_line_has_them():
    data = split(load_images("digits"), seed=0)
    assert data.task.name == "digits"
    assert data.task.input_shape == (1, 8, 8)
    assert (len(data.y_train), len(data.y_val), len(data.y_test)) == (1150, 288, 359)
    assert data.x_train.dtype == np.uint8
    assert data.x_train.max() == 255
    assert data.flip is False
    assert set(data.task.features) >= {"images", "classes", "linear_accuracy", "nearest_accuracy", "compressed"}
    assert np.isfinite(list(data.task.features.values())).all()
    assert data.task.features["nearest_accuracy"] > 0.9
