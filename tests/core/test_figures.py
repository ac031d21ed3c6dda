"""Figures as people read them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evonas.core import figures
from evonas.core.goals import metric


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (7, "7"), (999, "999"), (999.6, "1.00 k"), (12345, "12.3 k"), (999_600, "1.00 M"), (7.1e6, "7.10 M")],
)
def test_counts(number, text):
    assert figures.count(number) == text


@given(st.floats(1, 9e14))
def test_a_count_is_short_and_within_half_a_percent(number):
    text = figures.count(number)
    figure, _, prefix = text.partition(" ")
    assert len(text) <= 6
    assert float(figure) * {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[prefix] == pytest.approx(number, rel=5.1e-3)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.00 s"),
        (0.42, "0.42 s"),
        (0.999, "1.0 s"),
        (59.94, "59.9 s"),
        (59.96, "1 min 00 s"),
        (134, "2 min 14 s"),
        (3599.6, "1 h 00 min"),
        (3840, "1 h 04 min"),
        (86400 * 2 + 3 * 3600, "2 d 3 h"),
    ],
)
def test_durations(seconds, text):
    assert figures.duration(seconds) == text


@pytest.mark.parametrize("name", ["val_accuracy", "params", "seconds", "peak_memory_mb", "other"])
@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_what_is_no_figure_is_a_dash(name, value):
    assert metric(name).text(value) == figures.NOTHING


def test_metrics_by_their_kind():
    assert metric("test_accuracy").text(0.97251) == "97.25 %"
    assert metric("peak_memory_mb").text(311.7) == "312 MB"
    assert [metric("peak_memory_mb").text(value) for value in (9.6, 9.4, 0.776, 0.0412)] == [
        "10 MB",
        "9.4 MB",
        "0.78 MB",
        "0.041 MB",
    ]
    assert metric("val_loss").text(0.123456) == "0.1235"
    assert metric("latency_ms").text(1.25) == "1.250 ms"
    assert metric("model_kb").text(512.0) == "512 kB"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (2.0, "2 s"), (45.3, "45 s"), (89, "89 s"), (90, "1.5 min"), (543, "9 min"), (9000, "2.5 h"),
     (47 * 3600, "47 h"), (260_000, "3 d")],
)  # fmt: skip
def test_what_is_foreseen_has_one_unit(seconds, text):
    assert figures.about(seconds) == text
