"""`docs/others.md` is run as it stands."""

from importlib.util import find_spec
from typing import Any

import pytest

from evonas.memory.archive import Archive
from tests.docs.blocks import blocks_of, run_page


@pytest.mark.thorough
@pytest.mark.skipif(not find_spec("ConfigSpace"), reason="ConfigSpace is not installed")
def test_the_page_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVONAS_ARCHIVE", str(tmp_path / "archive.db"))
    page: dict[str, Any] = {"__name__": "others_page"}
    run_page([one for one in blocks_of("docs/others.md") if one.language == "python" and not one.title], tmp_path, page)
    runs = Archive(tmp_path / "archive.db").runs()
    assert [run.status for run in runs] == ["done"] * 3
    assert 1 <= dict(page["found"]["genome"])["depth"] <= 3
    assert page["digits"].class_names == ("kind 0", "kind 1", "kind 2")
    assert page["network"].predict(page["x"]).shape == page["y"].shape
