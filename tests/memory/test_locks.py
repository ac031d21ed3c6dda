"""One process at a time works on a run, however it ends, and leaves no file behind."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from evonas.core.errors import EvonasError, NameTaken
from evonas.core.types import Candidate, Evaluation, Task, Trial
from evonas.memory import locks
from evonas.memory.archive import Archive, RunRecord
from evonas.memory.locks import delete_runs, is_running, sole_owner, status

TASK = Task("digits", (1, 8, 8), 10)
HOLDS = """
import sys
from evonas.memory.archive import Archive
from evonas.memory.locks import sole_owner
with sole_owner(Archive(sys.argv[1]), sys.argv[2]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def archive(tmp_path):
    return filled(tmp_path / "a.db")


def filled(path):
    made = Archive(path)
    for name in ("one", "two"):
        made.add_run(RunRecord(name, TASK, "cell", "aging"))
        made.append(Trial(name, 0, 0, Evaluation(Candidate("x"), {})))
    return made


@pytest.fixture
def other_process(archive):
    """Another process that works on run 'one'."""
    with holding(archive) as process:
        yield process


@contextmanager
def holding(archive):
    command = [sys.executable, "-c", HOLDS, archive.where, "one"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def lock_files(folder):
    return sorted(path.name for path in folder.iterdir() if "lock" in path.name)


def test_nobody_else_works_on_it_and_others_are_free(archive, other_process, tmp_path):
    assert lock_files(tmp_path) == ["a.db@one.lock"]
    with pytest.raises(NameTaken, match="'one' is running already, in another process"), sole_owner(archive, "one"):
        pass
    assert is_running(archive, "one")
    assert status(archive, "one", "running") == "running"
    with sole_owner(archive, "two"):
        assert is_running(archive, "two")
    other_process.communicate("")
    assert not is_running(archive, "one")
    assert lock_files(tmp_path) == []


def test_a_killed_run_is_interrupted_and_can_be_resumed(archive, other_process, tmp_path):
    other_process.send_signal(signal.SIGKILL)
    other_process.wait()
    assert status(archive, "one", "running") == "interrupted"
    assert [status(archive, "one", said) for said in ("done", "interrupted")] == ["done", "interrupted"]
    with sole_owner(archive, "one"):
        pass
    assert lock_files(tmp_path) == []


def test_a_running_run_is_not_deleted(archive, other_process):
    with pytest.raises(EvonasError, match="'one' is running, so nothing was deleted"):
        delete_runs(archive, ["two", "one"])
    assert archive.counts() == {"one": 1, "two": 1}
    other_process.communicate("")
    assert delete_runs(archive, ["two", "one"]) == 2
    assert archive.runs() == []
    with pytest.raises(EvonasError, match="no run named 'one'"):
        delete_runs(archive, ["one"])


def test_one_archive_by_two_paths_has_one_lock(archive, tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "link.db").symlink_to(tmp_path / "a.db")
    with sole_owner(archive, "one"):
        assert is_running(Archive(tmp_path / "sub" / "link.db"), "one")
        assert is_running(Archive(tmp_path / "sub" / ".." / "a.db"), "one")


def test_odd_names_have_locks_too(archive, tmp_path):
    for name in ("../x", "ü", "a b", "x" * 300, "\udcff", ".."):
        with sole_owner(archive, name):
            assert is_running(archive, name)
        assert not is_running(archive, name)
    assert lock_files(tmp_path) == []
    assert not is_running(archive, "one")


def test_a_file_that_is_removed_while_it_is_opened_is_no_lock(archive, monkeypatch):
    """Another process's release and a third one's lock fall between our opening of the file and our locking it."""
    opened = locks._opened
    third = ExitStack()

    def late(path, create):
        descriptor = opened(path, create)
        monkeypatch.setattr(locks, "_opened", opened)
        path.unlink()
        third.enter_context(sole_owner(archive, "one"))
        return descriptor

    monkeypatch.setattr(locks, "_opened", late)
    with third, pytest.raises(NameTaken), sole_owner(archive, "one"):
        pass


def test_a_database_by_url_has_its_locks_in_the_users_state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    archive = Archive(tmp_path / "a.db")
    archive.where, archive.file = "postgresql://me:***@host/db", None  # no server is asked for a lock
    with sole_owner(archive, "one"):
        assert is_running(archive, "one")
        assert len(lock_files(tmp_path / "state" / "evonas" / "locks")) == 1
    assert lock_files(tmp_path / "state" / "evonas" / "locks") == []
    assert status(archive, "one", "running") == "running"  # perhaps on another machine


ANOTHER = """
import os, sys
from evonas.core.errors import EvonasError
from evonas.memory.archive import Archive
from evonas.memory.locks import is_running, sole_owner
os.setgroups([]); os.setgid(65534); os.setuid(65534)
archive = Archive(sys.argv[1])
print(is_running(archive, "one"))
try:
    with sole_owner(archive, "one"):
        print("had")
except EvonasError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root can play another user")
@pytest.mark.parametrize(("mode", "right"), [(0o644, ["False", "had"]), (0o600, ["True", "EvonasError"])])
def test_another_users_lock_file(open_folder, mode, right):
    """What a killed run of another user left: taken over where it can be looked at, else named in one line."""
    archive = filled(open_folder / "a.db")
    archive.close()
    Path(archive.where).chmod(0o666)
    lock = open_folder / "a.db@one.lock"
    lock.touch()
    lock.chmod(mode)
    said = as_another_user(archive)
    assert [line.split()[0] for line in said] == right
    if mode == 0o600:
        assert f"{str(lock)!r}: Permission denied" in said[1]
    else:
        assert not lock.exists()


@pytest.mark.skipif(sys.platform == "win32" or os.getuid() != 0, reason="only root can play another user")
def test_another_users_running_run(open_folder):
    archive = filled(open_folder / "a.db")
    with holding(archive):
        for path in open_folder.iterdir():
            path.chmod(0o666)
        (open_folder / "a.db@one.lock").chmod(0o644)
        said = as_another_user(archive)
    assert said[0] == "True"
    assert said[1].startswith("NameTaken run 'one' is running already")


def as_another_user(archive):
    done = subprocess.run([sys.executable, "-c", ANOTHER, archive.where], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()
