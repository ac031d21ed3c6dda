"""A recipe holds only settings that can be trained with."""

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evonas.core.errors import EvonasError
from evonas.core.recipe import RANGES, Recipe, shift_pixels


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"optimizer": "adam"}, "no optimizer 'adam'; there are sgd, adamw, muon"),
        ({"lr": 0}, "lr is 0; give a number above 0"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"lr": float("inf")}, "lr is inf"),
        ({"batch_size": 1}, "batch_size is 1; give a whole number of 2 or more"),
        ({"batch_size": 2.5}, "batch_size is 2.5"),
        ({"weight_decay": -1}, "weight_decay is -1; give 0 or more"),
        ({"label_smoothing": 1}, "label_smoothing is 1"),
        ({"shift_x": 1.5}, "shift_x is 1.5; give a share of 0 to 1"),
        ({"rotation": "ten"}, "rotation is 'ten'; give 0 to 180 degrees"),
        ({"cutout": True}, "cutout is True"),
        ({"mixup": -0.1}, "mixup is -0.1"),
        ({"averaging": 1}, "averaging is 1"),
    ],
)
def test_what_is_no_setting_is_refused_in_one_line(values, words):
    with pytest.raises(EvonasError, match=words) as raised:
        Recipe(**values)
    assert "\n" not in str(raised.value)


def test_every_number_has_a_range():
    numbers = {field.name for field in fields(Recipe) if field.type in ("float", "int")}
    assert numbers == set(RANGES)


@given(st.integers(1, 1024), st.floats(0, 1))
def test_a_shift_lies_within_the_image(size, share):
    assert 0 <= shift_pixels(share, size) <= size
