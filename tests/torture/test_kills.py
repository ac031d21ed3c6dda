"""Searches and commands killed at any moment: what was finished is there once, what follows is as without a kill."""

import json
import random
import threading
import time
import zipfile
from pathlib import Path

import pytest

import evonas
from evonas.execution.processes import Processes
from evonas.memory.archive import Archive
from evonas.memory.locks import left_behind, status
from tests.torture import toy
from tests.torture.command import SEARCH, TRIALS
from tests.torture.counted import counted
from tests.torture.outcome import outcome
from tests.torture.processes import KILLED, archive_of
from tests.toys import Slow

SECONDS = 0.002  # of a toy's trial


# --- the driver


@counted("SIGKILL to the driver of a search without trainings", quick=4, share=20, full=200, part=50)
def test_a_driver_killed_again_and_again(times, tally, tmp_path, toys):
    path, moments, before = tmp_path / "archive.db", random.Random(times[0]), []
    number = max(300, 30 * len(times))
    for _ in times:
        # over all of its life, some before any trial
        killed = toys.start(path, number, SECONDS, cwd=tmp_path)
        assert killed.kill(after=moments.uniform(0.0, 0.15)) == KILLED, "it has ended: give it more trials"
        there = what_is_kept(path)
        said = [int(line) for line in killed.said.splitlines() if line]
        assert there[: len(before)] == before, "a committed trial was lost, or is another one"
        assert len(there) >= len(before) + len(said), "a trial that was said to be kept is not"
        assert [number for number, *_ in there] == list(range(len(there)))
        before = there
        tally()
    toys.start(path, number, 0.0, cwd=tmp_path).finish()
    assert what_is_kept(path) == toy.what(toy.search(number))
    archive = Archive(path)
    assert [run.status for run in archive.runs()] == ["done"]
    assert left_behind(archive) == []


def what_is_kept(path):
    if not path.exists() or not path.stat().st_size:
        return []
    archive = Archive(path)
    for run in archive.runs():
        assert status(archive, run.name, run.status) in ("interrupted", "done")
    return toy.what(archive.trials(toy.NAME))


# --- its workers


@counted("SIGKILL to a worker", quick=2, share=20, full=100, part=50)
def test_workers_killed_again_and_again(times, tally, tmp_path):
    """One worker, so that the order is that of the search without kills; each trial is hit once at most."""
    archive, moments = Archive(tmp_path / "archive.db"), random.Random(times[0])
    archive.add_run(toy.RECORD)
    number, kills, told = 10 * len(times), [], threading.Semaphore(0)

    class Told(toy.Says):
        def told(self, trial):
            told.release()

    with Processes([Slow(0.02, fault="raise")]) as executor:
        (worker,) = executor._workers

        def kill():
            told.acquire()
            for _ in times:
                time.sleep(moments.uniform(0.0, 0.1))
                worker._process.kill()
                kills.append(worker._process.pid)
                while told.acquire(blocking=False):
                    pass
                told.acquire()  # perhaps one that had ended before
                told.acquire()  # now the one that was hit is over, and the next kill hits another

        killer = threading.Thread(target=kill, daemon=True)
        killer.start()
        toy.through(executor, number, store=archive, callbacks=[Told()])
        killer.join(10)
    assert len(set(kills)) == len(times)
    assert toy.what(archive.trials(toy.NAME)) == toy.what(toy.search(number))
    tally(tried=len(kills))


# --- a whole search: data, trainings, the final one, the report, the files


@pytest.fixture(scope="module")
def uninterrupted(commands, tmp_path_factory):
    """What it comes to, and how many seconds it takes."""
    folder = tmp_path_factory.mktemp("whole")
    commands.start(*SEARCH, "--name", "r", **at(folder)).finish()
    began = time.monotonic()
    commands.start(*SEARCH, "--name", "s", **at(folder)).finish()
    return outcome(folder), time.monotonic() - began


@counted("SIGKILL to evonas search, at any moment until its last file", quick=0, share=20, full=100, part=20)
def test_a_whole_search_killed(times, tally, tmp_path, commands, uninterrupted):
    """Each is killed twice at most and goes on to its end, then comes the next."""
    wanted, lasts = uninterrupted
    moments, kills, folder = random.Random(times[0]), 0, tmp_path
    before = []
    while kills < len(times):
        if folder == tmp_path or ended(folder):
            folder, before = tmp_path / str(sum(1 for _ in tmp_path.iterdir())), []
            folder.mkdir()
        late = lasts * (0.5 + 0.5 * (kills % 2))  # half of them in its first half, where the trials are
        code = commands.start(*next_words(folder), **at(folder)).kill(after=moments.uniform(0.0, late))
        assert code in (0, KILLED)
        before = as_promised(folder, before)
        if code == KILLED:
            kills += 1
            tally(f"killed {where(before)}")
        elif not before:
            raise AssertionError("it ended without a trial")
        if ended(folder) or kills == len(times) or (code == KILLED and kills % 2 == 0):
            commands.start(*next_words(folder), **at(folder)).finish()
            found = outcome(folder)
            for part in wanted:
                assert found[part] == wanted[part]
            commands.start("runs", "gc", "--yes", **at(folder)).finish()
            assert list((folder / "runs" / "r").glob(".writing-*")) == []


def ended(folder):
    path = folder / "archive.db"
    runs = Archive(path).runs() if path.exists() and path.stat().st_size else []
    return [run.status for run in runs] == ["done"]


def where(trials):
    """What a killed search was at."""
    if not trials:
        return "before its first trial"
    return "between trials" if len(trials) < TRIALS else "in final training, report or files"


def at(folder):
    return {"cwd": folder, **archive_of(folder)}


def next_words(folder):
    """What whoever finds the run so would say."""
    path = folder / "archive.db"
    begun = path.exists() and path.stat().st_size and Archive(path).runs()
    return ("resume", "r") if begun else (*SEARCH, "--name", "r")


def as_promised(folder, before):
    """What is there after a kill: all trials once, and each file whole or not there."""
    path, runs = folder / "archive.db", folder / "runs" / "r"
    if not path.exists() or not path.stat().st_size:
        return before
    archive = Archive(path)
    (run,) = archive.runs() or [None]
    if run is None:
        return before
    assert status(archive, "r", run.status) in ("interrupted", "done")
    trials = archive.trials("r")
    assert trials[: len(before)] == before
    assert [trial.number for trial in trials] == list(range(len(trials)))
    for file in (path for path in runs.glob("*") if path.is_file()):
        whole_file(file)
    if (runs / "genome.json").exists():
        evonas.load(runs)
    if run.status == "done":
        assert {"report.html", "result.json", "genome.json", "model.safetensors"} <= {f.name for f in runs.iterdir()}
    return trials


def whole_file(file: Path) -> None:
    if file.suffix == ".json":
        json.loads(file.read_text(encoding="utf-8"))
    elif file.suffix == ".html":
        assert file.read_text(encoding="utf-8").rstrip().endswith("</html>")
    elif file.suffix == ".pt2":
        with zipfile.ZipFile(file) as held:
            assert held.testzip() is None
