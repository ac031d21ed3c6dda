"""A search killed at any moment and resumed evaluates exactly what the uninterrupted one would have."""

import multiprocessing
import random
import time
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from evonas.execution.processes import Serial
from evonas.memory.archive import Archive
from evonas.search.evolution import Evolution
from evonas.search.loop import Budget, run
from tests.app.killed_search import search
from tests.toys import TASK, Digits, Slow, on

TRIALS, SECONDS, KILLS = 300, 0.01, 20
SERVER = multiprocessing.get_context("forkserver")  # imports once what all of them need
SERVER.set_forkserver_preload(["tests.app.killed_search"])


def start(path: Path) -> tuple[BaseProcess, Connection]:
    ours, theirs = SERVER.Pipe(duplex=False)
    process = SERVER.Process(target=search, args=(str(path), TRIALS, SECONDS, theirs))
    process.start()
    theirs.close()
    return process, ours


@pytest.mark.thorough
def test_killed_again_and_again(tmp_path):
    path = tmp_path / "archive.db"
    moments = random.Random(0)
    kills, before = 0, -1
    while True:
        process, says = start(path)
        had = says.recv()
        assert had >= max(before, 0), "a committed trial was lost"
        before = had
        if kills < KILLS:
            # a tenth of a second on average, so that the kills fall all over the run, and some before any trial
            time.sleep(moments.uniform(0.0, 0.2))
            if process.is_alive():
                process.kill()
                kills += 1
        process.join()
        finished = process.exitcode == 0 and says.recv() == "done"
        says.close()
        if finished:
            break
    assert kills >= KILLS
    resumed = Archive(path).trials("run")
    whole = run(Evolution(on(Digits())), Serial(Slow(fault="raise")), TASK, seed=5, budget=Budget(TRIALS)).trials
    assert [t.number for t in resumed] == list(range(TRIALS))

    def what(trials):
        return [(t.evaluation.candidate, t.evaluation.metrics, t.evaluation.status, t.evaluation.error) for t in trials]

    assert what(resumed) == what(whole)
