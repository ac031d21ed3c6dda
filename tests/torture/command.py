"""The command line in a process that has imported all."""

import itertools
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

TRIALS = 8
SEARCH = (
    "search",
    "--data",
    "digits",
    "--trials",
    str(TRIALS),
    "--epochs",
    "1",
    "--train-size",
    "200",
    "--device",
    "cpu",
)


def warm() -> None:
    """A search, an export and a report, so that whatever is imported late is there."""
    from tests.commands import evonas

    with tempfile.TemporaryDirectory() as folder:
        for words in ((*SEARCH, "--name", "warm"), ("report", "warm"), ("memory", "export", "all.parquet")):
            evonas(*words, cwd=Path(folder))


def main(*words: str) -> None:
    from evonas.app.cli import main as evonas

    if largest := os.environ.pop("TORTURE_LARGEST_FILE", None):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), int(largest)))
    if os.environ.pop("TORTURE_CLOCK", None):
        calls = itertools.count()
        time.tzset()
        right = time.time
        time.time = lambda: right() - 3600 * next(calls)  # set back again and again
    sys.argv = ["evonas", *words]
    evonas()
