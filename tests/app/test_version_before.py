"""A run of the version before is resumed and reported as it was."""

import json
import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from evonas.app.cli import app
from evonas.app.job import resume
from evonas.memory.archive import Archive

V1 = Path(__file__).parents[1] / "memory" / "archive_v1.sql"


@pytest.fixture
def archive(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    connection = sqlite3.connect("v1.db")
    connection.executescript(V1.read_text(encoding="utf-8"))
    connection.close()
    return tmp_path / "v1.db"


def test_it_goes_on_where_it_stopped(archive, tmp_path):
    result = resume("first", archive=str(archive), trials=5)
    assert result["trials"] == 5
    trials = Archive(archive).trials("first")
    assert [t.evaluation.candidate.genome for t in trials[:3]] == [
        "|skip_connect~0|+|none~0|none~1|+|skip_connect~0|avg_pool_3x3~1|none~2|",
        "|nor_conv_1x1~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|nor_conv_1x1~0|skip_connect~1|avg_pool_3x3~2|",
        "|skip_connect~0|+|none~0|avg_pool_3x3~1|+|nor_conv_1x1~0|avg_pool_3x3~1|nor_conv_3x3~2|",
    ]
    assert [t.number for t in trials] == [0, 1, 2, 3, 4]
    assert len({t.evaluation.candidate.genome for t in trials}) == 5
    assert json.loads((tmp_path / "first" / "result.json").read_text())["trials"] == 5
    assert Archive(archive).run("first").config["out"] == str(tmp_path / "first")


def test_it_is_reported(archive, tmp_path):
    done = CliRunner().invoke(app, ["report", "second", "--archive", str(archive)])
    assert done.exception is None, done.exception
    text = (tmp_path / "second" / "report.html").read_text(encoding="utf-8")
    for shown in (
        "[2, 32, 5, 2, 0, 2, 1, 32, 5, 1, 0, 1, 1, 24, 3, 1, 0, 2]",
        "10.03",
        "12.1",
        "archive v1.db",
        "2.307",
    ):
        assert shown in text, shown


def test_one_that_has_nothing_left_to_do_says_what_it_had(archive, tmp_path):
    (tmp_path / "first").mkdir()
    had = Archive(archive).run("first").result
    (tmp_path / "first" / "result.json").write_text(json.dumps(had))
    done = CliRunner().invoke(app, ["resume", "first", "--archive", str(archive)])
    assert done.exception is None, done.exception
    assert "test accuracy 11.42 %  validation accuracy 12.00 %  5,606 parameters  3 trials (0 failed)" in done.output
    assert done.output.strip().endswith("first: result.json")
