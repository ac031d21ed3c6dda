"""A search killed at any moment and resumed evaluates exactly what the uninterrupted one would have."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

from evonas.execution.processes import Serial
from evonas.memory.archive import Archive
from evonas.search.evolution import Evolution
from evonas.search.loop import Budget, run
from tests.toys import TASK, Digits, Slow, on

ROOT = Path(__file__).parents[2]
TRIALS, SECONDS, KILLS = 300, 0.01, 20


def start(path: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.app.killed_search", str(path), str(TRIALS), str(SECONDS)]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)


def test_killed_again_and_again(tmp_path):
    path = tmp_path / "archive.db"
    moments = random.Random(0)
    kills, before = 0, -1
    while True:
        process = start(path)
        assert process.stdout is not None
        had = int(process.stdout.readline())
        assert had >= max(before, 0), "a committed trial was lost"
        before = had
        if kills < KILLS:
            # a tenth of a second on average, so that the kills fall all over the run, and some before any trial
            time.sleep(moments.uniform(0.0, 0.2))
            if process.poll() is None:
                process.kill()
                kills += 1
        process.wait()
        finished = process.stdout.read().strip() == "done"
        process.stdout.close()
        if finished:
            break
    assert kills >= KILLS
    resumed = Archive(path).trials("run")
    whole = run(Evolution(on(Digits())), Serial(Slow(fault="raise")), TASK, seed=5, budget=Budget(TRIALS)).trials
    assert [t.number for t in resumed] == list(range(TRIALS))

    def what(trials):
        return [(t.evaluation.candidate, t.evaluation.metrics, t.evaluation.status, t.evaluation.error) for t in trials]

    assert what(resumed) == what(whole)
