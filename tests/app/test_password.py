"""The password of an archive's database is nowhere to be read: not on the screen, in files, or in the archive."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from evonas.memory.archive import Archive
from tests.commands import evonas
from tests.postgresql import PASSWORD

OPTIONS = ("--data", "digits", "--train-size", "100", "--epochs", "1", "--trials", "1", "--name", "one", "--out", "out")
LOGGED = ("--log", "evonas.log", "--track", "tensorboard")
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
    ("resume", "one", "--trials", "2", *LOGGED),
    ("resume", "nobody", "--log", "nobody.log"),
    ("search", *OPTIONS[:-4], "--name", "one", "--out", "again", "--log", "again.log"),  # its name is taken
    ("search", *OPTIONS[:-4], "--encoding", "no.py:such", "--log", "wrong.log"),
    ("export", "one", "--out", "taken"),
    ("runs", "gc", "--yes"),
    ("runs", "move", "one", "elsewhere"),
    ("memory", "merge", "other.db"),
    ("doctor",),
)
UNREACHABLE = ("runs", "list"), ("report", "one"), ("search", *OPTIONS, "--log", "lost.log"), ("doctor",)


@pytest.mark.thorough
def test_a_search_and_all_that_reads_it_keep_the_password(url, tmp_path, monkeypatch, caplog):
    assert PASSWORD in url
    pytest.importorskip("tensorboard")
    caplog.set_level("DEBUG")
    monkeypatch.chdir(tmp_path)
    Archive("other.db").make()
    command = [str(Path(sys.executable).with_name("evonas")), "search", *OPTIONS, *LOGGED, "--archive", url]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = {"search": done.stdout + done.stderr}

    def say(*words: str, to: str, where: str = "") -> None:
        done = evonas(*words, "--archive", to, cwd=tmp_path, ok=False)
        said[where + " ".join(words)] = done.stdout + done.stderr
        by_environment = evonas(*words, cwd=tmp_path, ok=False, EVONAS_ARCHIVE=to)
        said[f"{where}EVONAS_ARCHIVE=… {' '.join(words)}"] = by_environment.stdout + by_environment.stderr

    for words in READS:
        say(*words, to=url)
    for what, to in (
        ("wrong", url.replace("me:", "nobody:")),
        ("nothing there", url.replace("/one?", "/two?")),
        ("no server", url.split("?")[0].replace("@/", "@127.0.0.1:1/")),
        ("no driver", url.replace("+psycopg:", "+nosuch:")),
        ("no number", url.split("?")[0].replace("@/", "@127.0.0.1:port/")),
    ):
        for words in UNREACHABLE:
            say(*words, to=to, where=f"{what}: ")
            told = said[f"{what}: {' '.join(words)}"]
            assert len(told.splitlines()) == 1 or words[0] == "doctor", told
    assert "one" in said["runs list"]
    assert "there are 'one'" in said["runs show nobody"]
    said["what is logged"] = "\n".join(record.getMessage() for record in caplog.records)
    for words, text in said.items():
        assert PASSWORD not in text, words
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    there = {path.name for path in files}
    assert {"report.html", "result.json", "m.parquet", "evonas.log", "lost.log", "README.md"} <= there
    assert any(name.startswith("events.out.tfevents") for name in there)
    for path in files:
        assert PASSWORD.encode() not in path.read_bytes(), path
    with sa.create_engine(url).connect() as connection:
        for table in ("runs", "tasks", "evaluations"):
            rows = connection.exec_driver_sql(f"SELECT * FROM {table}").all()
            assert PASSWORD not in str(rows)
        assert ":***@" in str(connection.exec_driver_sql("SELECT command, config FROM runs").all())
