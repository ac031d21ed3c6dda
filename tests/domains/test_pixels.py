"""What values mean: the same in training, test and prediction, for every type of number and every range."""

import json

import ml_dtypes
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from evonas.core.errors import EvonasError
from evonas.domains.images import ImageReader, PixelScale, images_from_arrays

RNG = np.random.default_rng(0)
Y = np.arange(40) % 4
UNIT = RNG.random((40, 8, 8)).astype(np.float32)
NORMAL = RNG.standard_normal((40, 8, 8))


def read(x, **options) -> tuple[ImageReader, np.ndarray, list[str]]:
    return ImageReader.of(x, "x", **options)


def stored(reader: ImageReader) -> ImageReader:
    """As it comes back from a file."""
    return ImageReader.from_description(reader.shape, json.loads(json.dumps(reader.description())))


NUMBERS = [np.bool_, np.uint8, np.int8, np.uint16, np.int16, np.int32, np.uint32, np.int64, np.uint64]
FLOATS = [np.float16, np.float32, np.float64]


@st.composite
def training_images(draw):
    """(n, height, width[, channels]) of any type of number, in ranges that people use."""
    dtype = np.dtype(draw(st.sampled_from([*NUMBERS, *FLOATS])))
    sizes = draw(st.sampled_from([(5, 6, 7), (5, 4, 4), (4, 6, 6, 3), (4, 6, 6, 1), (4, 3, 7, 9), (4, 9, 7, 5)]))
    if dtype.kind == "f":
        low, high = draw(
            st.sampled_from([(0, 1), (0, 255), (-1, 1), (-3, 4), (0, 1 / 64), (1000, 1010), (-1 / 64, 65 / 64)])
        )
        values = st.floats(low, high, width=16 if dtype == np.float16 else 32)
    elif dtype.kind == "b":
        values = st.booleans()
    else:
        limits = np.iinfo(dtype)
        most = draw(st.sampled_from([1, 16, 255, 4095, 2**40]))
        least = draw(st.sampled_from([0, -1, -1000]))
        values = st.integers(max(limits.min, least), min(limits.max, most))
    return draw(arrays.arrays(dtype, sizes, elements=values))


@settings(max_examples=150)
@given(training_images())
def test_an_image_means_the_same_to_a_network_as_to_its_training(x):
    reader, trained, clipped = read(x)
    again = stored(reader)
    assert again == reader
    later, said = again.batch(x, "the batch")
    assert (later == trained).all()
    assert len(said) == len(clipped)
    for i in (0, len(x) - 1):  # alone as among others
        assert (again.batch(x[i], "the batch")[0][0] == trained[i]).all()
    if x.dtype != np.uint8:  # whose wider forms mean other things
        wide = {"f": np.float64, "b": np.float64, "i": np.int64, "u": np.uint64}[x.dtype.kind]
        assert (again.batch(x.astype(wide), "the batch")[0] == trained).all()


@settings(max_examples=100)
@given(training_images())
def test_the_order_of_values_is_kept_and_levels_are_as_fine_as_bytes_can_be(x):
    reader, trained, clipped = read(x)
    scale = reader.scale
    flat, levels = x.astype(np.float64).ravel(), trained.ravel().astype(float)
    if reader.channels == "first":
        levels = np.moveaxis(trained, -1, 1).ravel().astype(float)
    order = np.argsort(flat, kind="stable")
    assert (np.diff(levels[order]) >= 0).all()
    step = (scale.high - scale.low) / 255
    inside = (flat >= scale.low) & (flat <= scale.high)
    assert np.abs(scale.low + levels * step - flat)[inside].max(initial=0) <= step * 0.5001 + 1e-6 * abs(scale.high)
    if not clipped:
        outside = np.maximum(scale.low - flat, flat - scale.high).max()
        assert outside <= step / 2 * 1.001


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (UNIT > 0.5, "booleans from 0 to 1"),
        ((UNIT > 0.5).astype(np.int64), "whole numbers from 0 to 1"),
        ((UNIT > 0.5).astype(np.uint8), "whole numbers from 0 to 1"),
        (np.rint(UNIT * 255).astype(np.uint8), "bytes"),
        (np.rint(UNIT * 200).astype(np.int16), "whole numbers from 0 to 255"),
        (UNIT, "floats from 0 to 1"),
        (UNIT.astype(np.float16), "floats from 0 to 1"),
        (UNIT * 255, "floats from 0 to 255"),
        (np.rint(UNIT * 16), "floats from 0 to 255"),  # whole: nothing is lost
        (np.linspace(-3, 4, 2560).reshape(40, 8, 8), "floats from -3 to 4"),
        (np.linspace(0, 65535, 2560).reshape(40, 8, 8).astype(np.uint16), "whole numbers from 0 to 65535"),
        (np.linspace(-1024, 3071, 2560).reshape(40, 8, 8).astype(np.int16), "whole numbers from -1024 to 3071"),
        (np.linspace(0.5, 0.51, 2560).reshape(40, 8, 8), "floats from 0.5 to 0.51"),  # 3 levels of 0 to 1
    ],
)
def test_what_values_are_taken_for(x, words):
    reader, trained, clipped = read(x)
    assert reader.scale.words == words
    assert clipped == []
    distinct = len(np.unique(x))
    assert len(np.unique(trained)) >= min(distinct, 200)


def test_standardised_images_keep_their_levels():
    _, trained, clipped = read(NORMAL)
    assert clipped == []
    assert len(np.unique(trained)) > 180


def test_a_value_a_hair_above_1_is_clipped_and_said():
    x = UNIT.copy()
    x[0, 0, 0], x[0, 0, 1] = 1.02, -0.01
    images = images_from_arrays(x, Y)
    assert len(np.unique(images.x)) > 200
    assert images.left_out == (
        "2 of 2,560 values of x lie outside of 0 to 1 (they go from -0.01 to 1.02) and were clipped",
    )


def test_rounding_is_no_clipping():
    x = UNIT.copy()
    x[0, 0, 0] = np.nextafter(np.float32(1), np.float32(2))
    assert images_from_arrays(x, Y).left_out == ()


def test_an_outlier_leaves_the_others_their_levels():
    x = NORMAL.copy()
    x[0, 0, 0] = 1e6
    images = images_from_arrays(x, Y)
    assert len(np.unique(images.x)) > 100
    assert len(images.left_out) == 1
    assert "1 of 2,560 values of x lie outside" in images.left_out[0]
    assert images.reader is not None
    assert (stored(images.reader).batch(x, "the batch")[0].max()) == 255  # nor is it refused later


def test_few_bright_points_on_nothing_are_no_outliers():
    x = np.zeros((40, 100, 100))
    x[:, 50, 50] = np.linspace(500, 1000, 40)
    _, trained, clipped = read(x)
    assert len(np.unique(trained)) > 30
    assert clipped == []


@pytest.mark.parametrize(
    "x",
    [
        torch.tensor(UNIT).bfloat16(),
        UNIT.astype(ml_dtypes.bfloat16),
        [torch.tensor(image).bfloat16() for image in UNIT],
        torch.tensor(UNIT, requires_grad=True),
        torch.tensor(UNIT).to_sparse(),
        UNIT.tolist(),
        list(UNIT),
        np.asfortranarray(UNIT),
        UNIT.astype(">f4"),
        np.broadcast_to(UNIT[:1], UNIT.shape),
    ],
    ids=[
        "bfloat16",
        "ml_dtypes",
        "bfloat16 list",
        "grad",
        "sparse",
        "lists",
        "arrays",
        "fortran",
        "endian",
        "view",
    ],
)
def test_every_holder_of_numbers(x):
    reader, trained, _ = read(x)
    assert reader.scale.words == "floats from 0 to 1"
    assert trained.shape == (40, 8, 8, 1)
    assert (stored(reader).batch(x, "the batch")[0] == trained).all()
    assert np.abs(trained[0, ..., 0] / 255 - UNIT[0]).max() < 0.006


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (UNIT + 1j, "x holds complex64 values"),
        (UNIT.astype(str), "x holds <U32 values"),
        (UNIT.astype(object), "x holds object values"),
        (np.zeros((40, 8, 8), "V4"), "x holds .V4 values"),
        (np.zeros((40, 8, 8), [("a", "f4")]), "x holds"),
        (np.full((40, 8, 8), np.timedelta64(1)), "x holds timedelta64 values"),
        (np.where(UNIT > 0.9, np.inf, UNIT), "x holds NaN or infinite values"),
        (np.ma.masked_array(UNIT, UNIT > 0.5), "x holds masked values"),
        (torch.zeros((40, 8, 8), device="meta"), "x is no regular array"),
        ({"a": 1}, "x has shape"),
    ],
)
def test_what_is_no_number_is_refused_in_one_line(x, words):
    with pytest.raises(EvonasError, match=words) as raised:
        read(x)
    assert "\n" not in str(raised.value)


# later images, by type


def test_the_forms_that_everybody_expects():
    """Bytes and floats from 0 to 1 stand for each other, whichever was trained on."""
    x = np.rint(UNIT * 255).astype(np.uint8)
    by_bytes, by_floats = read(x)[0], read(UNIT)[0]
    for reader in (by_bytes, by_floats):
        assert (reader.batch(x, "the batch")[0][..., 0] == x).all()
        assert (reader.batch(x / 255.0, "the batch")[0][..., 0] == x).all()
        assert reader.batch(np.ones((1, 8, 8), bool), "the batch")[0].min() == 255


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.float32, np.float64, bool])
def test_0_and_1_stay_black_and_white(dtype):
    x = UNIT > 0.5
    for trained_on in (bool, np.uint8, np.int64, np.float32):
        reader, trained, _ = read(x.astype(trained_on))
        assert set(np.unique(trained)) == {0, 255}
        assert (reader.batch(x.astype(dtype), "the batch")[0] == trained).all()


@pytest.mark.parametrize(
    ("trained_on", "later", "words"),
    [
        (UNIT, (UNIT * 255).astype(np.int64), "the batch has values to 254; give floats from 0 to 1, or uint8"),
        (UNIT, UNIT * 255, "the batch has values to 25[45].*; give floats from 0 to 1, or uint8"),
        (UNIT, UNIT * 2 - 1, "the batch has values from -0.9"),
        (NORMAL, (UNIT * 255).astype(np.uint8), "the batch has values to 254; give values from -3.* as the training"),
        (NORMAL, UNIT > 0.5, "the batch holds bool values; give values from -3"),
        (UNIT > 0.5, (UNIT * 255).astype(np.uint8), "the batch has values to 254; give values from 0 to 1, as the"),
        ((UNIT * 65535).astype(np.uint16), UNIT.astype(str), "the batch holds <U32 values"),
        (UNIT, np.where(UNIT > 0.9, np.nan, UNIT), "the batch holds NaN"),
    ],
)
def test_images_on_another_scale_are_refused(trained_on, later, words):
    reader, _, _ = read(trained_on)
    with pytest.raises(EvonasError, match=words) as raised:
        reader.batch(later, "the batch")
    assert "\n" not in str(raised.value)


def test_test_images_go_through_the_scale_of_the_training_images():
    x = NORMAL * 3 + 10
    images = images_from_arrays(x, Y, x[:5] * 0.5 + 5, Y[:5], x_val=x[5:9], y_val=Y[5:9])
    assert (images.x_val == images.x[5:9]).all()
    assert images.x_test.std() < images.x[:5].std()
    with pytest.raises(EvonasError, match="x_test has values to 1e.06, x to 1.*; bring both to one scale"):
        images_from_arrays(x, Y, np.full((4, 8, 8), 1e6), Y[:4])


def test_a_test_value_a_little_outside_is_clipped_and_said():
    test = UNIT[:4].copy()
    test[0, 0, 0] = 1.5
    images = images_from_arrays(UNIT, Y, test, Y[:4])
    assert images.left_out == (
        f"1 of 256 values of x_test lie outside of 0 to 1 (they go from {test.min():g} to 1.5) and were clipped",
    )


def test_a_scale_of_a_file_without_one_means_bytes():
    assert ImageReader((8, 8, 1)).scale == PixelScale()
    assert ImageReader((8, 8, 1)).scale.words == "bytes"


# channels


@pytest.mark.parametrize("kind", ["array", "tensor"])
@pytest.mark.parametrize(
    ("shape", "array", "tensor"),
    [
        ((4, 32, 32), "first", "first"),
        ((2, 9, 9), "first", "first"),
        ((7, 9, 9), "first", "first"),
        ((3, 30, 20), "first", "first"),
        ((32, 32, 4), "last", "last"),
        ((9, 9, 7), "last", "last"),
        ((30, 20, 3), "last", "last"),
        ((4, 4, 1), "last", "last"),
        ((1, 4, 4), "first", "first"),
        ((5, 6, 7), "last", "first"),
        ((3, 5, 3), None, "first"),
        ((3, 3, 3), None, "first"),
        ((9, 3, 3), None, "first"),
        ((8, 8, 8), None, "first"),
    ],
)
def test_the_axis_of_channels(shape, array, tensor, kind):
    values = RNG.random((12, *shape))
    x, order = (values, array) if kind == "array" else (torch.tensor(values), tensor)
    if order is None:
        with pytest.raises(EvonasError, match="say channels='first' or channels='last'"):
            read(x)
    else:
        reader, trained, _ = read(x)
        right = np.moveaxis(values, 1, -1) if order == "first" else values
        assert reader.channels == order
        assert np.abs(trained / 255 - right).max() < 0.003
        assert (stored(reader).batch(x, "the batch")[0] == trained).all()
        assert (stored(reader).batch(values[3], "the batch")[0] == trained[3:4]).all()
    for said in ("first", "last"):
        reader, trained, _ = read(x, channels=said)
        assert trained.shape[1:] == (shape if said == "last" else (*shape[1:], shape[0]))
        assert (stored(reader).batch(x, "the batch")[0] == trained).all()


def test_channels_that_are_no_order():
    with pytest.raises(EvonasError, match="channels is 'middle'; give 'first' or 'last'"):
        read(UNIT, channels="middle")


@pytest.mark.parametrize("shape", [(5, 8, 7), (5, 8, 8, 2), (8, 7), (5, 2, 8, 8), (3,), ()])
def test_images_of_another_size_are_refused(shape):
    reader, _, _ = read(UNIT)
    with pytest.raises(EvonasError, match="cannot predict for images of shape"):
        reader.batch(np.zeros(shape), "the batch")
