import time

import pytest

from evonas.core import plugins
from evonas.core.trust import given
from evonas.core.types import Candidate
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


def test_what_cannot_be_sent_is_a_failure():
    with Processes([lambda c, t, s: None]) as executor:
        assert "ickl" in str(executor.submit(GOOD, TASK, 0).result(30).error)


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
