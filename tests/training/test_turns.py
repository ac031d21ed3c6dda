"""Trainings of one process that take turns: each has the figures that it has alone, whatever the others do."""

import os
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from evonas.core.errors import EvonasError
from evonas.core.goals import Goal
from evonas.core.recipe import Recipe
from evonas.core.types import Candidate, Evaluation
from evonas.encodings.cell import CellEncoding
from evonas.encodings.macro import MacroEncoding
from evonas.execution.processes import Processes
from evonas.training import turns
from evonas.training.latency import with_latency
from evonas.training.sharing import together
from tests.toys import Slow
from tests.training.nets import Hungry, Line, blobs
from tests.training.test_trainer import CONVOLUTIONS, evaluate, figures, numpy_state, trainer


@pytest.fixture(autouse=True)
def after_every_step(monkeypatch):
    monkeypatch.setattr(turns, "STEPS", 1)


def side_by_side(evaluators, candidates, seeds=None) -> list[Evaluation]:
    """Of one candidate each, in a thread each."""
    task = blobs().task
    with ThreadPoolExecutor(len(evaluators)) as pool:
        return list(
            pool.map(
                lambda evaluator, candidate, seed: evaluator(candidate, task, seed),
                evaluators,
                candidates,
                seeds or [0] * len(evaluators),
            )
        )


def outcome(evaluation: Evaluation) -> Any:
    return figures(evaluation) if evaluation.ok else evaluation.error


class Noisy(Line):
    """Draws from every global generator in each forward pass, and notes which thread does."""

    def __init__(self, mixup: float = 0.0):
        self.mixup, self.threads = mixup, []

    def recipe(self, genome: float) -> Recipe:
        return Recipe(batch_size=32, mixup=self.mixup)

    def build(self, genome, task):
        net = nn.Sequential(nn.Dropout(0.3), super().build(genome, task))
        net.register_forward_pre_hook(lambda module, inputs: self._noise(module, inputs[0]))
        return net

    def _noise(self, module: nn.Module, x: torch.Tensor) -> torch.Tensor:
        if not module.training:
            return x
        self.threads.append(threading.get_ident())
        return x + random.gauss(0, 0.1) + float(np.random.normal(0, 0.1))  # noqa: NPY002


def test_different_trainings_have_the_figures_that_they_have_alone():
    trainers = [
        trainer(),
        trainer(MacroEncoding(), epochs=1),
        trainer(Noisy(), epochs=6),
        trainer(Noisy(mixup=0.4), epochs=4, held_out=True),
        trainer(Line(), epochs=50),  # diverges in its first epoch
        trainer(Hungry(), epochs=3),  # has no memory for more than 20 images
    ]
    macro = MacroEncoding().sample(np.random.default_rng(0))
    genomes = [CONVOLUTIONS, macro, 1.0, 2.0, float("inf"), 20]
    pairs = enumerate(zip(trainers, genomes, strict=True))
    alone = [outcome(evaluate(one, genome, seed)) for seed, (one, genome) in pairs]
    assert alone[4] == "diverged: the loss is no number in epoch 1"

    line = turns.Line()
    each = [turns.Turn(line, "cpu") for _ in trainers]
    own = [turns.InTurns(one.with_turns(turn), turn) for one, turn in zip(trainers, each, strict=True)]
    found = side_by_side(own, [Candidate(genome) for genome in genomes], range(len(own)))
    assert [outcome(evaluation) for evaluation in found] == alone


def test_turns_go_round_and_leave_the_global_random_states_alone():
    encoding = Noisy()
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    before = random.getstate(), numpy_state(), torch.get_rng_state()
    assert all(one.ok for one in side_by_side(trainer(encoding, epochs=9).in_turns(3), [Candidate(1.0)] * 3))
    changes = sum(a != b for a, b in pairwise(encoding.threads))
    assert changes > len(encoding.threads) / 2
    assert len(set(encoding.threads)) == 3
    assert (random.getstate(), numpy_state()) == before[:2]
    assert torch.equal(torch.get_rng_state(), before[2])


def test_trainings_in_parts_go_on_from_their_own_checkpoints(tmp_path):
    one, other = (trainer(Noisy(), epochs=6, checkpoints=tmp_path / name) for name in ("alone", "together"))
    for fidelity in (1 / 3, 1.0):
        alone = [figures(evaluate(one, genome, fidelity=fidelity)) for genome in (1.0, 2.0)]
        found = side_by_side(other.in_turns(2), [Candidate(genome, fidelity) for genome in (1.0, 2.0)])
        assert [figures(evaluation) for evaluation in found] == alone
    assert len(list((tmp_path / "together").iterdir())) == 2


def test_the_data_are_held_once():
    first, second = (one.evaluator for one in trainer().in_turns(2))
    assert first.on_device("train") is second.on_device("train")  # type: ignore[attr-defined]


def test_what_is_also_measured_takes_turns_too():
    measured = with_latency(trainer(), Goal.parse("val_accuracy,latency_ms"))
    found = side_by_side(replace(measured, repeats=3).in_turns(2), [Candidate(CONVOLUTIONS)] * 2)
    assert all(one.metrics["latency_ms"] > 0 for one in found)
    alone = evaluate(trainer()).metrics["val_loss"]
    assert [one.metrics["val_loss"] for one in found] == [alone, alone]


def test_a_line_calls_in_the_order_of_coming():
    line, served = turns.Line(), []

    def come(number):
        line.enter()
        served.append(number)
        line.leave()

    line.enter()
    threads = []
    for number in range(5):
        threads.append(threading.Thread(target=come, args=(number,)))
        threads[-1].start()
        while len(line) <= number:
            time.sleep(0.001)
    line.leave()
    for thread in threads:
        thread.join()
    assert served == list(range(5))
    line.enter()  # nobody is left in it


class Deadly(Noisy):
    """The genome 0 ends the process that trains it, 9 takes far too long."""

    def build(self, genome, task):
        if genome == 0:
            os._exit(5)
        if genome == 9:
            time.sleep(60)
        return super().build(genome, task)


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("genome", "error"), [(0, "worker died twice (exit code 5)"), (9, "timeout: took longer than 6 s")]
)
def test_whoever_ends_the_process_fails_alone(genome, error):
    one = trainer(Deadly(), epochs=20, threads=1)
    alone = [figures(evaluate(one, good)) for good in (1.0, 2.0)]
    with Processes([one], 6.0, together=3) as executor:
        assert executor.slots == 3
        futures = [executor.submit(Candidate(each), blobs().task, 0) for each in (1.0, genome, 2.0, 1.0)]
        found = [future.result(120) for future in futures]
    assert [outcome(each) for each in found] == [alone[0], error, alone[1], alone[0]]


@pytest.mark.thorough
def test_in_a_process_of_their_own():
    one = trainer(Noisy(), epochs=20, threads=1)
    alone = [figures(evaluate(one, genome)) for genome in (1.0, 2.0)]
    with Processes([one], together=2) as executor:
        futures = [executor.submit(Candidate(genome), blobs().task, 0) for genome in (1.0, float("inf"), 2.0)]
        found = [future.result(60) for future in futures]
    assert [figures(found[0]), figures(found[2])] == alone
    assert found[1].error == "diverged: the loss is no number in epoch 1"


def test_an_evaluator_that_takes_no_turns_is_refused():
    with pytest.raises(EvonasError, match="^together=2 needs evaluators with in_turns"):
        Processes([Slow()], together=2)


@pytest.mark.slow
def test_how_many_together_by_measurement():
    assert together(trainer(CellEncoding(width=4)), CONVOLUTIONS, most=2, seconds=0.2) in (1, 2)
