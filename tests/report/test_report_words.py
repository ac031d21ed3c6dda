"""Genomes and errors on a line."""

from hypothesis import given
from hypothesis import strategies as st

from evonas.report import words


@given(st.text(), st.integers(3, 40))
def test_a_shortened_text_keeps_its_ends(text, width):
    short = words.shorten(text, width)
    whole = " ".join(text.split())
    assert len(short) <= width
    assert short == whole or (short[0] == whole[0] and short[-1] == whole[-1])


def test_the_reason_of_an_error():
    assert words.reason("Traceback (most recent call last):\n  File 'x'\nValueError: NaN\n") == "ValueError: NaN"
    assert words.reason("\nno room\nmore") == "no room"
    assert words.reason(None) == words.reason(" \n") == "no reason was given"
