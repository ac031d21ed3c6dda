"""Labels of every common type become the same classes, or are refused in one line."""

import enum

import ml_dtypes
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from evonas.core.errors import EvonasError
from evonas.domains.images import images_from_arrays
from evonas.domains.labels import class_words, read_labels, word

X = np.zeros((20, 4, 4), np.uint8)
CODES = np.arange(20) % 4
WORDS = np.array(["ant", "bee", "cat", "dog"])[CODES]
INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]


def names(labels) -> tuple[str, ...]:
    """Class names; the test labels are of the same type."""
    images = images_from_arrays(X, labels, X[:4], labels[:4])
    assert images.y.tolist() == CODES.tolist()
    assert images.y_test.tolist() == [0, 1, 2, 3]
    assert images.y.dtype == np.int64
    return images.class_names


@pytest.mark.parametrize("dtype", [*INTEGERS, np.float16, np.float32, np.float64, ml_dtypes.bfloat16, ml_dtypes.int4])
def test_numbers_of_numpy(dtype):
    assert names(CODES.astype(dtype)) == ("0", "1", "2", "3")


@pytest.mark.parametrize(
    "dtype",
    [torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.uint16, torch.uint32, torch.uint64,
     torch.float16, torch.bfloat16, torch.float32],
)  # fmt: skip
def test_numbers_of_torch(dtype):
    assert names(torch.tensor(CODES).to(dtype)) == ("0", "1", "2", "3")


@pytest.mark.parametrize(
    "labels",
    [
        pd.Series(CODES),
        pd.Series(CODES, index=range(20, 0, -1)),
        pd.Series(CODES, dtype="Int64"),
        pd.Series(CODES, dtype="category"),
        pd.DataFrame({"label": CODES}),
        list(CODES),
        [torch.tensor(code) for code in CODES],
        [np.int16(code) if code % 2 else int(code) for code in CODES],
        CODES.astype(object),
        CODES.astype(float).astype(object),
        CODES[:, None],
    ],
)
def test_numbers_of_many_holders(labels):
    assert names(labels) == ("0", "1", "2", "3")


@pytest.mark.parametrize(
    "labels",
    [
        WORDS,
        WORDS.tolist(),
        WORDS.astype(object),
        WORDS.astype("S"),
        [text.encode() for text in WORDS.tolist()],
        [text.encode() if i % 2 else text for i, text in enumerate(WORDS.tolist())],
        np.array([text.encode() for text in WORDS.tolist()], object),
        np.array(WORDS.tolist(), np.dtypes.StringDType()),
        [np.str_(text) if i % 2 else str(text) for i, text in enumerate(WORDS.tolist())],
        np.array([np.str_(text) if i % 2 else str(text) for i, text in enumerate(WORDS.tolist())], object),
        np.array([text.encode() if i % 2 else str(text) for i, text in enumerate(WORDS.tolist())], object),
        pd.Series(WORDS),
        pd.Series(WORDS, dtype="string"),
        pd.Series(WORDS, dtype="category"),
        pd.Categorical(WORDS),
        pd.Index(WORDS),
    ],
)
def test_words_of_many_types(labels):
    assert names(labels) == ("ant", "bee", "cat", "dog")


def test_booleans():
    images = images_from_arrays(X, CODES > 1, X[:2], [0, 1])
    assert images.class_names == ("False", "True")
    assert images.y_test.tolist() == [0, 1]


def test_large_numbers_stay_apart():
    """Hashes as labels; as floats they would be one class."""
    large = [2**63 + code for code in CODES.tolist()]
    assert names(np.array(large, np.uint64)) == tuple(str(2**63 + code) for code in range(4))
    assert names([2**70 + code for code in CODES.tolist()]) == tuple(str(2**70 + code) for code in range(4))
    images = images_from_arrays(X, np.array(large, np.uint64), X[:1], np.array([2**63 + 2], np.uint64))
    assert images.y_test.tolist() == [2]


def test_test_labels_may_be_of_another_type():
    images = images_from_arrays(X, CODES.astype(np.uint64), X[:2], torch.tensor([3, 1], dtype=torch.int8))
    assert images.y_test.tolist() == [3, 1]
    assert images_from_arrays(X, WORDS.astype("S"), X[:1], ["cat"]).y_test.tolist() == [2]


class Animal(enum.Enum):
    CAT = 1
    DOG = 2


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (np.eye(4)[CODES], r"y has shape .20, 4.; give one label an image, shape .n,.; of one-hot rows y.argmax.1."),
        (CODES + 0.5, "y holds NaN or numbers that are not whole"),
        (np.where(CODES > 2, np.nan, CODES), "y holds NaN or"),
        (np.full(20, 1e300), "y holds NaN or"),
        (CODES * 1j, "y holds complex128 values; give classes as whole numbers or strings"),
        ([None, *CODES[1:].tolist()], "y holds no label at position 0 .None.; leave that image out, or name its class"),
        (pd.Series(["cat", None] * 10), "y holds no label at position 1 .nan."),
        (pd.Series(["cat", None] * 10, dtype="string"), "y holds no label at position 1 .<NA>|nan"),
        (pd.Series([1, None] * 10, dtype="boolean"), "y holds no label at position 1 .<NA>."),
        (pd.Categorical(["cat", None] * 10), "y holds no label at position 1"),
        (np.array([1, "cat"] * 10, object), "y mixes labels of int and str; give all as whole numbers, or all as str"),
        ([1, "cat"] * 10, "y mixes labels of int and str"),
        (["cat", None] * 10, "y holds no label at position 1 .None."),
        (np.array([1.5, "cat"] * 10, object), "y holds a float at position 0"),
        ([Animal.CAT, Animal.DOG] * 10, "y holds a Animal at position 0; give classes as whole numbers or strings"),
        (np.array([(1, 2)] * 20, [("a", int), ("b", int)]), "y holds .*; give classes as whole numbers or strings"),
        (np.full(20, np.datetime64("2026-01-01")), "y holds datetime64.D. values"),
        ([[1], [1, 2]], "y is no regular array"),
        ("cat", "y has shape .."),
        ({"a": 1}, "y has shape .."),
        (None, "y has shape .."),
    ],
)  # fmt: skip
def test_what_is_no_label_is_refused_in_one_line(labels, words):
    with pytest.raises(EvonasError, match=words) as raised:
        images_from_arrays(X, labels)
    assert "\n" not in str(raised.value)


@given(st.lists(st.one_of(st.integers(-(2**70), 2**70), st.booleans()), min_size=1, max_size=12))
@example([0, 2**63])
@example([-1, 2**63, 2**64])
def test_numbers_are_sorted_as_numbers(labels):
    distinct, codes = read_labels(labels, "y")
    assert [int(label) for label in distinct] == sorted({int(label) for label in labels})
    assert [int(distinct[code]) for code in codes] == [int(label) for label in labels]


@given(st.lists(st.text(max_size=4), min_size=1, max_size=12))
def test_every_text_is_a_label(labels):
    distinct, codes = read_labels(np.array(labels, object), "y")
    assert distinct == sorted(set(labels))
    assert [distinct[code] for code in codes] == labels


@given(st.one_of(st.text(), st.text(st.characters(categories=["Cs", "L"])), st.binary()))
def test_every_name_of_a_class_can_be_written(name):
    word(name).encode()
    if isinstance(name, str) and not any("\ud800" <= letter <= "\udfff" for letter in name):
        assert word(name) == name


def test_names_given_as_bytes():
    assert class_words(np.array([b"caf\xc3\xa9", b"caf\xe9"]).tolist(), 2, "it") == ("café", "caf\\xe9")
