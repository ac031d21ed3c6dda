"""Where an archive may be."""

import pytest


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.thorough)])
def place(request, tmp_path):
    """An empty place: a file that is not there yet, or a database of a server without tables."""
    return str(tmp_path / "archive.db") if request.param == "sqlite" else request.getfixturevalue("url")
