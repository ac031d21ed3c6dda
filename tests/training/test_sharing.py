"""The number of trainings on one device, and that the parent leaves the GPUs alone."""

import os
import subprocess
import sys
import textwrap

import pytest
import torch

from evonas.core.errors import EvonasError
from evonas.core.types import Candidate
from evonas.training.sharing import choose, per_device, rate_apart
from tests.training.nets import Line
from tests.training.test_trainer import CONVOLUTIONS, trainer


def rates(*together, free=0.9):
    """Measurements of 1, 2, 4, …; an exception asks for more than were meant."""
    by_number = {2**i: total for i, total in enumerate(together)}

    def measure(number):
        total = by_number[number]
        return [{"images_per_second": total / number, "free_memory": free}] * number if total else []

    return measure


@pytest.mark.parametrize(
    ("together", "best"),
    [((100, 105), 1), ((100, 190, 200), 2), ((100, 190, 300, 500), 8), ((100, 190, 0), 2), ((100, 0), 1)],
)
def test_more_while_they_are_worth_it(together, best):
    assert choose(rates(*together), most=8) == best


def test_not_into_the_last_of_the_memory():
    assert choose(rates(100, 300, free=0.05), most=8) == 1


def test_not_more_than_asked_for():
    assert choose(rates(100, 300, 900, 2000), most=5) == 4


@pytest.mark.slow
def test_measured_here():
    assert per_device(trainer(), CONVOLUTIONS, most=2, seconds=0.2) in (1, 2)


@pytest.mark.thorough
def test_a_network_that_cannot_be_trained_is_named():
    with pytest.raises(EvonasError, match="no training to measure on cpu: ZeroDivisionError"):
        per_device(trainer(Broken()), 1.0, most=1, seconds=0.1)


class Broken(Line):
    def build(self, genome, task):
        raise ZeroDivisionError("no network")


GPU_BOX = """
    import os, pickle, torch
    def touched(*_, **__): raise AssertionError("CUDA was touched")
    torch.cuda._lazy_init = torch.cuda.init = torch._C._cuda_init = touched
    torch.cuda.get_device_properties = touched
    torch.cuda.is_available, torch.cuda.device_count = (lambda: True), (lambda: 2)
    from tests.training.nets import Line, blobs
    from evonas.training.trainer import TorchTrainer
    from evonas.execution.processes import Processes
    trainer = TorchTrainer(Line(), blobs(), device={device!r})
    workers = trainer.for_workers(5)
    pickle.dumps(workers)
    Processes(workers).__exit__()
    print([w.device for w in workers], trainer.device_name())
"""

DIVIDED = """
    from evonas.app.config import SearchConfig
    from evonas.app.deadline import divide
    from evonas.core.errors import EvonasError
    from evonas.encodings.cell import CellEncoding
    trainer = TorchTrainer(CellEncoding(), blobs(), device={device!r})
    if __name__ == "__main__":
        try:
            divide(SearchConfig(deadline=60, workers={workers}, encoding="cell"), trainer, trainer.encoding, 0.0)
        except EvonasError as error:
            print(error)
        except AssertionError as error:
            print(error)
"""


@pytest.mark.thorough
@pytest.mark.parametrize("device", ["auto", "cuda", "cuda:1"])
def test_the_parent_touches_no_gpu_before_its_workers_do(device, tmp_path):
    """On a machine made to look as if it had two: whatever would make a context on one is an error."""
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\necho GPU zero\necho GPU one\n")
    tool.chmod(0o755)
    said = on_a_box(GPU_BOX.format(device=device), PATH=f"{tmp_path}:{os.environ['PATH']}")
    both = ["cuda:0", "cuda:1", "cuda:0", "cuda:1", "cuda:0"]
    expected = (["cuda:1"] * 5, "GPU one") if device == "cuda:1" else (both, "GPU zero")
    assert said.strip() == f"{expected[0]} {expected[1]}"


def on_a_box(code: str, **env: str) -> str:
    """What a process that runs it says."""
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": os.getcwd(), **env},
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.thorough
@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device here")
@pytest.mark.parametrize(("workers", "by_parent"), [(1, True), (2, False)])
def test_the_parent_of_workers_lets_another_process_measure_the_speed(workers, by_parent):
    """Who has no workers trains itself; with workers the fault is that of the process that measured."""
    head = GPU_BOX[: GPU_BOX.index("    trainer = ")].format()
    said = on_a_box(head + DIVIDED.format(device="cuda", workers=workers))
    assert ("CUDA was touched" in said) == by_parent
    assert "none of 3 networks of the encoding 'CellEncoding' could be trained" in said


@pytest.mark.thorough
def test_a_rate_is_measured_apart():
    assert rate_apart(trainer(), Candidate(CONVOLUTIONS), 0, 0.05)["images_per_second"] > 0
    with pytest.raises(RuntimeError, match="ZeroDivisionError: no network"):
        rate_apart(trainer(Broken()), Candidate(1.0), 0, 0.05)


def test_a_rate_is_of_whole_epochs_and_leaves_nothing_behind(tmp_path):
    found = trainer(checkpoints=tmp_path).rate(Candidate(CONVOLUTIONS), 0, 0.05)
    assert found["images_per_second"] > 0
    assert found["free_memory"] == 1
    assert not any(tmp_path.iterdir())
