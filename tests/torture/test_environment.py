"""A machine as it may be: locked, shared, without a home, with a clock that is set back. Nobody sees a
traceback, and nothing that was finished is lost."""

import contextlib
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import time

import pytest

from evonas.core.errors import EvonasError
from evonas.memory import connections
from evonas.memory.archive import Archive
from tests.torture import toy
from tests.torture.command import SEARCH
from tests.torture.counted import counted
from tests.torture.processes import SANE, archive_of, only_root, refused


@counted("archive removed under a search", quick=0, share=2, full=10)
def test_an_archive_removed_under_a_search(times, tally, tmp_path, commands):
    for seed in times:
        folder = tmp_path / str(seed)
        folder.mkdir()
        words = [*SEARCH, "--name", "r", "--trials", "60"]
        started = commands.start(*words, cwd=folder, **archive_of(folder))
        while f"trial {3 + seed % 5}/" not in started.said:
            time.sleep(0.02)
        for path in folder.glob("archive.db*"):
            path.unlink(missing_ok=True)
        line = refused(started, started.wait())
        said = started.said.count("\ntrial ")
        saved = folder / "archive.db.saved"
        assert str(saved) in line
        assert len(Archive(saved).trials("r")) >= said >= 3
        os.rename(saved, folder / "archive.db")
        commands.start("resume", "r", "--trials", str(said + 2), cwd=folder, **archive_of(folder)).finish()
        tally("saved, and goes on")


# --- others at the same archive


@counted("archive locked by another process", quick=2, share=6, full=20)
def test_a_locked_archive(times, tally, tmp_path, monkeypatch):
    """For less than its patience it waits; for longer it says so, in one line."""
    for seed in times:
        path = tmp_path / f"{seed}.db"
        Archive(path).make()
        patience, longer = 0.6, seed % 2
        monkeypatch.setattr(connections, "PATIENCE", patience)
        archive = Archive(path)
        with contextlib.closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
            other.execute("BEGIN IMMEDIATE")
            began = time.monotonic()
            if longer:
                with pytest.raises(EvonasError, match="database is locked"):
                    archive.add_run(toy.RECORD)
                assert time.monotonic() - began >= patience
            else:
                import threading

                threading.Timer(0.2, lambda: other.execute("ROLLBACK")).start()
                archive.add_run(toy.RECORD)
                assert time.monotonic() - began >= 0.15
                assert [run.name for run in archive.runs()] == [toy.NAME]
        tally("says so" if longer else "waits")


@counted("archive locked for 30 s and longer under a search", quick=0, share=1, full=2)
def test_an_archive_that_is_locked_for_long(times, tally, tmp_path, commands, done):
    folder = tmp_path / "copy"
    shutil.copytree(done, folder)
    for seed in times:
        with contextlib.closing(sqlite3.connect(folder / "archive.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            started = commands.start(*SEARCH, "--name", f"q{seed}", cwd=folder, **archive_of(folder))
            time.sleep(25 if seed else 0)
            if seed:
                other.execute("ROLLBACK")
            code = started.wait()
            if not seed:
                assert "database is locked" in refused(started, code)
            else:
                assert code == 0
        tally("waits" if seed else "says so")


TOGETHER = 8


@counted("eight processes that write one archive at once", quick=1, share=4, full=20)
def test_eight_at_one_archive(times, tally, tmp_path, toys):
    whole = toy.what(toy.search(60))
    for seed in times:
        folder = tmp_path / str(seed)
        folder.mkdir()
        path, names = folder / "archive.db", [f"run-{i}" for i in range(TOGETHER)]
        number = 60 if seed else 15
        for started in [toys.start(path, number, 0.0, 6, name, cwd=folder) for name in names]:
            started.finish()
        archive = Archive(path)
        assert archive.counts() == dict.fromkeys(names, number)
        for name in names:
            assert toy.what(archive.trials(name)) == whole[:number]
        tally("all of all")


NOBODY = "65534"


@only_root
@counted("two users of one archive", quick=3, share=3, full=9)
def test_two_users(times, tally, open_folder, toys):
    """One who may write writes beside the other; one who may not is told so, and reads."""
    for seed in times:
        kind, path = seed % 3, open_folder / f"{seed}.db"
        Archive(path).make()
        path.chmod(0o644 if kind == 2 else 0o666)  # which SQLite's files beside it get too
        toys.start(path, 20, 0.0, 6, "mine", cwd=open_folder).finish()
        mine = toys.start(path, 60, 0.01, 6, "mine-too", cwd=open_folder) if kind == 1 else None
        if mine is not None:  # both at once
            while not mine.said:
                time.sleep(0.01)
        theirs = toys.start(path, 20, 0.0, 6, "theirs", cwd=open_folder, TORTURE_USER=NOBODY)
        code = theirs.wait()
        if kind == 2:
            assert code == 1
            assert "cannot be written" in theirs.complained.splitlines()[-1]
        else:
            assert code == 0, theirs.complained
        reads = toys.start(path, 0, 0.0, 6, "mine", cwd=open_folder, TORTURE_USER=NOBODY)
        assert reads.finish().strip() == "20"
        if mine is not None:
            mine.finish()
        wanted = {"mine": 20} | ({} if kind == 2 else {"theirs": 20}) | ({"mine-too": 60} if kind == 1 else {})
        assert Archive(path).counts() == wanted
        tally(("writes too", "both write at once", "reads, and is told that it cannot write")[kind])


# --- clocks, folders, consoles


@counted("clock set back, and a change to daylight saving time", quick=0, share=2, full=6)
def test_a_clock_that_is_set_back(times, tally, tmp_path, commands):
    for seed in times:
        folder = tmp_path / str(seed)
        folder.mkdir()
        words = [*SEARCH, "--name", "r"]
        if seed % 2:
            words = ["search", "--data", "digits", "--deadline", "15s", "--train-size", "200", "--name", "r"]
        began = time.monotonic()
        odd = {"TORTURE_CLOCK": "1", "TZ": "CET-1CEST,J1/0,J365/23"}
        started = commands.start(*words, cwd=folder, **odd, **archive_of(folder))
        started.finish()
        if seed % 2:
            assert time.monotonic() - began < 15 + 10
        trials = Archive(folder / "archive.db").trials("r")
        assert all(trial.elapsed >= 0 <= trial.evaluation.seconds < 60 for trial in trials)
        assert [trial.elapsed for trial in trials] == sorted(trial.elapsed for trial in trials)
        values = json.loads((folder / "runs" / "r" / "result.json").read_text())
        assert 0 <= values["seconds"] < 60
        assert all(value is None or value >= 0 for value in values["cost"].values())
        tally("no time is negative")


NO_HOME = dict.fromkeys(("XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"))
ODD = {
    "TMPDIR missing": {"TMPDIR": "/nonexistent"},
    "TMPDIR not writable": {"TMPDIR": "/proc"},
    "HOME unset": {"HOME": None, **NO_HOME},
    "HOME missing": {"HOME": "/nonexistent", **NO_HOME},
    "HOME not writable": {"HOME": "/proc", **NO_HOME},
    "console of ASCII": {"PYTHONIOENCODING": "ascii", "LANG": "C", "LC_ALL": "C"},
    "console of Latin-1": {"PYTHONIOENCODING": "latin-1", "LANG": "C"},
    "TERM unset, 20 columns": {"TERM": None, "COLUMNS": "20"},
}
ASKED = (("runs", "show", "r"), ("runs", "list"), ("report", "r"), ("doctor",), ("memory", "list"), ("plugins",))


@counted("no home, no temporary folder, a poor console", quick=0, share=8, full=56, part=28)
def test_an_odd_environment(times, tally, tmp_path, commands, done):
    folder = tmp_path / "copy"
    shutil.copytree(done, folder)
    for seed in times:
        name = list(ODD)[seed % len(ODD)]
        number = seed // len(ODD)
        words = (*SEARCH, "--name", f"q{seed}") if number == 0 else ASKED[number - 1]
        started = commands.start(*words, cwd=folder, **{**archive_of(folder), **ODD[name]})
        code = started.wait()
        assert code in SANE, started.complained
        assert "Traceback" not in started.complained
        assert code == 0 or words == ("doctor",), started.complained
        assert number or started.said.count("\ntrial ") == 8
        tally(name)


@counted("home missing, and no archive named", quick=0, share=1, full=1)
def test_no_place_for_an_archive(times, tally, tmp_path, commands):
    for _ in times:
        odd = {"HOME": "/nonexistent/at/all", **NO_HOME, "EVONAS_ARCHIVE": None}
        started = commands.start(*SEARCH, cwd=tmp_path, **{**odd, "XDG_DATA_HOME": "/proc/none"})
        assert "cannot make a folder for the archive" in refused(started, started.wait())
        tally("refused in a line")


PIPED = ("runs list", "--help", "runs show run", "runs show run --json", "plugins", "memory list", "runs list --json")


@counted("a reader that leaves, `head -1`", quick=1, share=7, full=21)
def test_a_reader_that_leaves(times, tally, tmp_path):
    toy_archive = tmp_path / "archive.db"
    with contextlib.redirect_stdout(None):
        toy.main(str(toy_archive), "300", "0")
    evonas = f"{shlex.quote(sys.executable)} -m evonas.app.cli"
    environment = {**os.environ, "EVONAS_ARCHIVE": str(toy_archive)}
    for seed in times:
        line = f"{evonas} {PIPED[(seed + 2) % len(PIPED)]} | head -1; exit ${{PIPESTATUS[0]}}"
        ended = subprocess.run(["bash", "-c", line], capture_output=True, text=True, env=environment)
        assert ended.returncode == 0, ended
        assert ended.stderr == ""
        assert len(ended.stdout.splitlines()) == 1
        tally("exit code 0, and not a word")
