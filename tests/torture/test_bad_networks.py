"""Networks and other parts of a user's that break, or break what is around them: one failed trial each, and the search
goes on as without it."""

import os
import random
import sys
import time
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from evonas.domains.evaluator import OwnEvaluator, Scored
from evonas.execution.processes import Processes, Serial
from evonas.memory.archive import Archive, RunRecord
from evonas.search.baselines import RandomSearch
from evonas.search.loop import Budget, run
from evonas.training.trainer import TorchTrainer
from tests.torture import faulty
from tests.torture.counted import counted
from tests.torture.faulty import BUILT, CHANGES, ENDS, RAISES, RETURNS, Faulty, Scores
from tests.toys import TASK, on
from tests.training.nets import blobs

TRIALS = 6
TIMED = ("seconds", "peak_memory_mb")


def searched(path, seed, encoding, executor, task=TASK):
    """A random search, whose genomes are the same whatever becomes of them; as the archive has it."""
    archive = Archive(path)
    archive.add_run(RunRecord("run", task, "toy", "random", seed=seed))
    with executor:
        run(
            RandomSearch(on(encoding, task=task)),
            executor,
            task,
            seed=seed,
            budget=Budget(TRIALS),
            store=archive,
            name="run",
        )
    trials = archive.trials("run")
    archive.close()
    return {trial.number: without_times(trial.evaluation) for trial in trials}


def without_times(evaluation):
    metrics = {name: value for name, value in evaluation.metrics.items() if name not in TIMED}
    return replace(evaluation, metrics=metrics, seconds=0.0)


@pytest.fixture(scope="module")
def data():
    return blobs(60)


@pytest.fixture(scope="module")
def healthy(data, tmp_path_factory):
    """What each seed's search comes to without a fault, and which trial's genome is to be the culprit."""
    known = {}

    def search(seed, kind):
        if (seed, kind) not in known:
            path = tmp_path_factory.mktemp("healthy") / "archive.db"
            found = trained(path, seed, data) if kind == "trained" else scored(path, seed)
            assert all(one.ok for one in found.values())
            known[seed, kind] = found, random.Random(seed).randrange(TRIALS - 1)  # one more follows
        return known[seed, kind]

    return search


def trained(path, seed, data, culprit=None, fault=""):
    encoding = Faulty(culprit=culprit, fault=fault)
    trainer = TorchTrainer(encoding, data, epochs=1, batch_size=16, device="cpu")
    return searched(path, seed, encoding, Serial(trainer), data.task)


def scored(path, seed, culprit=None, fault="", executor: Any = Serial):
    evaluator = Scored(OwnEvaluator(Scores(culprit, fault), "score", ""), ["val_accuracy"])
    return searched(path, seed, Faulty(), executor(evaluator))


def one_failed(found, wanted, place, reason):
    """That trial says why it failed, and the others are what they are without it."""
    failed = found.pop(place)
    assert failed.status == "failed"
    assert failed.metrics == {}
    assert failed.candidate == wanted[place].candidate
    assert reason in (failed.error or ""), failed.error
    assert found == {number: one for number, one in wanted.items() if number != place}
    return failed


@pytest.mark.parametrize("fault", RAISES)
@counted("A build that raises, exits, recurses, or takes 100 GB", quick=1, share=4, full=20)
def test_a_build_that_ends_badly(fault, times, tally, tmp_path, data, healthy):
    for seed in times:
        wanted, place = healthy(seed, "trained")
        culprit = wanted[place].candidate.genome
        found = trained(tmp_path / f"{seed}.db", seed, data, culprit, fault)
        failed = one_failed(found, wanted, place, fault)
        assert "faulty.py" in (failed.traceback or "")
        tally(f"failed: {fault.split(':')[0]}")


@pytest.mark.parametrize("fault", BUILT)
@counted("A build that returns no network, or one that gives no logits", quick=1, share=4, full=20)
def test_a_build_that_returns_something_else(fault, times, tally, tmp_path, data, healthy):
    reasons = {
        "nothing": "TypeError: build() returned a NoneType, not a torch.nn.Module",
        "a function": "TypeError: build() returned a builtin_function_or_method, not",
        "too many logits": "gives (1, 5) for 1 input of (1, 6, 6), not logits of shape (1, 3)",
        "too few logits": "gives (1, 1) for",
        "logits with one axis more": "gives (1, 3, 1) for",
        "a list of logits": "gives a list for",
        "NaN": "diverged: the loss is no number",
    }
    for seed in times:
        wanted, place = healthy(seed, "trained")
        found = trained(tmp_path / f"{seed}.db", seed, data, wanted[place].candidate.genome, fault)
        one_failed(found, wanted, place, reasons.get(fault, ": "))
        tally(f"failed: {fault}")


@pytest.fixture
def left():
    """Frees what was leaked."""
    yield
    for one in faulty.held:
        one.set() if hasattr(one, "set") else one.close()
    faulty.held.clear()


@pytest.mark.parametrize("fault", CHANGES)
@counted("A build that changes what all trainings of a process share", quick=1, share=4, full=20)
def test_a_build_that_changes_what_is_around_it(fault, times, tally, tmp_path, data, healthy, left):
    for seed in times:
        wanted, place = healthy(seed, "trained")
        before = around()
        found = trained(tmp_path / f"{seed}.db", seed, data, wanted[place].candidate.genome, fault)
        assert around() == before
        assert found.pop(place).status in ("ok", "failed")  # of that one anything may come
        assert found == {number: one for number, one in wanted.items() if number != place}
        tally(f"the others as without: {fault}")


def around():
    """What a user's code finds, written down by other means than evonas'."""
    return {
        "folder": os.path.realpath("/proc/self/cwd"),
        "environment": {name: os.environ[name] for name in os.environ},
        "filters": [*warnings.filters],
        "streams": (sys.stdout, sys.stderr),
        "numpy": np.geterr(),
        "torch": (torch.ones(1).dtype, torch.ones(1).device, torch.ones(1, requires_grad=True).mul(2).requires_grad),
        "threads": torch.get_num_threads(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "anomalies": torch.is_anomaly_enabled(),
        "cudnn": tuple(getattr(torch.backends.cudnn, name) for name in ("enabled", "benchmark", "deterministic")),
        "random": (random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()),  # noqa: NPY002
    }


@pytest.mark.parametrize("fault", RETURNS)
@counted("An evaluator that returns nonsense", quick=1, share=4, full=20)
def test_an_evaluator_that_returns_nonsense(fault, times, tally, tmp_path, healthy):
    for seed in times:
        wanted, place = healthy(seed, "scored")
        found = scored(tmp_path / f"{seed}.db", seed, wanted[place].candidate.genome, fault)
        one_failed(found, wanted, place, fault)
        tally("failed")


@pytest.mark.parametrize("fault", ENDS)
@counted("An evaluation that ends its worker, or never ends", quick=0, share=2, full=20)
def test_a_worker_that_is_ended(fault, times, tally, tmp_path, healthy):
    for seed in times:
        wanted, place = healthy(seed, "scored")
        began = time.monotonic()
        found = scored(
            tmp_path / f"{seed}.db",
            seed,
            wanted[place].candidate.genome,
            fault,
            lambda evaluator: Processes([evaluator] * 2, timeout=1.0),
        )
        one_failed(found, wanted, place, fault.strip())
        assert time.monotonic() - began < 60
        tally(fault.strip())
