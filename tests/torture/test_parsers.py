"""Broken input to every parser of the table: it is read, or refused in a line; nothing else ever."""

from __future__ import annotations

import importlib.util
import os
import random
import re
import subprocess
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.torture.counted import counted
from tests.torture.mutations import changed
from tests.torture.parsers import READ, TABLE, Opened, Parser

PARSERS = pytest.mark.parametrize("parser", TABLE, ids=lambda one: one.name.replace(" ", "-"))
ROOT = Path(__file__).parents[2]
WHATEVER: Any = list(HealthCheck)
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


@PARSERS
@counted("broken input, Hypothesis", quick=0, share=20, full=500)
def test_hypothesis_finds_no_other(parser, times, tally):
    """The same changes, drawn by Hypothesis, which makes what it finds small."""
    at = opened(parser)

    @settings(max_examples=len(times), database=None, derandomize=True, suppress_health_check=WHATEVER)
    @given(st.randoms(use_true_random=False))
    def holds(rng):
        tally(at.tried(changed(rng, at.seeds, parser.kinds)))

    holds()


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="not installed: pip install atheris")
@PARSERS
@counted("broken input, atheris", quick=0, share=0, full=2000)
def test_a_fuzzer_that_goes_by_coverage_finds_no_other(parser, times, tally, tmp_path):
    places = {f"XDG_{name}_HOME": str(tmp_path) for name in ("CONFIG", "CACHE", "DATA")}
    path = os.pathsep.join([str(ROOT), *(str(ROOT / room) for room in ("surrogates", "benchmarks"))])
    given = {**os.environ, **places, "PYTHONPATH": path, "EVONAS_ARCHIVE": str(tmp_path / "archive.db")}
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    command = [sys.executable, "-m", "tests.torture.coverage_guided", str(tmp_path), parser.name, f"-runs={len(times)}"]
    done = subprocess.run(command, cwd=inside, env=given, capture_output=True, text=True, errors="replace")
    found = [one.read_bytes()[:3000] for one in tmp_path.glob("crash-*")]
    assert (done.returncode, found) == (0, []), done.stderr[-6000:]
    ran = re.search(r"Done (\d+) runs", done.stderr)
    assert ran, done.stderr[-2000:]
    tally("read or refused in words", tried=int(ran[1]))
