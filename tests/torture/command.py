"""The command line in a process that has imported all."""

import sys
import tempfile
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

    sys.argv = ["evonas", *words]
    evonas()
