import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evonas.core.errors import EvonasError
from evonas.core.types import Trial
from evonas.execution.clusters import Pool
from evonas.execution.processes import Serial
from evonas.memory.archive import Archive, RunRecord
from evonas.search.evolution import AgingEvolution, Evolution
from evonas.search.loop import Budget, run
from tests.toys import TASK, Digits, Slow, on, total


def evaluations(trials):
    return [(t.number, t.after, t.evaluation) for t in trials]


def search(budget=40, evaluator=total, make=Evolution, seed=3, **options):
    return run(make(on(Digits())), Serial(evaluator), TASK, seed=seed, budget=Budget(budget), **options).trials


@given(stop=st.integers(0, 40), seed=st.integers(0, 100))
@settings(max_examples=15, deadline=None)
@pytest.mark.parametrize("make", [Evolution, AgingEvolution])
def test_resumed_is_as_if_never_stopped(make, stop, seed):
    whole = search(make=make, seed=seed)
    resumed = search(make=make, seed=seed, trials=whole[:stop])
    assert evaluations(resumed) == evaluations(whole)


def test_same_seed_same_search_other_seed_another():
    assert evaluations(search(seed=1)) == evaluations(search(seed=1))
    assert evaluations(search(seed=1)) != evaluations(search(seed=2))


def test_a_failing_evaluator_is_a_failed_evaluation_with_its_reason():
    trials = search(evaluator=Slow(fault="raise"))
    failed = [t.evaluation for t in trials if not t.evaluation.ok]
    assert len(trials) == 40
    assert failed
    assert {e.error for e in failed} == {"MemoryError: out of memory"}
    assert all(e.metrics == {} for e in failed)


def test_an_evaluator_that_returns_nonsense_is_a_failure():
    trials = search(evaluator=lambda c, t, s: 0.5, budget=2)
    assert [t.evaluation.error for t in trials] == ["TypeError: the evaluator returned float, not an Evaluation"] * 2


def test_seconds_end_a_search():
    start = time.monotonic()
    trials = run(Evolution(on(Digits())), Serial(Slow(0.02)), TASK, seed=0, budget=Budget(seconds=0.3)).trials
    assert 1 <= len(trials) <= 16
    assert time.monotonic() - start < 5


def test_seconds_count_what_was_spent_before_an_interruption():
    whole = run(Evolution(on(Digits())), Serial(Slow(0.02)), TASK, seed=0, budget=Budget(seconds=0.2)).trials
    more = run(Evolution(on(Digits())), Serial(total), TASK, seed=0, budget=Budget(seconds=0.2), trials=whole).trials
    assert len(more) == len(whole)


@pytest.mark.parametrize("budget", [{"trials": 0}, {"trials": -3}, {"seconds": 0.0}, {"seconds": float("nan")}])
def test_a_budget_of_nothing_is_refused(budget):
    with pytest.raises(EvonasError, match="nothing to do"):
        Budget(**budget)


def test_absent_architectures_cost_no_trial():
    def table(candidate, task, seed):
        evaluation = total(candidate, task, seed)
        if sum(candidate.genome) % 2:
            return type(evaluation)(candidate, {}, 0.0, "absent", "not in the table")
        return evaluation

    trials = search(evaluator=table)
    assert sum(t.evaluation.status == "ok" for t in trials) == 40
    assert len(trials) > 40


class Recorder:
    def __init__(self):
        self.events = []

    def started(self, task, told):
        self.events.append(("started", len(told)))

    def asked(self, number, candidate):
        self.events.append(("asked", number))

    def told(self, trial):
        self.events.append(("told", trial.number))

    def ended(self, reason):
        self.events.append(("ended", reason))


def test_callbacks_see_everything_in_order(tmp_path):
    recorder = Recorder()
    search(budget=2, callbacks=[recorder])
    assert recorder.events == [
        ("started", 0), ("asked", 0), ("told", 0), ("asked", 1), ("told", 1), ("ended", "the budget is spent"),
    ]  # fmt: skip


def test_a_trial_is_stored_before_it_is_told(tmp_path):
    archive = Archive(tmp_path / "a.db")
    archive.add_run(RunRecord("run", TASK, "toy", "evolution"))

    class Checking(Evolution):
        def tell(self, evaluations):
            stored = Archive(tmp_path / "a.db").trials("run")
            assert stored[-1].evaluation == evaluations[0]
            super().tell(evaluations)

    run(Checking(on(Digits())), Serial(total), TASK, seed=0, budget=Budget(5), store=archive)
    assert len(archive.trials("run")) == 5


def one_slow_one_fast(candidate, task, seed):
    """Of two machines, each a thread."""
    time.sleep(0.6 if threading.current_thread().name == "worker_0" else 0.01)
    return total(candidate, task, seed)


def test_workers_are_kept_busy_and_nobody_waits_for_the_slowest():
    with ThreadPoolExecutor(2, thread_name_prefix="worker") as threads:
        executor = Pool(one_slow_one_fast, workers=2, executor=threads)
        outcome = run(Evolution(on(Digits())), executor, TASK, seed=0, budget=Budget(25))
    assert sorted(t.number for t in outcome.trials) == list(range(25))
    slow = [t for t in outcome.trials if t.evaluation.candidate and t.after + 5 < outcome.trials.index(t)]
    assert slow  # several fast ones came back between the asking and the telling of a slow one


def test_what_was_under_way_in_parallel_is_done_again_on_resume():
    whole = list(search())
    del whole[7]  # was running when the search was killed; later ones had come back before it
    whole = [Trial(t.run, t.number, min(t.after, i), t.evaluation, t.elapsed) for i, t in enumerate(whole)]
    outcome = run(Evolution(on(Digits())), Serial(total), TASK, seed=3, budget=Budget(40), trials=whole)
    assert sorted(t.number for t in outcome.trials) == list(range(40))
    genomes = [Digits().canonical(t.evaluation.candidate.genome) for t in outcome.trials]
    assert len(set(genomes)) == 40


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"trials": "3"}, "trials='3' is not a whole number; give a whole number above 0"),
        ({"trials": 2.5}, "trials=2.5 is not a whole number"),
        ({"trials": 3.0}, "trials=3.0 is not a whole number"),
        ({"trials": True}, "trials=True is not a whole number"),
        ({"trials": float("nan")}, "trials=nan is not a whole number"),
        ({"trials": 0}, "trials=0 leaves nothing to do"),
        ({"trials": -1}, "trials=-1 leaves nothing to do"),
        ({"seconds": "soon"}, "seconds='soon' is not a number; give a number above 0"),
        ({"seconds": float("nan")}, "seconds=nan leaves nothing to do"),
        ({"seconds": np.float64("nan")}, "leaves nothing to do"),
        ({"seconds": [1]}, r"seconds=\[1\] is not a number"),
        ({"seconds": 0.0}, "seconds=0.0 leaves nothing to do"),
    ],
)
def test_a_budget_that_is_none_is_named(options, says):
    with pytest.raises(EvonasError, match=says) as error:
        Budget(**options)
    assert "\n" not in str(error.value)


def test_numpys_numbers_are_a_budget():
    trials: Any = np.int64(3)
    seconds: Any = np.float32(2.0)
    assert Budget(trials, seconds).allows(2, 1.9)
    assert not Budget(trials).allows(3, 0.0)
