"""`docs/own.md` is run as it stands, and its recipes are as short as they say."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from evonas.domains.images import Images
from evonas.memory.archive import Archive
from tests.docs.blocks import blocks_of, run_page

PAGE = Path(__file__).parents[2] / "docs" / "own.md"
SECTION = re.compile(r"^## (.*?)\n.*?^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


def lines(code):
    return [line for line in code.splitlines() if line.strip()]


def test_recipes_are_short():
    recipes = dict(SECTION.findall(PAGE.read_text(encoding="utf-8")))
    assert len(recipes) == 7
    assert len(lines(recipes["Loss and metric"])) <= 4
    assert len(lines(recipes["Evaluator"])) <= 12
    encoding, table = (
        next(one.code for one in blocks_of(f"docs/howto/own-{page}.md") if one.title == title)
        for page, title in (("encoding", "mine.py"), ("table", "mine.toml"))
    )
    assert len([line for line in lines(encoding) if not re.match("from|import", line)]) <= 6
    assert len(lines(table)) <= 8


@pytest.mark.thorough
@pytest.mark.filterwarnings("error::UserWarning:__main__")
def test_the_page_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVONAS_ARCHIVE", str(tmp_path / "archive.db"))
    page: dict[str, Any] = {"__name__": "own_page"}
    run_page([one for one in blocks_of("docs/own.md") if one.language == "python" and not one.title], tmp_path, page)
    runs = {run.name: run for run in Archive(tmp_path / "archive.db").runs()}
    assert len(runs) == 5
    assert {run.status for run in runs.values()} == {"done"}
    found, again, best, photos = (page[name] for name in ("found", "again", "best", "photos"))
    assert -1 <= found["metrics"]["mcc"] <= 1
    assert -1 <= found["quality"]["metrics"]["mcc"] <= 1
    first = Archive(tmp_path / "archive.db").run(again["run"]).config
    assert first["balance"]
    assert first["start"][0]["genome"] == json.loads((found.folder / "genome.json").read_text())["genome"]
    assert best[0] in (5, 10, 20)
    assert isinstance(photos(), Images)
    assert photos().class_names[3] == "digit 3"
