"""Groups: never on two sides, near the sizes that were asked for, and what cannot be is said."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas.core.errors import EvonasError
from evonas.domains.groups import all_files, digest, read_groups, with_groups
from evonas.domains.images import images_from_arrays, split
from evonas.domains.series import series_from_arrays
from evonas.domains.series.domain import SeriesDomain
from evonas.domains.splitting import set_apart


def numbered(n=120, classes=3, **further):
    """Images whose first pixels are their number."""
    x = np.zeros((n, 3, 3, 1), np.uint8)
    x[:, 0, 0, 0], x[:, 0, 1, 0] = np.arange(n), 255
    return images_from_arrays(x, np.arange(n) % classes, name="numbered", **further)


def numbers(x):
    return x[:, 0, 0, 0].astype(int)


@settings(deadline=None, max_examples=60)
@given(st.integers(5, 40), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_whole_groups_near_the_total_and_no_class_is_lost(number, classes, seed):
    rng = np.random.default_rng(seed)
    groups = np.concatenate([np.arange(number), rng.integers(number, size=10 * number)])
    labels = rng.integers(classes, size=len(groups))
    labels[:classes] = np.arange(classes)
    labels[-classes:] = np.arange(classes)
    try:
        kept, aside = set_apart(labels, groups, len(groups) // 5, np.random.default_rng(seed), "it")
    except EvonasError:
        assert number < 8  # each group has all of a class that is rare
        return
    assert sorted([*kept, *aside]) == list(range(len(groups)))
    assert not set(groups[kept]) & set(groups[aside])
    assert set(labels[kept]) == set(range(classes))
    again = set_apart(labels, groups, len(groups) // 5, np.random.default_rng(seed), "it")
    assert again[1].tolist() == aside.tolist()
    if number >= 20:
        assert 0.1 < len(aside) / len(groups) < 0.3


@pytest.mark.parametrize("size", [None, 30])
@pytest.mark.parametrize("seed", [0, 1])
def test_no_group_is_on_two_sides_and_nothing_is_lost(seed, size):
    values = np.arange(120) // 7  # a patient has pictures of all classes
    data = with_groups(numbered(), [f"patient {value}" for value in values], "image")
    found = split(data, seed=seed, train_size=size)
    parts = [values[numbers(x)] for x in (found.x_train, found.x_val, found.x_test)]
    for i, one in enumerate(parts):
        assert len(one)
        assert not any(set(one) & set(other) for other in parts[i + 1 :])
    assert sorted([*numbers(data.x), *numbers(data.x_test)]) == list(range(120))
    assert (found.y_train == numbers(found.x_train) % 3).all()
    assert (found.y_test == numbers(found.x_test) % 3).all()
    assert any(line.startswith("18 groups, each on one side of every split") for line in found.notes)
    assert any("whole groups" in line for line in found.notes)
    assert not any("stratified" in line for line in found.notes)
    if size is not None:
        assert len(found.x_train) == size


def test_files_go_with_their_images():
    files = [f"{i % 3}/{i // 7}/{i}.png" for i in range(120)]
    data = numbered(files=files)
    assert all_files(data) == files
    grouped = with_groups(data, np.arange(120) // 7, "image")
    assert all_files(grouped) == files
    assert [files[i] for i in numbers(grouped.x_test)] == list(grouped.files_test)


def test_given_parts_stay():
    x, y = np.zeros((60, 3, 3, 1), np.uint8), np.arange(60) % 2
    x[:, 0, 0, 0] = np.arange(60)
    data = images_from_arrays(x, y, x[:10], y[:10], x_val=x[:6], y_val=y[:6], name="given")
    found = with_groups(data, np.arange(60) // 5, "image")
    assert found.x is data.x
    assert len(split(found, seed=0).x_train) == 60
    one_class = images_from_arrays(x, y, x[::2], y[::2], x_val=x[::2], y_val=y[::2], name="given")
    assert not any(
        "held back" in line for line in split(with_groups(one_class, np.arange(60) // 5, "image"), seed=0).notes
    )
    assert "whatever their groups" in found.notes[-1]
    validated = images_from_arrays(x, y, x_val=x[:6], y_val=y[:6], name="given")
    grouped = with_groups(validated, np.arange(60) // 30, "image").groups
    assert grouped is not None
    assert len(set(grouped.tolist())) == 1  # the other group tests


def test_a_class_of_one_group_is_learned_and_said():
    y = np.array([0, 1] * 30 + [2] * 6)
    x = np.random.default_rng(0).integers(0, 255, (66, 3, 3, 1))
    data = with_groups(images_from_arrays(x, y, name="rare"), [*(np.arange(60) // 6), *[10] * 6], "image")
    found = split(data, seed=0)
    assert (found.y_train == 2).sum() == 6
    assert "no validation image is of '2': whole groups are held back, none with it" in found.notes
    assert "no test image is of '2': whole groups are held back, none with it" in found.notes


def test_series_have_groups_too():
    series, y = np.random.default_rng(0).normal(size=(60, 8)), np.arange(60) % 2
    series[:, 0] = np.arange(60)
    data = with_groups(series_from_arrays(series, y), np.arange(60) // 4, "series")
    found = SeriesDomain().split(data, seed=0)
    sides = [set((part[:, 0, 0] // 4).astype(int)) for part in (found.x_train, found.x_val, found.x_test)]
    assert len(set.union(*sides)) == sum(map(len, sides)) == 15


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ([1, 2], "groups has 2 values for 120 images of 'numbered'; give one for each"),
        (np.zeros((120, 2)), r"groups has shape \(120, 2\) for 120 images"),
        (["a"] * 120, "groups has one value only, 'a': no image could be held back from it"),
        ([None, *range(119)], "groups has no value at position 0; give each image a group"),
        ([0.5, float("nan"), *range(118)], "groups has no value at position 1"),
        ([1, 2] * 60, "'numbered' cannot be split by its 2 groups: .* too few groups are left"),
        ([0, 1, 2] * 40, "'numbered' cannot be split by its 3 groups: whichever is held back, a class is not learned"),
    ],
)
def test_groups_that_cannot_be(values, says):
    with pytest.raises(EvonasError, match=says) as error:
        with_groups(numbered(), values, "image")
    assert "\n" not in str(error.value)
    with pytest.raises(EvonasError, match="int cannot be split by groups"):
        with_groups(3, values, "image")


def test_what_groups_are_called_is_all_one():
    values = np.array([5, 5, 1, 3, 1])
    assert digest(values) == digest(np.array([0, 0, 2, 1, 2])) != digest(np.array([0, 1, 2, 1, 2]))
    assert read_groups(["a", "a", 1], 3, "it").tolist() == [1, 1, 0]
