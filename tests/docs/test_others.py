"""`docs/others.md` is run as it stands."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from evonas.memory.archive import Archive

PAGE = Path(__file__).parents[2] / "docs" / "others.md"


@pytest.mark.thorough
@pytest.mark.skipif(not find_spec("ConfigSpace"), reason="ConfigSpace is not installed")
def test_the_page_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVONAS_ARCHIVE", str(tmp_path / "archive.db"))
    page: dict[str, Any] = {"__name__": "others_page"}
    for code in re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
        exec(compile(code, str(PAGE), "exec"), page)
    runs = Archive(tmp_path / "archive.db").runs()
    assert [run.status for run in runs] == ["done"] * 3
    assert 1 <= dict(page["found"]["genome"])["depth"] <= 3
    assert page["digits"].class_names == ("kind 0", "kind 1", "kind 2")
    assert page["network"].predict(page["x"]).shape == page["y"].shape
