import subprocess
import sys
import time

import pytest

from evonas.core import plugins
from evonas.core.errors import EvonasError
from evonas.core.trust import given
from evonas.core.types import Candidate, Evaluation
from evonas.execution.processes import Processes, Serial
from tests.toys import TASK, Slow

GOOD, BAD = Candidate((0, 1)), Candidate((3, 1))


def test_serial_evaluates_at_once():
    with Serial(Slow(fault="raise")) as executor:
        assert executor.submit(GOOD, TASK, 0).result().ok
        assert executor.submit(BAD, TASK, 0).result().error == "MemoryError: out of memory"


def test_a_hanging_trial_is_ended_alone():
    with Processes([Slow(fault="hang")] * 2, timeout=1.0) as executor:
        hanging, good = executor.submit(BAD, TASK, 0), executor.submit(GOOD, TASK, 0)
        assert good.result(30).ok
        assert hanging.result(30).error == "timeout: took longer than 1 s"
        assert executor.submit(GOOD, TASK, 0).result(30).ok  # its worker was replaced


def test_a_dead_worker_is_replaced_and_its_trial_tried_once_more():
    with Processes([Slow(fault="die")]) as executor:
        assert executor.submit(BAD, TASK, 0).result(60).error == "worker died twice (exit code 7)"
        assert executor.submit(GOOD, TASK, 0).result(60).ok


def test_leaving_ends_the_workers_at_once():
    start = time.monotonic()
    with Processes([Slow(fault="hang")] * 2) as executor:
        for _ in range(2):
            executor.submit(BAD, TASK, 0)
        time.sleep(0.5)
    assert time.monotonic() - start < 20


def test_an_evaluator_from_a_users_file_reaches_the_worker(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from dataclasses import dataclass\nfrom evonas.core.types import Evaluation\n\n@dataclass\nclass Mine:\n"
        "    def __call__(self, candidate, task, seed):\n        return Evaluation(candidate, {'val_accuracy': 0.25})\n"
    )
    given(f"{tmp_path / 'mine.py'}:Mine")
    mine = plugins.make("evonas.searchers", f"{tmp_path / 'mine.py'}:Mine")
    with Processes([mine]) as executor:
        assert executor.submit(GOOD, TASK, 0).result(30).metrics == {"val_accuracy": 0.25}


@pytest.mark.parametrize("workers", [1, 3])
def test_slots(workers):
    with Processes([Slow()] * workers) as executor:
        assert executor.slots == workers


NOTEBOOK = """
from evonas.core.types import Candidate, Evaluation, Task
from evonas.execution.processes import Processes
class Mine:
    def __call__(self, candidate, task, seed):
        return Evaluation(candidate, {"val_accuracy": 0.5})
"""
START = """
with Processes([Mine()]) as executor:
    print(executor.submit(Candidate((1,)), Task("t", (), 0), 0).result().metrics)
"""


def test_what_only_this_process_knows_is_an_error_at_once(tmp_path):
    done = subprocess.run([sys.executable, "-c", NOTEBOOK + START], capture_output=True, text=True, cwd=tmp_path)
    assert "EvonasError: a worker cannot load the evaluator: AttributeError: " in done.stderr
    assert "put it into a file, or give workers=1" in done.stderr


def test_an_evaluator_that_cannot_be_sent_is_an_error_at_once():
    with Processes([lambda candidate, task, seed: Evaluation(candidate, {})]) as executor:
        future = executor.submit(GOOD, TASK, 0)
        with pytest.raises(EvonasError, match="the evaluator cannot be sent to a worker: .*ickl"):
            future.result(60)


SCRIPT = """
import numpy as np, evonas
x = np.random.default_rng(0).integers(0, 256, (60, 8, 8)).astype(np.uint8)
print("BEGIN", flush=True)
evonas.search(x, np.arange(60) % 2, trials=2, epochs=1, surrogate="none", workers=2, archive="a.db")
print("END", flush=True)
"""


@pytest.mark.thorough
def test_a_script_without_a_guard_leaves_no_phantom_runs(tmp_path):
    from evonas.memory.archive import Archive

    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 1
    assert "END" not in done.stdout
    assert "EvonasError: a worker ended while it started (exit code 1); if a script started the search" in done.stderr
    assert 'under `if __name__ == "__main__":`' in done.stderr
    assert Archive(tmp_path / "a.db").runs() == []
    assert not (tmp_path / "runs").exists()


def test_closing_while_a_worker_starts_waits_for_no_training(tmp_path):
    """The worker is closed before it is there, and 60 s of training must not follow."""
    start = time.monotonic()
    with Processes([Slow(fault="hang")]) as executor:
        future = executor.submit(BAD, TASK, 0)
    assert time.monotonic() - start < 30
    assert future.cancelled() or future.result(1).infrastructure


def test_faults_of_the_infrastructure_are_none_of_the_architecture():
    for error in ("timeout: took longer than 1 s", "worker died twice (exit code 7)", "worker lost: X", "cancelled"):
        assert Evaluation.failure(GOOD, error).infrastructure
    assert not Evaluation.failure(GOOD, "MemoryError: out of memory").infrastructure
    assert not Evaluation(GOOD, {}).infrastructure
