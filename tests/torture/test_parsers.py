"""Broken input to every parser of the table: it is read, or refused in a line; nothing else ever."""

from __future__ import annotations

import random
import tempfile
import warnings
from functools import cache
from pathlib import Path

import pytest

from tests.torture.counted import counted
from tests.torture.mutations import changed
from tests.torture.parsers import READ, TABLE, Opened, Parser

PARSERS = pytest.mark.parametrize("parser", TABLE, ids=lambda one: one.name.replace(" ", "-"))
_folders = tempfile.TemporaryDirectory(prefix="evonas-broken-")


@cache
def opened(parser: Parser) -> Opened:
    """Its neighbours and seeds are made once. What is valid is read: otherwise the changes would say nothing, for all
    would be refused for another reason."""
    found = parser.opened(Path(_folders.name) / f"{TABLE.index(parser)}" / "in")
    assert READ in [found.tried(seed) for seed in found.seeds]
    return found


@pytest.fixture(autouse=True)
def _alone(monkeypatch, tmp_path):
    """No archive of anybody's, and warnings, which are not of interest here, go nowhere."""
    monkeypatch.setenv("EVONAS_ARCHIVE", str(tmp_path / "archive.db"))
    monkeypatch.chdir(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@PARSERS
@counted("broken input", quick=12, share=200, full=10_000, part=2500)
def test_broken_input_is_read_or_refused(parser, times, tally):
    tally.fault = f"broken input: {parser.name}"
    for seed in times:
        given = changed(random.Random(f"{parser.name} {seed}"), opened(parser).seeds, parser.kinds)
        try:
            tally(opened(parser).tried(given))
        except BaseException as error:
            raise AssertionError(f"try {seed} of {parser.name!r}: {given[:3000]!r}") from error
