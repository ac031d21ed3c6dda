"""A user's arrays: every shape, type and mistake."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evonas.core.errors import EvonasError
from evonas.domains.images import ImageReader, images_from_arrays
from evonas.domains.images.domain import ImageDomain
from evonas.domains.labels import read_labels

RNG = np.random.default_rng(0)
Y = np.arange(20) % 4


def read(array: Any) -> np.ndarray:
    """(n, height, width, channels) bytes of training images."""
    _, images, _ = ImageReader.of(array, "x")
    return images


def x(*shape: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize(
    ("given_shape", "shape"),
    [
        ((20, 5, 6), (5, 6, 1)),
        ((20, 5, 6, 1), (5, 6, 1)),
        ((20, 5, 6, 3), (5, 6, 3)),
        ((20, 1, 5, 6), (5, 6, 1)),
        ((20, 3, 5, 6), (5, 6, 3)),
        ((20, 5, 6, 7), (5, 6, 7)),  # seven bands
        ((20, 1, 1, 1), (1, 1, 1)),
    ],
)
def test_layouts(given_shape, shape):
    images = images_from_arrays(x(*given_shape), Y)
    assert images.x.shape[1:] == images.x_test.shape[1:] == shape
    assert images.x.flags.c_contiguous
    assert images.flip == (shape[-1] == 3)


def test_channels_first_holds_the_same_pixels():
    last = x(20, 5, 6, 3)
    assert (read(np.moveaxis(last, -1, 1)) == last).all()
    assert (read(torch.from_numpy(np.moveaxis(last, -1, 1).copy())) == last).all()


def test_a_fixed_stratified_fifth_is_kept_for_the_test():
    images = images_from_arrays(x(100, 4, 4), np.arange(100) % 4)
    again = images_from_arrays(x(100, 4, 4), np.arange(100) % 4)
    assert np.bincount(images.y).tolist() == [20] * 4
    assert np.bincount(images.y_test).tolist() == [5] * 4
    assert (images.x_test == again.x_test).all()


def test_a_given_test_set_is_taken_as_it_is():
    images = images_from_arrays(x(20, 4, 4), Y, x(3, 4, 4), [3, 0, 0])
    assert len(images.y) == 20
    assert images.y_test.tolist() == [3, 0, 0]


@given(st.lists(st.floats(0, 1, width=32), min_size=8, max_size=8))
def test_floats_from_0_to_1_are_rounded_to_bytes(values):
    array = np.array([*values, 0, 1], np.float32).reshape(10, 1, 1, 1)
    assert np.abs(read(array) / 255 - array).max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("dtype", [np.int64, np.uint16, np.float64, np.float16, np.float32])
def test_numbers_to_255_are_kept(dtype):
    array = x(20, 4, 4, 1)
    array.flat[:2] = 0, 255
    assert (read(array.astype(dtype)) == array).all()


def test_booleans_are_black_and_white():
    assert set(np.unique(read(x(20, 4, 4) > 128))) == {0, 255}


def test_whole_numbers_0_and_1_are_black_and_white_too():
    assert read((x(20, 4, 4) > 128).astype(np.int64)).max() == 255


def test_labels_become_0_1_and_keep_their_names():
    images = images_from_arrays(x(20, 4, 4), np.array([30, -1, 7, 8] * 5), x(2, 4, 4), [8, -1])
    assert images.class_names == ("-1", "7", "8", "30")
    assert images.y_test.tolist() == [2, 0]
    assert images.y.dtype == np.int64
    words = images_from_arrays(x(20, 4, 4), ["dog", "cat", "ant", "bee"] * 5, x(1, 4, 4), ["cat"])
    assert words.class_names == ("ant", "bee", "cat", "dog")
    assert words.y_test.tolist() == [2]


@pytest.mark.parametrize(
    "labels",
    [
        torch.tensor(Y),
        Y.astype(np.float32),
        Y[:, None],
        Y.astype(np.uint8),
        list(map(int, Y)),
        np.array(list(map(str, Y)), object),
    ],
)
def test_labels_of_many_types(labels):
    assert images_from_arrays(x(20, 4, 4), labels, x(4, 4, 4), labels[:4]).y.tolist() == Y.tolist()


def test_class_names():
    assert images_from_arrays(x(20, 4, 4), Y, class_names=["a", "b", "c", "d"]).class_names == ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((x(20, 4, 4), Y[:19]), "20 images but 19 labels"),
        ((x(20, 4), Y), "x has shape .20, 4.; give"),
        ((x(20, 0, 4), Y), "x has shape"),
        ((x(0, 4, 4), []), "x has shape"),
        ((x(20, 4, 4), Y[:, None].repeat(2, 1)), "y has shape .20, 2.; give one label an image"),
        ((x(20, 4, 4), Y + 0.5), "y holds NaN or numbers that are not whole"),
        ((x(20, 4, 4), np.full(20, np.nan)), "y holds NaN"),
        ((x(20, 4, 4), np.full(20, 1j)), "y holds complex128 values"),
        ((x(20, 4, 4), np.array([None, 1] * 10)), "y holds"),
        ((x(20, 4, 4), np.zeros(20, int)), "one class only, 0"),
        ((x(20, 4, 4), np.arange(20)), "class '0' of 'memory' has 1 of the 3 images or more"),
        ((x(4, 4, 4), [0, 1, 0, 1]), "class '0' of 'memory' has 2 of the 3 images .* train, validate and test on"),
        ((x(4, 4, 4), [0, 1, 0, 0], x(4, 4, 4), [0, 1, 0, 0]), "class '1' .* has 1 of the 2 .* train and validate on"),
        ((np.where(x(20, 4, 4) > 250, np.nan, 0.5), Y), "x holds NaN or infinite values"),
        ((x(20, 3, 5, 3), Y), "x has shape .20, 3, 5, 3., which can be read with 3 channels first or 3 last; say chan"),
        ((np.array([["a"]] * 20)[:, :, None], Y), "x holds <U1 values"),
        ((np.full((20, 4, 4), 1j), Y), "x holds complex128 values"),
        (([np.zeros((2, 2)), np.zeros((3, 3))], [0, 1]), "x is no regular array"),
        (([[1], [1, 2]], [0, 1]), "x is no regular array"),
        ((None, Y), "x holds|x has shape"),
        ((x(20, 4, 4), Y, x(2, 4, 4)), "one of x_test and y_test"),
        ((x(20, 4, 4), Y, x(2, 5, 4), [0, 1]), "test images of .5, 4, 1."),
        ((x(20, 4, 4), Y, x(2, 4, 4), [0, 9]), "test labels that no training image has: .9."),
        ((x(20, 4, 4), Y, x(2, 4, 4), ["0", "1"]), "test labels"),
        ((x(20, 4, 4), Y, x(2, 4, 4), [0]), "2 images but 1 labels"),
    ],
)
def test_each_mistake_is_one_line(arguments, words):
    with pytest.raises(EvonasError, match=words) as raised:
        images_from_arrays(*arguments)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("names", [["a"], ["a"] * 5])
def test_class_names_of_another_number(names):
    with pytest.raises(EvonasError, match="4 classes but"):
        images_from_arrays(x(20, 4, 4), Y, class_names=names)


def test_class_names_that_are_double():
    with pytest.raises(EvonasError, match="class name 'a' twice"):
        images_from_arrays(x(20, 4, 4), Y, class_names=["a", "b", "a", "c"])


def test_test_images_are_scaled_as_the_training_images_are():
    floats = np.linspace(0, 1, 20 * 16).reshape(20, 4, 4)
    assert images_from_arrays(floats, Y, floats[:4] * 0.4, Y[:4]).x_test.max() < 255 * 0.4
    numbers = np.linspace(0, 255, 20 * 16).reshape(20, 4, 4)
    dark = images_from_arrays(numbers, Y, np.zeros((4, 4, 4)) + 1.0, Y[:4])
    assert dark.x_test.max() == 1  # not white: the training images go to 255


def test_a_test_set_that_goes_further_than_the_training_images_is_refused():
    floats = np.linspace(0, 1, 20 * 16).reshape(20, 4, 4)
    with pytest.raises(EvonasError, match="x_test has values to 255, x to 1; bring both"):
        images_from_arrays(floats, Y, np.full((1, 4, 4), 255.0), [0])


def test_bytes_and_floats_together_are_each_read_as_what_they_are():
    images = images_from_arrays(x(20, 4, 4), Y, np.full((1, 4, 4), 1.0), [0])
    assert images.x_test.max() == 255


def test_parts_without_images_are_refused():
    some = x(20, 4, 4)
    with pytest.raises(
        EvonasError, match="x_test of 'memory' has no images; give some, or leave x_test and y_test out"
    ):
        images_from_arrays(some, Y, some[:0], Y[:0])
    with pytest.raises(EvonasError, match="x_val of 'memory' has no images; give some, or leave x_val and y_val"):
        images_from_arrays(some, Y, x_val=some[:0], y_val=Y[:0])


def test_classes_that_no_image_validates_are_said():
    some = x(20, 4, 4)
    given = images_from_arrays(some, Y, some, Y, x_val=some[:2], y_val=Y[:2])
    assert list(given.notes) == ["no validation image is of 2 of the 4 classes: 2, 3"]
    given = images_from_arrays(some, np.array(list("abcd"))[Y], x_val=some[:3], y_val=list("abc"))
    assert given.notes[0] == "no validation image is of 1 of the 4 classes: 'd'"
    assert not images_from_arrays(some, Y, some, Y, x_val=some, y_val=Y).notes


def test_images_that_are_all_the_same_are_no_data_for_a_search():
    domain = ImageDomain()
    same = np.repeat(x(1, 4, 4), 20, axis=0)
    for images in (np.zeros((20, 4, 4)), same):
        with pytest.raises(EvonasError, match="all training images of 'memory' are the same: .*; give images that"):
            domain.split(images_from_arrays(images, Y), seed=0)
    same[7, 0, 0] ^= 1
    assert len(domain.split(images_from_arrays(same, Y, same, Y, x_val=same, y_val=Y), seed=0).y_train) == 20


def test_labels_alone():
    distinct, codes = read_labels(np.array([True, False]), "y")
    assert (distinct, codes.tolist()) == ([False, True], [1, 0])
