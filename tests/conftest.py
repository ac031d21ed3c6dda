"""What all tests need."""

import os
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

from tests.postgresql import server, url
from tests.torture.counted import LEDGER, pytest_runtest_makereport, table, tally

__all__ = ["pytest_runtest_makereport", "server", "tally", "url"]

# Networks as small as these gain nothing from more threads, and on a busy machine threads wait for each other: half the
# time of all tests. Before anything imports torch, and for what the tests start as well.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# What tests trust is not remembered in the configuration folder of whoever runs them, nor found there.
_config = tempfile.TemporaryDirectory(prefix="evonas-tests-")
os.environ["XDG_CONFIG_HOME"] = _config.name
os.environ["XDG_DATA_HOME"] = f"{_config.name}/data"  # the archive of whoever runs them is not theirs either
os.environ["XDG_CACHE_HOME"] = f"{_config.name}/cache"
os.environ["XDG_STATE_HOME"] = f"{_config.name}/state"

# Where tests that are counted write what came of them, in all processes that test.
os.environ.setdefault(LEDGER, f"{_config.name}/ledger.jsonl")

settings.register_profile("evonas", deadline=None)  # a loaded machine is no failure
settings.load_profile("evonas")


@pytest.fixture
def open_folder():
    """A folder that other users may write to; pytest's own are closed to them."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


def pytest_configure() -> None:
    """Where the tests are a shell's background job Ctrl-C is ignored, and so would what they start ignore it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_terminal_summary(terminalreporter: "pytest.TerminalReporter", config: pytest.Config) -> None:
    """What the counted tests of this run (and those that its ledger has from before) came to."""
    rows = table(Path(os.environ[LEDGER]))
    if rows and "torture" in config.option.markexpr.replace("not torture", ""):
        terminalreporter.section("tried and counted")
        terminalreporter.write_line(rows)
