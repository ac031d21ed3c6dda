"""An archive is the file that was named, and nobody reads a database's password."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Trial
from evonas.memory.archive import Archive, RunRecord
from evonas.memory.places import shown
from tests.toys import TASK, total

ODD = ["what?", "100%20", "100%", "a#b", "with space", "it's", 'say "hi"', "a&b=c", "naïve", "(1)", "a;b", ":memory:"]


@pytest.mark.parametrize("name", ODD)
def test_the_file_that_was_named(tmp_path, name):
    path = tmp_path / name / f"{name}.db"
    archive = Archive(path)
    archive.make()
    assert archive.where == str(path)
    archive.close()
    assert {p.relative_to(tmp_path).parts[:2] for p in tmp_path.rglob("*") if p.is_file()} == {(name, f"{name}.db")}
    assert Archive(path, read_only=True).runs() == []


def test_a_relative_path_and_a_home_are_the_file_they_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert Archive("sub/a.db").where == str(tmp_path / "sub" / "a.db")
    assert Archive("~/a.db").where == str(tmp_path / "home" / "a.db")
    archive = Archive(f"sqlite:///{tmp_path}/b.db")
    archive.make()
    assert archive.file == tmp_path / "b.db"
    assert (tmp_path / "b.db").is_file()


word = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
secret = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1, max_size=12)


@given(user=word, password=secret.map(lambda text: f"pw{text}x{text}"), rest=word)
def test_no_password_is_shown(user, password, rest):
    text = f"evonas search --archive=postgresql+psycopg://{user}:{password}@host/{rest} --seed 3"
    assert shown(text) == f"evonas search --archive=postgresql+psycopg://{user}:***@host/{rest} --seed 3"


@pytest.mark.parametrize(
    ("text", "right"),
    [
        ("postgresql://host/db?user=me&password=hid&x=1", "postgresql://host/db?user=me&password=***&x=1"),
        ("postgresql://host/db?sslpassword=hid", "postgresql://host/db?sslpassword=***"),
        ("postgresql://me@host:5432/db", "postgresql://me@host:5432/db"),
        ("postgresql://:hid@host/db", "postgresql://:***@host/db"),
        ("sqlite:////home/me/a.db", "sqlite:////home/me/a.db"),
        ("/home/me/a@b:c.db", "/home/me/a@b:c.db"),
    ],
)
def test_what_is_shown(text, right):
    assert shown(text) == right


@pytest.mark.parametrize(
    "url",
    [
        "nosuchdb://me:hid@host/x",
        "postgresql+nosuchdriver://me:hid@host/x",
        "postgresql+psycopg://me:hid@127.0.0.1:1/x",
        "postgresql://me:hid@host:port/x",
        "postgresql://me:h@id@host/x",
    ],
)
def test_a_place_that_cannot_be_used_is_named_without_its_password(url):
    with pytest.raises(EvonasError) as caught:
        Archive(url)
    assert ":***@" in str(caught.value)
    assert "hid" not in str(caught.value)
    assert "id@" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_command_line_shows_no_password_either():
    command = [str(Path(sys.executable).with_name("evonas")), "runs", "list", "--archive", "nosuchdb://me:hid@host/x"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2
    assert "hid" not in done.stdout + done.stderr
    assert "nosuchdb://me:***@host/x" in done.stderr


def test_the_way_to_a_missing_driver_is_said():
    with pytest.raises(EvonasError, match=r"pip install 'evonas\[postgres\]'"):
        Archive("postgresql+pg8000://me:hid@host/x")


def test_who_only_looks_makes_no_archive(tmp_path):
    path = tmp_path / "sub" / "typo.db"
    archive = Archive(path)
    view = archive.as_of(3)
    assert (archive.runs(), archive.counts(), archive.trials(), archive.summary()) == ([], {}, [], [])
    assert archive.unused() == 0
    with pytest.raises(EvonasError, match="no run named 'nosuch' in .*the archive has no runs yet"):
        archive.run("nosuch")
    assert list(tmp_path.iterdir()) == []
    Archive(path).add_run(RunRecord("first", TASK, "toys", "random"))  # another process does
    archive.append(Trial("first", 0, 0, total(Candidate((1,) * 6), TASK, 0), 1.0))
    assert [run.name for run in archive.runs()] == [run.name for run in view.runs()] == ["first"]
    assert Archive(path).counts() == {"first": 1}


def test_several_threads_look_while_the_archive_is_made(tmp_path):
    archive = Archive(tmp_path / "a.db")
    with ThreadPoolExecutor(4) as threads:
        found = [threads.submit(archive.runs) for _ in range(20)]
        Archive(tmp_path / "a.db").make()
        found += [threads.submit(archive.runs) for _ in range(20)]
    assert all(one.result() == [] for one in found)


def test_there_is_no_room_below_a_file(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EvonasError, match=r"cannot make a folder for the archive .*a\.db': Not a directory; give"):
        Archive(tmp_path / "file" / "a.db")
