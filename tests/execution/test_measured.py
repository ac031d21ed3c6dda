"""What was measured of a network is not measured again: when it rises, by other workers, by a search that goes on."""

from itertools import count

import pytest

from evonas.core.types import Candidate, Evaluation, Trial
from evonas.execution.measured import MeasuredOnce
from evonas.execution.processes import Processes, Serial
from tests.toys import TASK


class Clock:
    """Each measurement gives another number."""

    def __init__(self):
        self.numbers = count(1)

    def __call__(self, candidate, task, seed):
        found = candidate.known or {"latency_ms": float(next(self.numbers))}
        return Evaluation(candidate, {"val_accuracy": 0.5, **found}, 0.0, "ok" if candidate.known else "absent")


def measured(executor, *candidates):
    return [executor.submit(one, TASK, 0).result(60).metrics["latency_ms"] for one in candidates]


@pytest.mark.parametrize("make", [Serial, lambda clock: Processes([clock] * 2)], ids=["serial", "processes"])
def test_once_for_all_trainings_of_a_network(make):
    with MeasuredOnce(make(Clock()), ["latency_ms"], lambda genome: genome[0]) as executor:
        first = measured(executor, Candidate((0, "plain")), Candidate((1, "plain")))
        again = measured(executor, Candidate((0, "varied"), 0.3, ((0, "plain"),), "promoted"), Candidate((1, "plain")))
    assert again == first


def test_a_search_that_goes_on_knows_what_it_measured():
    before = Trial("run", 0, 0, Evaluation(Candidate((0,)), {"latency_ms": 40.0}, 0.0, "absent"))
    failed = Trial("run", 1, 1, Evaluation.failure(Candidate((1,)), "no luck"))
    with MeasuredOnce(Serial(Clock()), ["latency_ms"], lambda genome: genome, [before, failed]) as executor:
        assert executor.slots == 1
        assert measured(executor, Candidate((0,)), Candidate((1,)), Candidate((1,))) == [40.0, 1.0, 1.0]
        assert executor.submit(Candidate((0,)), TASK, 0).result().ok


def test_what_is_known_is_no_part_of_a_candidate():
    assert Candidate((0,), known={"latency_ms": 1.0}) == Candidate((0,))
    assert hash(Candidate((0,), known={"latency_ms": 1.0})) == hash(Candidate((0,)))
