"""Processes to fork from, started once, and a search that has ended."""

import numpy as np
import pytest

from tests.torture.command import SEARCH
from tests.torture.processes import Zygote, archive_of


@pytest.fixture(scope="session")
def toys():
    with Zygote("tests.torture.toy") as zygote:
        yield zygote


@pytest.fixture(scope="session")
def commands():
    with Zygote("tests.torture.command") as zygote:
        yield zygote


@pytest.fixture(scope="session")
def done(commands, tmp_path_factory):
    """A folder with an archive and a run `r`, finished."""
    folder = tmp_path_factory.mktemp("done")
    commands.start(*SEARCH, "--name", "r", cwd=folder, **archive_of(folder)).finish()
    np.save(folder / "x.npy", np.zeros((3, 1, 8, 8), np.float32))
    return folder
