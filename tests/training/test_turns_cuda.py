"""Trainings together on a GPU, each on a stream and with a generator of its own. Run with: pytest -m gpu"""

import logging
import statistics
import threading
import time

import pytest
import torch

from evonas.core.types import Candidate
from evonas.execution.processes import Processes
from evonas.training import turns
from evonas.training.sharing import together
from evonas.training.trainer import TorchTrainer
from evonas.training.turns import InTurns, Line, Turn
from tests.training.nets import blobs
from tests.training.test_training_cuda import CELL, RECIPES, CellEncoding, Dropping
from tests.training.test_turns import side_by_side

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here"),
]


def trainer(encoding=None, **options) -> TorchTrainer:
    given = {"epochs": 4, "device": "cuda", "precision": "float32", "batch_size": 32, **options}
    return TorchTrainer(encoding or CellEncoding(width=4), blobs(), **given)


def test_captured_trainings_have_the_figures_that_they_have_alone(monkeypatch, caplog):
    monkeypatch.setattr(turns, "STEPS", 1)
    each = [trainer(Dropping(**recipe)) for recipe in RECIPES]
    with torch.backends.cudnn.flags(enabled=True, deterministic=True), caplog.at_level(logging.INFO, "evonas"):
        alone = [one(Candidate(1.0), one.data.task, seed) for seed, one in enumerate(each)]
        line = Line()
        places = [Turn(line, "cuda") for _ in each]
        own = [InTurns(one.with_turns(turn), turn) for one, turn in zip(each, places, strict=True)]
        for _ in range(2):  # a seat trains one after the other
            found = side_by_side(own, [Candidate(1.0)] * len(own), range(len(own)))
            for here, there in zip(found, alone, strict=True):
                assert here.ok, here.error
                assert here.metrics["val_loss"] == pytest.approx(there.metrics["val_loss"], rel=0.01)
    assert "no CUDA graph" not in caplog.text


def test_a_failed_capture_is_that_training_s_alone(caplog):
    line = Line()
    each = [trainer(Dropping(waits=waits)) for waits in (True, False, True)]
    own = [InTurns(one.with_turns(turn), turn) for one in each for turn in [Turn(line, "cuda")]]
    with caplog.at_level(logging.INFO, "evonas"):
        found = side_by_side(own, [Candidate(1.0)] * 3)
    assert all(one.ok for one in found), [one.error for one in found]
    assert caplog.text.count("no CUDA graph") == 2
    assert found[0].metrics["val_loss"] == pytest.approx(found[2].metrics["val_loss"], rel=0.01)


def test_what_one_draws_moves_no_other_s_generator():
    line, drawn = Line(), {}
    begun = threading.Barrier(2)

    def draw(number: int, turn: Turn) -> None:
        with turn.taken():
            torch.cuda.manual_seed(0)
            first = torch.rand(4, device="cuda").cpu()
            with turn.aside():
                begun.wait(60)
            drawn[number] = (first, torch.rand(4, device="cuda").cpu(), torch.cuda.current_stream())

    threads = [threading.Thread(target=draw, args=(i, Turn(line, "cuda"))) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.equal(drawn[0][0], drawn[1][0])
    assert torch.equal(drawn[0][1], drawn[1][1])
    assert not torch.equal(*drawn[0][:2])
    assert len({drawn[0][2], drawn[1][2], torch.cuda.default_stream()}) == 3


def test_who_waits_for_the_device_lets_others_compute():
    line, order = Line(), []
    long, short = Turn(line, "cuda"), Turn(line, "cuda")
    waiting = threading.Event()

    def wait() -> None:
        with long.taken():
            torch.cuda._sleep(2_000_000_000)  # about a second of the device
            waiting.set()
            with long.aside():
                torch.cuda.current_stream().synchronize()
            order.append("long")

    thread = threading.Thread(target=wait)
    thread.start()
    assert waiting.wait(60)
    start = time.monotonic()
    with short.taken():
        torch.ones(8, device="cuda").sum().item()
        order.append("short")
    assert time.monotonic() - start < 0.5
    thread.join()
    assert order == ["short", "long"]


def test_together_in_one_process():
    one = trainer(device="cuda:0")
    alone = [one(Candidate(CELL), one.data.task, seed).metrics["val_accuracy"] for seed in range(6)]
    with Processes([one], together=3) as executor:
        futures = [executor.submit(Candidate(CELL), one.data.task, seed) for seed in range(6)]
        found = [future.result(120).metrics["val_accuracy"] for future in futures]
    # 24 images each, and cuDNN adds in another order each time: single ones differ by some images
    assert statistics.mean(found) == pytest.approx(statistics.mean(alone), abs=0.1)


def test_how_many_by_measurement():
    assert together(trainer(), CELL, most=4, seconds=0.5) in (1, 2, 4)
