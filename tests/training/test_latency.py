"""Latency as a metric: of torch, of ONNX Runtime, and as an objective of a search."""

import pickle
import sys

import numpy as np
import pytest
import torch
from torch import nn

from evonas.core.context import SearchContext
from evonas.core.errors import EvonasError
from evonas.core.goals import Goal, Objective
from evonas.core.types import Candidate, Evaluation, Task
from evonas.encodings.cell import CellEncoding
from evonas.encodings.macro import MacroEncoding
from evonas.execution.processes import Processes, Serial
from evonas.search.loop import Budget, run
from evonas.search.methods import make_method
from evonas.training import latency
from evonas.training.latency import WithLatency, with_latency
from evonas.training.trainer import TorchTrainer
from tests.training.nets import Branching, Line, blobs

TASK = Task("toy", (1, 6, 6), 3)
SMALL = nn.Sequential(nn.Conv2d(3, 4, 3))
LARGE = nn.Sequential(nn.Conv2d(3, 128, 5, padding=2), nn.Conv2d(128, 64, 5))


def trained(candidate: Candidate, task: Task, seed: int) -> Evaluation:
    return Evaluation(candidate, {"val_accuracy": 0.5}, 2.0)


def failing(candidate: Candidate, task: Task, seed: int) -> Evaluation:
    return Evaluation.failure(candidate, "diverged")


@pytest.fixture
def with_onnx():
    pytest.importorskip("onnx", reason="onnx is not installed: pip install 'evonas[onnx]'")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: pip install 'evonas[onnx]'")


def test_a_larger_network_and_a_larger_batch_take_longer():
    small = latency.milliseconds(SMALL, (3, 32, 32), repeats=9)
    large = latency.milliseconds(LARGE, (3, 32, 32), repeats=9)
    assert 0 < small < large
    assert large < latency.milliseconds(LARGE, (3, 32, 32), batch=16, repeats=9)


def test_onnx_runtime_too(with_onnx):
    small = latency.onnx_milliseconds(SMALL, (3, 32, 32), repeats=9)
    large = latency.onnx_milliseconds(LARGE, (3, 32, 32), repeats=9)
    assert 0 < small < large < latency.onnx_milliseconds(LARGE, (3, 32, 32), 16, repeats=9)


@pytest.mark.parametrize("encoding", [CellEncoding(), MacroEncoding()], ids=["cell", "macro"])
def test_every_network_of_the_built_in_encodings_is_measured_everywhere(with_onnx, encoding):
    evaluator = WithLatency(trained, encoding, onnx=True, repeats=3)
    for seed in range(6):
        found = evaluator.measure(encoding.sample(np.random.default_rng(seed)), TASK)
        assert set(found) == {metric.name for metric in latency.METRICS}
        assert all(0 < value < 60_000 for value in found.values())


def test_it_adds_to_what_the_evaluator_found_and_counts_its_time():
    evaluation = WithLatency(trained, Line(), repeats=3)(Candidate(1.0), TASK, 0)
    assert set(evaluation.metrics) == {"val_accuracy", "latency_ms", "latency_batch_ms"}
    assert evaluation.metrics["val_accuracy"] == 0.5
    assert evaluation.seconds > 2.0


def test_a_failed_training_is_not_measured():
    assert WithLatency(failing, Line())(Candidate(1.0), TASK, 0) == failing(Candidate(1.0), TASK, 0)


def test_measuring_leaves_randomness_and_threads_alone():
    torch.manual_seed(3)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    WithLatency(trained, Line(), repeats=3, threads=2).measure(1.0, TASK)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


class Unseen(Line):
    """A network that fails as soon as it is shown more than one image."""

    def build(self, genome: float, task: Task) -> nn.Module:
        class Picky(nn.Flatten):
            def forward(self, input: torch.Tensor) -> torch.Tensor:
                if len(input) > 1:
                    raise torch.OutOfMemoryError("no memory for the batch")
                return super().forward(input)

        return Picky()


def test_what_cannot_be_measured_is_left_out_and_said(caplog):
    evaluation = WithLatency(trained, Unseen(), repeats=3)(Candidate(1.0), TASK, 0)
    assert evaluation.ok
    assert set(evaluation.metrics) == {"val_accuracy", "latency_ms"}
    assert "no latency_batch_ms: no memory for the batch" in caplog.text
    assert Objective("latency_batch_ms", maximize=False).value(evaluation.metrics) == float("-inf")


def test_a_network_with_branches_is_measured_in_torch(with_onnx):
    assert "latency_ms" in WithLatency(trained, Branching(), onnx=True, repeats=3).measure(1.0, TASK)


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_missing_onnx_is_said_in_one_line_before_the_search(monkeypatch, missing):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(EvonasError, match=r"latency_onnx_ms needs onnx.*pip install 'evonas\[onnx\]'"):
        with_latency(TorchTrainer(Line(), blobs()), Goal((Objective("latency_onnx_ms", False),)))


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"repeats": 0}, {"threads": 0}])
def test_numbers_that_measure_nothing_are_refused(wrong):
    with pytest.raises(EvonasError, match="give 1 or more"):
        WithLatency(trained, Line(), **wrong)


def test_the_trainer_is_wrapped_only_where_an_objective_asks_for_it():
    trainer = TorchTrainer(Line(), blobs(), epochs=1)
    assert with_latency(trainer, Goal.parse("val_accuracy,params")) is trainer
    wrapped = with_latency(trainer, Goal.parse("val_accuracy,-latency_ms"))
    assert (wrapped.evaluator, wrapped.device, wrapped.batch, wrapped.onnx) == (trainer, "cpu", 64, False)
    assert pickle.loads(pickle.dumps(wrapped)).batch == 64


def test_a_search_has_latency_as_an_objective():
    data = blobs()
    goal = Goal.parse("val_accuracy,-latency_ms")
    evaluator = with_latency(TorchTrainer(CellEncoding(width=4), data, epochs=1, threads=1), goal)
    searcher = make_method("evolution", SearchContext(CellEncoding(width=4), goal, data.task))
    with Serial(evaluator) as executor:
        outcome = run(searcher, executor, data.task, seed=0, budget=Budget(4))
    assert all(trial.evaluation.metrics["latency_ms"] > 0 for trial in outcome.trials)


@pytest.mark.thorough
def test_it_travels_to_a_worker():
    with Processes([WithLatency(trained, CellEncoding(), repeats=3)]) as executor:
        genome = CellEncoding().sample(np.random.default_rng(0))
        assert executor.submit(Candidate(genome), TASK, 0).result(60).metrics["latency_ms"] > 0


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here")
def test_a_gpu_is_measured_by_its_own_clock():
    found = WithLatency(trained, CellEncoding(), "cuda").measure(CellEncoding().sample(np.random.default_rng(0)), TASK)
    assert 0 < found["latency_ms"] < 1000


def limited(*texts, evaluator=trained):
    return WithLatency(evaluator, Line(), repeats=3, goal=Goal.parse("val_accuracy", texts))


def never(candidate: Candidate, task: Task, seed: int) -> Evaluation:
    raise AssertionError("it is not trained")


def test_a_network_that_breaks_a_limit_on_latency_is_not_trained():
    found = limited("latency_ms<=0", evaluator=never)(Candidate(1.0), TASK, 0)
    assert found.status == "absent"
    assert set(found.metrics) == {"latency_ms", "latency_batch_ms"}
    assert "breaks latency_ms<=0" in str(found.error)


def test_one_that_keeps_it_is_trained_and_was_measured_before():
    found = limited("latency_ms<=60000", "params<=3")(Candidate(1.0), TASK, 0)
    assert found.ok
    assert set(found.metrics) == {"val_accuracy", "latency_ms", "latency_batch_ms"}
    assert found.seconds > 2.0


def test_what_is_known_of_it_is_neither_measured_nor_judged_again():
    found = limited("latency_ms<=1")(Candidate(1.0, known={"latency_ms": 7.0}), TASK, 0)
    assert found.ok
    assert found.metrics == {"val_accuracy": 0.5, "latency_ms": 7.0}
