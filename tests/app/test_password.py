"""The password of an archive's database is nowhere to be read: not on the screen, in files, or in the archive."""

# ruff: noqa: F401, F811  (fixtures are imported)

import os
import subprocess
import sys
from pathlib import Path

import sqlalchemy as sa
from typer.testing import CliRunner

from evonas.app.cli import app
from tests.postgresql import PASSWORD, needed, server, url

pytestmark = needed
OPTIONS = ("--data", "digits", "--train-size", "100", "--epochs", "1", "--trials", "1", "--name", "one", "--out", "out")
READS = (
    ("runs", "list"),
    ("runs", "show", "one", "--json"),
    ("runs", "show", "nobody"),
    ("report", "one"),
    ("memory", "list", "--json"),
    ("memory", "export", "m.parquet"),
    ("memory", "forget", "nothing", "--yes"),
    ("surrogate", "fit", "--encoding", "macro"),
    ("runs", "delete", "nobody", "--yes"),
)


def test_a_search_and_all_that_reads_it_keep_the_password(url, tmp_path, monkeypatch):
    assert PASSWORD in url
    monkeypatch.chdir(tmp_path)
    command = [str(Path(sys.executable).with_name("evonas")), "search", *OPTIONS, "--archive", url]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = {"search": done.stdout + done.stderr}
    for words in READS:
        result = CliRunner().invoke(app, [*words, "--archive", url])
        said[" ".join(words)] = f"{result.output} {result.exception}"
    assert "one" in said["runs list"]
    assert "there are 'one'" in said["runs show nobody"]
    for words, text in said.items():
        assert PASSWORD not in text, words
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert {"report.html", "result.json", "m.parquet"} <= {path.name for path in files}
    for path in files:
        assert PASSWORD.encode() not in path.read_bytes(), path
    with sa.create_engine(url).connect() as connection:
        for table in ("runs", "tasks", "evaluations"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            assert PASSWORD not in str(rows)
        assert ":***@" in str(connection.exec_driver_sql("SELECT command, config FROM runs").all())
