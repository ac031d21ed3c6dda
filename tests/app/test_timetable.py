"""A deadline is divided so that everything fits, whatever the data and the machine."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evonas.app.config import SearchConfig
from evonas.app.timetable import ETA, MOST_EPOCHS, SHORTEST, Timetable, process_age, refuse_too_short, seconds
from evonas.core.errors import DeadlineTooShort, EvonasError


@given(
    st.floats(1, 1e6), st.floats(0, 100), st.integers(2, 10**7), st.floats(1, 1e6), st.floats(1, 10)
)  # fmt: skip
def test_the_parts_fit_into_the_deadline(deadline, before, images, speed, busy):
    try:
        found = Timetable.make(deadline, before, images, speed, busy)
    except EvonasError:
        assume(False)
    assert found.before + found.search + found.final + found.writing == pytest.approx(deadline)
    assert min(found.search, found.final, found.writing) > 0
    assert list(found.fidelities) == sorted(found.fidelities)
    assert found.fidelities[-1] <= 1
    lowest = found.final * found.fidelities[0]
    assert lowest >= 0.99 * SHORTEST or found.fidelities[0] == 1
    assert 2 * lowest <= 1.01 * found.search
    assert found.final <= max(MOST_EPOCHS * images / speed, 4 * SHORTEST) * 1.01
    for low, high in pairwise(found.fidelities):
        assert high == pytest.approx(ETA * low)
    assert Timetable.from_record(found.record()) == found


def said(error):
    """The seconds that a refusal asks for."""
    return seconds(str(error).partition("give ")[2].removesuffix(" or more").replace("min", "m"))


def test_the_least_that_is_said_is_enough():
    for images, speed in ((100, 50.0), (10_000, 2000.0), (60_000, 500.0)):
        with pytest.raises(EvonasError, match=r"--deadline 3 is too short for these data on this machine; give") as e:
            Timetable.make(3, 2.0, images, speed)
        assert Timetable.make(said(e.value), 2.0, images, speed)


def test_a_busy_machine_has_more_time_for_the_files_and_less_often_a_program():
    free, busy, busier = (Timetable.make(60, 5, 10_000, 2000, factor) for factor in (1, 2, 6))
    assert free.writing == busy.writing == pytest.approx(7 + 0.02 * 60)
    assert busier.writing == pytest.approx(12 + 0.02 * 60)
    assert (free.program, busy.program, busier.program) == (5, 10, 30)
    before = {key: value for key, value in free.record().items() if key != "busy"}
    assert Timetable.from_record(before) == free, "runs of earlier versions have no such figure"


@pytest.mark.parametrize("before", [0, 3.5, 100])
def test_what_is_too_short_for_anything_is_refused_without_data(before):
    with pytest.raises(DeadlineTooShort, match="give ") as found:
        refuse_too_short(before + 11, before)
    refuse_too_short(said(found.value), before)


def test_more_time_is_the_search_s():
    found = Timetable.make(240, 5, 10_000, 2000)
    later = found.until(300)
    assert later.search == pytest.approx(found.search + 60)
    assert later.final == found.final
    assert later.deadline == 300


@pytest.mark.parametrize(
    ("text", "value"),
    [("90", 90), ("90s", 90), ("10m", 600), ("10 m", 600), ("1h30m", 5400), ("1.5h", 5400), (" 2m 5s ", 125)],
)
def test_durations(text, value):
    assert seconds(text) == value
    assert SearchConfig.make({"deadline": text}).deadline == value


@pytest.mark.parametrize(
    "text", ["", "m", "ten", "10 minutes", "-5", "0", "1d", "nan", "inf", "1e3", "1.2.3", "1h30", "1m30", "."]
)
def test_what_is_no_duration_is_refused_in_one_line(text):
    with pytest.raises(EvonasError, match="--deadline") as raised:
        SearchConfig.make({"deadline": text})
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("other", [{"seconds": 5}, {"epochs": 3}, {"inherit": True}, {"stop_early": 0.5}])
def test_what_a_deadline_divides_is_not_given_besides(other):
    with pytest.raises(EvonasError, match="exclude one another"):
        SearchConfig.make({"deadline": 60, **other})


def test_the_age_of_this_process():
    assert 0 < process_age() < 86_400
