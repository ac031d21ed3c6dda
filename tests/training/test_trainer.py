"""The trainer's promises: the same seed, the same figures; a fault is that candidate's alone."""

import pickle
import re
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from evonas.core import environment
from evonas.core.errors import EvonasError
from evonas.core.types import Candidate, Task
from evonas.domains.images import images_from_arrays, load_images, split
from evonas.encodings.cell import CellEncoding, cell_string
from evonas.execution.processes import Processes, Serial
from evonas.training.data import Preprocessing
from evonas.training.fitting import FiniteLoss, schedule
from evonas.training.trainer import TorchTrainer
from tests.training.nets import Hungry, Line, blobs

CONVOLUTIONS = cell_string(("nor_conv_3x3", "skip_connect", "nor_conv_1x1", "nor_conv_1x1", "none", "avg_pool_3x3"))
KEYS = {"val_accuracy", "val_loss", "train_accuracy", "params", "flops", "model_kb", "images", "seconds"}
KEYS |= {"peak_memory_mb"}
MEASURED = {"seconds", "peak_memory_mb"}


def trainer(encoding=None, data=None, **options) -> TorchTrainer:
    return TorchTrainer(
        encoding or CellEncoding(width=4),
        data or blobs(),
        **{"epochs": 2, "device": "cpu", "batch_size": 32, **options},
    )


def evaluate(trainer: TorchTrainer, genome: Any = CONVOLUTIONS, seed: int = 0, fidelity: float = 1.0):
    return trainer(Candidate(genome, fidelity), trainer.data.task, seed)


def figures(evaluation) -> dict[str, float]:
    assert evaluation.ok, evaluation.error
    return {key: value for key, value in evaluation.metrics.items() if key not in MEASURED}


def test_the_metrics_and_their_ranges():
    metrics = evaluate(trainer(epochs=8)).metrics
    assert set(metrics) == KEYS
    assert 0.8 < metrics["val_accuracy"] <= 1
    assert 0 < metrics["train_accuracy"] <= 1
    assert 0 < metrics["val_loss"] < 2
    assert metrics["seconds"] > 0
    assert metrics["peak_memory_mb"] > 0
    assert metrics["params"] == sum(
        p.numel() for p in CellEncoding(width=4).build(CONVOLUTIONS, blobs().task).parameters()
    )


def test_the_same_seed_gives_the_same_figures_to_the_last_bit():
    first = figures(evaluate(trainer()))
    with torch.random.fork_rng():
        torch.manual_seed(99)  # the global state is no part of it
        assert figures(evaluate(trainer())) == first
    used = trainer()
    evaluate(used, seed=5)
    assert figures(evaluate(used)) == first  # what was trained before is no part of it either
    assert figures(evaluate(trainer(), seed=1)) != first


def numpy_state() -> list[int]:
    """Where NumPy's global generator is."""
    state: Any = np.random.get_state()  # noqa: NPY002
    return state[1].tolist()


def test_the_global_random_states_are_left_alone():
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    before = torch.get_rng_state(), numpy_state()
    evaluate(trainer())
    trainer().finish(CONVOLUTIONS, 0)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert numpy_state() == before[1]


@pytest.mark.thorough
def test_training_in_several_processes_gives_the_same_figures():
    alone = figures(evaluate(trainer(threads=1)))
    with Processes(trainer(threads=1).for_workers(2)) as executor:
        futures = [executor.submit(Candidate(CONVOLUTIONS), blobs().task, 0) for _ in range(2)]
        assert [figures(future.result()) for future in futures] == [alone, alone]


class Counting(Line):
    """Counts the images that its networks are trained on."""

    def __init__(self) -> None:
        self.images = 0

    def build(self, genome: float, task: Task) -> nn.Module:
        network = super().build(genome, task)
        network.register_forward_pre_hook(lambda module, inputs: self._count(module, inputs[0]))
        return network

    def _count(self, module: nn.Module, x: torch.Tensor) -> None:
        if module.training:
            self.images += len(x)


@pytest.mark.parametrize(("fidelity", "epochs"), [(1.0, 9), (1 / 3, 3), (0.5, 4), (0.01, 1)])
def test_fidelity_is_the_share_of_the_epochs(fidelity, epochs):
    encoding = Counting()
    built = trainer(encoding, epochs=9)
    assert evaluate(built, 1.0, fidelity=fidelity).ok
    assert encoding.images == epochs * len(built.data.y_train)


def test_epochs_are_chosen_by_the_size_of_the_data():
    few, many = trainer(epochs=None), trainer(data=blobs(3000), epochs=None)
    assert few.epochs is not None
    assert many.epochs is not None
    assert few.epochs > many.epochs >= 3


@pytest.mark.parametrize("n", [33, 65, 64, 34])
def test_a_last_batch_of_one_image(n):
    """Batch normalisation cannot take one image, where a map has one pixel."""
    data = blobs(200, size=1)
    data = type(data)(data.task, data.x_train[:n], data.y_train[:n], *[getattr(data, f) for f in _OTHERS])
    assert figures(evaluate(trainer(data=data)))


_OTHERS = ("x_val", "y_val", "x_test", "y_test", "class_names", "flip")


def test_a_loss_that_is_no_number_is_a_failed_evaluation():
    evaluation = evaluate(trainer(Line(), epochs=50), float("inf"))
    assert evaluation.status == "failed"
    assert evaluation.error == "diverged: the loss is no number in epoch 1"
    assert evaluation.metrics == {}


def test_a_network_that_diverges_late_is_a_failed_evaluation():
    evaluation = evaluate(trainer(Line(), epochs=20, lr=1e30), 1e10)
    assert evaluation.status == "failed"
    assert "diverged" in str(evaluation.error)


class Spoiled(Line):
    """From the `genome`-th step on its logits are multiplied by `factor`."""

    def __init__(self, factor: float) -> None:
        self.factor, self.steps = factor, 0

    def build(self, genome: float, task: Task) -> nn.Module:
        network = super().build(1.0, task)
        self.steps = 0
        network.register_forward_hook(lambda module, _, logits: self._spoil(module, logits, genome))
        return network

    def _spoil(self, module: nn.Module, logits: Any, genome: float) -> torch.Tensor:
        self.steps += module.training
        return logits * self.factor if module.training and self.steps > genome else logits


@pytest.mark.parametrize("genome", [0, 40, 300])
def test_a_loss_that_is_no_number_ends_the_training_within_the_epoch(genome):
    encoding = Spoiled(float("nan"))
    evaluation = evaluate(trainer(encoding, data=blobs(1500), epochs=3, batch_size=4), genome)
    steps = -(-len(blobs(1500).y_train) // 4)
    assert steps > 200
    assert evaluation.error == f"diverged: the loss is no number in epoch {1 + genome // steps}"
    assert genome < encoding.steps <= genome + FiniteLoss.EVERY


def test_a_loss_beyond_all_measure_ends_the_training_after_its_epoch():
    encoding = Spoiled(1e4)
    evaluation = evaluate(trainer(encoding, epochs=20), 6)  # of 3 steps an epoch
    assert evaluation.status == "failed"
    assert re.fullmatch(r"diverged: the loss is \S+ in epoch 3, after (0|1)\.\d+ in the first", str(evaluation.error))
    assert encoding.steps == 9


def test_a_network_that_begins_badly_is_given_time():
    assert evaluate(trainer(Spoiled(1.0), lr=1e-6), 0).ok
    assert evaluate(trainer(Line(), lr=1e-6), 1e4).ok  # the loss is high from the first epoch on, and does not grow


@pytest.mark.parametrize(("most", "micro"), [(32, 32), (16, 16), (9, 8), (1, 1)])
def test_out_of_memory_halves_the_micro_batch(most, micro):
    encoding = Hungry()
    evaluation = evaluate(trainer(encoding, precision="float32"), most)
    assert max(encoding.seen) == micro
    plenty = figures(evaluate(trainer(Hungry(), precision="float32"), 1000))
    got = figures(evaluation)
    assert got["val_loss"] == pytest.approx(plenty["val_loss"], rel=1e-4)  # the same effective batch
    assert got["train_accuracy"] == pytest.approx(plenty["train_accuracy"], abs=0.02)


def test_out_of_memory_for_a_single_image_is_that_candidate_s_failure():
    evaluation = Serial(trainer(Hungry())).submit(Candidate(0), blobs().task, 0).result()
    assert evaluation.status == "failed"
    assert evaluation.error == "OutOfMemoryError: no memory for 1 images"


def test_a_candidate_without_parameters_can_be_measured():
    class Empty(Line):
        def build(self, genome: float, task: Task) -> nn.Module:
            return nn.Sequential(nn.Flatten(), nn.AdaptiveAvgPool1d(task.n_classes))

    metrics = evaluate(trainer(Empty()), 0.0).metrics
    assert metrics["params"] == 0
    assert metrics["flops"] == 0


def test_frozen_parameters_stay():
    built = {}

    class Frozen(Line):
        def build(self, genome: float, task: Task) -> nn.Module:
            network = built["it"] = super().build(genome, task)
            network.line.weight.requires_grad_(False)  # type: ignore[union-attr]
            built["before"] = network.line.weight.clone()  # type: ignore[union-attr]
            return network

    assert evaluate(trainer(Frozen()), 1.0).ok
    assert torch.equal(built["it"].line.weight, built["before"])


@pytest.mark.parametrize("device", ["cuda:99", "gpu", "", "cpu:3"])
def test_devices_that_are_not_there(device):
    with pytest.raises(EvonasError, match=f"no device '{device}' on this machine; there are .*'cpu'.* 'auto'"):
        trainer(device=device)


@pytest.mark.parametrize("options", [{"epochs": 0}, {"epochs": -3}, {"batch_size": 1}, {"batch_size": 0}])
def test_options_that_make_no_training(options):
    with pytest.raises(EvonasError, match=next(iter(options))):
        trainer(**options)


def test_precisions():
    with pytest.raises(EvonasError, match="no precision 'float16'; there are 'auto', 'bfloat16' and 'float32'"):
        trainer(precision="float16")
    assert trainer().precision in ("float32", "bfloat16")
    exact, rough = (figures(evaluate(trainer(epochs=6, precision=p))) for p in ("float32", "bfloat16"))
    assert exact != rough
    assert rough["val_accuracy"] == pytest.approx(exact["val_accuracy"], abs=0.15)
    assert rough["val_loss"] == pytest.approx(exact["val_loss"], abs=0.2)


@pytest.mark.parametrize(
    ("operations", "there", "threads"), [(1e6, 8, 1), (2e8, 8, 2), (3e9, 8, 2), (9e9, 8, 4), (1e12, 8, 8), (9e9, 1, 1)]
)
def test_a_training_has_as_many_threads_as_its_work_is_worth(monkeypatch, operations, there, threads):
    """Two are faster from little work on (benchmarks/studies/speed/threads.py), further ones only with much."""
    monkeypatch.setattr(environment, "threads", lambda: there)
    with trainer(batch_size=50).threads_for(operations / 150):
        assert torch.get_num_threads() == threads


def test_torch_s_number_of_threads_is_put_back():
    before = torch.get_num_threads()
    seen = []

    class Looking(Line):
        def build(self, genome: float, task: Task) -> nn.Module:
            seen.append(torch.get_num_threads())
            return super().build(genome, task)

    torch.set_num_threads(3)
    try:
        evaluate(trainer(Looking()), 1.0)
        evaluate(trainer(Looking(), threads=2), 1.0)
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)
    assert 1 in seen  # little work is for one thread
    assert 2 in seen


def test_pickled_without_what_lies_on_the_device():
    used = trainer()
    fresh_size = len(pickle.dumps(trainer()))
    before = figures(evaluate(used))
    again = pickle.loads(pickle.dumps(used))
    assert len(pickle.dumps(used)) == fresh_size
    assert figures(evaluate(again)) == before


def test_one_trainer_a_worker_shares_the_cores(monkeypatch):
    monkeypatch.setattr("evonas.core.environment.cores", lambda: 8)
    assert [worker.threads for worker in trainer().for_workers(3)] == [2, 2, 2]
    assert [worker.threads for worker in trainer().for_workers(20)] == [1] * 20
    assert all(worker.data is not None and worker.epochs == 2 for worker in trainer().for_workers(2))


def test_finish_learns_from_everything_and_touches_the_test_set_once(monkeypatch):
    built = trainer(epochs=6)
    asked = []
    put = TorchTrainer.on_device
    monkeypatch.setattr(TorchTrainer, "on_device", lambda self, part: asked.append(part) or put(self, part))
    finished = built.finish(CONVOLUTIONS, 0)
    assert sorted(asked) == ["all", "test"]
    assert finished.metrics["test_accuracy"] > 0.8
    assert not finished.model.training
    x = torch.from_numpy(np.moveaxis(built.data.x_test, -1, 1).copy())
    predicted = finished.model(finished.preprocessing(x)).argmax(1).numpy()
    assert (predicted == built.data.y_test).mean() == pytest.approx(finished.metrics["test_accuracy"], abs=1e-6)


def test_the_search_does_not_see_the_test_set():
    data = blobs()
    poisoned = type(data)(
        data.task,
        data.x_train,
        data.y_train,
        data.x_val,
        data.y_val,
        data.x_test * 0,
        data.y_test * 0,
        data.class_names,
        data.flip,
    )
    assert figures(evaluate(trainer(data=data))) == figures(evaluate(trainer(data=poisoned)))


def test_preprocessing_is_that_of_the_training_images():
    data = split(images_from_arrays(np.random.default_rng(0).random((90, 5, 7, 3)), np.arange(90) % 3), seed=0)
    preprocessing = Preprocessing.of(data.x_train)
    x = preprocessing(torch.from_numpy(np.moveaxis(data.x_train, -1, 1).copy()))
    assert x.mean((0, 2, 3)).abs().max() < 1e-5
    assert x.std((0, 2, 3)) == pytest.approx([1, 1, 1], abs=1e-2)


def test_a_constant_channel_is_no_trouble():
    x = np.full((90, 5, 5, 3), 7, np.uint8)
    data = split(images_from_arrays(x, np.arange(90) % 3), seed=0)
    assert Preprocessing.of(x).deviation == (1, 1, 1)
    assert figures(evaluate(trainer(data=data)))


def test_colour_images_that_are_not_square_with_mirroring():
    rng = np.random.default_rng(0)
    data = split(images_from_arrays(rng.random((90, 9, 5, 3)), np.arange(90) % 3), seed=0)
    assert data.flip
    assert figures(evaluate(trainer(data=data)))


def test_the_schedule_rises_then_falls():
    rates = [schedule(i / 100) for i in range(101)]
    top = int(np.argmax(rates))
    assert rates[0] > 0
    assert top == 10
    assert rates[top] == pytest.approx(1, abs=0.01)
    assert (np.diff(rates[:top]) > 0).all()
    assert (np.diff(rates[top:]) < 0).all()
    assert rates[-1] == pytest.approx(0, abs=1e-6)


def test_digits_are_learned():
    built = trainer(CellEncoding(width=8), split(load_images("digits"), seed=0), epochs=6, batch_size=64)
    assert figures(evaluate(built))["val_accuracy"] > 0.93
