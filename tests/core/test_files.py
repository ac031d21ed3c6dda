"""Files are whole or not there."""

import multiprocessing
import os
import signal
import stat

import pytest

from evonas.core import files
from evonas.core.files import all_whole, unfinished_in, whole, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_they_take_their_places_at_the_end(tmp_path):
    with all_whole(tmp_path / "new", "a.txt", "sub/b.txt", "folder") as made:
        (made / "a.txt").write_text("a")
        (made / "sub" / "b.txt").write_text("b")
        (made / "folder").mkdir()
        (made / "folder" / "c.txt").write_text("c")
        assert names(tmp_path / "new") == [made.name]
    assert names(tmp_path / "new") == ["a.txt", "folder", "sub"]
    assert (tmp_path / "new" / "sub" / "b.txt").read_text() == "b"
    assert (tmp_path / "new" / "folder" / "c.txt").read_text() == "c"


def write_both(folder, texts):
    with all_whole(folder, "a.txt", "b.txt") as made:
        for name, text in texts.items():
            (made / name).write_text(text)


def test_with_an_exception_what_was_there_stays(tmp_path):
    write_text(tmp_path / "a.txt", "before")
    for written in ({"a.txt": "after", "b.txt": 1}, {"a.txt": "after"}):  # one is no text; one is not there at all
        with pytest.raises((TypeError, FileNotFoundError)):
            write_both(tmp_path, written)
    assert names(tmp_path) == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "before"


def test_what_is_written_is_on_the_disk_before_it_takes_its_place(tmp_path, monkeypatch):
    done, sync, replace = [], os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda it: (done.append(stat.S_ISDIR(os.fstat(it).st_mode)), sync(it)))
    monkeypatch.setattr(os, "replace", lambda *it: (done.append("replaced"), replace(*it)))
    write_text(tmp_path / "a.txt", "a")
    assert done == [False, "replaced", True]


def test_a_link_stays_one(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "real" / "a.txt")
    write_text(tmp_path / "link.txt", "a")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real" / "a.txt").read_text() == "a"


def cut_off(path):
    with whole(path) as unfinished:
        unfinished.write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_process_leaves_what_gc_finds(tmp_path):
    write_text(tmp_path / "a.txt", "before")
    process = multiprocessing.get_context("spawn").Process(target=cut_off, args=(tmp_path / "a.txt",))
    process.start()
    process.join()
    assert (tmp_path / "a.txt").read_text() == "before"
    (left,) = unfinished_in(tmp_path)
    assert left.parent.name.startswith(files.UNFINISHED)
