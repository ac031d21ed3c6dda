"""A search whose user's part breaks late: one line that names it, the trials kept, and a way to go on."""

import json
import random
from typing import Any

import numpy as np
import pytest
import torch

import evonas
import evonas.types
from evonas.core.errors import EvonasError
from evonas.encodings.categorical import CategoricalEncoding
from evonas.execution.processes import Serial
from evonas.memory.archive import Archive
from evonas.search.evolution import Evolution
from evonas.search.loop import Budget, run
from evonas.training.trainer import TorchTrainer
from tests.toys import TASK, Digits, on
from tests.training.nets import blobs

X, Y = np.random.default_rng(0).integers(0, 256, (60, 8, 8)).astype(np.uint8), np.arange(60) % 2


class Wide(CategoricalEncoding):
    def __init__(self):
        super().__init__({"a": (1, 2, 3), "b": (1, 2, 3), "c": (1, 2, 3)})

    def build(self, genome, task):
        return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(int(np.prod(task.input_shape)), task.n_classes))


class BreaksLate(Wide):
    """The check before a search samples five times, what measures its speed three times, and ten genomes come before
    the first that is bred."""

    calls = 0

    def sample(self, rng):
        type(self).calls += 1
        if self.calls == 13:
            raise LookupError("no more")
        return super().sample(rng)


class BuildsOdd(Wide):
    def build(self, genome, task):
        if genome[0] == 3:
            raise RuntimeError("too deep\nsecond line")
        return super().build(genome, task)


def search(folder, encoding, **options):
    places = {"archive": str(folder / "a.db"), "out": str(folder / "out"), "name": "run"}
    small = {"epochs": 1, "surrogate": "none", "device": "cpu"}
    return evonas.search(X, Y, encoding=encoding, **{**small, **places, **options})


def test_an_encoding_that_breaks_in_a_search(tmp_path):
    BreaksLate.calls = 0
    with pytest.raises(EvonasError) as raised:
        search(tmp_path, BreaksLate(), trials=5)
    assert str(raised.value).startswith("encoding 'BreaksLate' breaks the contract: sample() raised LookupError: no")
    assert "(test_late_faults.py, line " in str(raised.value)
    kept = len(Archive(tmp_path / "a.db").trials("run"))
    assert kept > 1
    assert str(raised.value).endswith(f"{kept} trials are kept; mend it, then: evonas resume run")
    assert "\n" not in str(raised.value)
    archive = Archive(tmp_path / "a.db")
    assert archive.run("run").status == "interrupted"


def test_a_network_that_cannot_be_built_is_a_failed_trial_with_its_line(tmp_path):
    result = search(tmp_path, BuildsOdd(), trials=6, seed=1)
    failed = [t.evaluation for t in Archive(tmp_path / "a.db").trials("run") if not t.evaluation.ok]
    assert 0 < result["failed"] == len(failed) < 6
    assert failed[0].error == "RuntimeError: too deep"
    traceback = failed[0].traceback
    assert traceback is not None
    assert 'test_late_faults.py", line' in traceback
    assert traceback.endswith("RuntimeError: too deep\nsecond line")
    assert "trainer.py" not in traceback


class Breaking(Evolution):
    def tell(self, evaluations):
        super().tell(evaluations)
        raise OSError("a searcher's own")


def test_a_searcher_that_breaks(tmp_path):
    with pytest.raises(EvonasError, match="the method '.*Breaking' raised OSError: a searcher's own .*1 trial is kept"):
        search(tmp_path, Wide(), trials=3, method=f"{__file__}:Breaking")
    assert Archive(tmp_path / "a.db").run("run").status == "interrupted"


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (torch.tensor(0.25), 0.25),
        (np.array(0.25), 0.25),
        (1, 1),
    ],
)
def test_numbers_are_taken_as_numbers(value, taken):
    def evaluate(candidate, task, seed):
        return evonas.types.Evaluation(candidate, {"val_accuracy": value}, np.float32(2))  # pyright: ignore[reportArgumentType]

    evaluation = Serial(evaluate).submit(evonas.types.Candidate((1,)), TASK, 0).result()
    assert evaluation.metrics == {"val_accuracy": taken}
    assert type(evaluation.metrics["val_accuracy"]) in (int, float)
    assert (evaluation.seconds, type(evaluation.seconds)) == (2.0, float)
    json.dumps(dict(evaluation.metrics))


@pytest.mark.parametrize("value", [None, "0.5", True, np.bool_(True), 1j, torch.ones(2), [0.5], np.complex64(1)])
def test_anything_else_is_one_failed_trial_that_names_the_metric(value):
    def evaluate(candidate, task, seed):
        return evonas.types.Evaluation(candidate, {"val_accuracy": 0.5, "mine": value})

    outcome = run(Evolution(on(Digits())), Serial(evaluate), TASK, seed=0, budget=Budget(2))
    for trial in outcome.trials:
        assert trial.evaluation.status == "failed"
        error = trial.evaluation.error
        assert error is not None
        assert error.startswith("TypeError: the metric 'mine' is no number but ")
        assert "\n" not in error


class Drawing(Wide):
    """Weights from numpy, and noise from Python's generator in each step."""

    def build(self, genome, task):
        network: Any = super().build(genome, task)
        network.register_forward_pre_hook(lambda module, inputs: (inputs[0] + random.random() / 10,))
        with torch.no_grad():
            network[1].weight.copy_(torch.from_numpy(np.random.normal(0, 0.3, network[1].weight.shape)))  # noqa: NPY002
        return network


def test_global_generators_are_seeded_for_a_training_and_left_alone_otherwise():
    trainer = TorchTrainer(Drawing(), blobs(), epochs=2, device="cpu")
    before = random.getstate()
    losses = []
    for seed in (3, 3, 4):
        random.random()
        np.random.random()  # noqa: NPY002
        state = random.getstate()
        losses.append(trainer(evonas.types.Candidate((1, 1, 1)), trainer.data.task, seed).metrics["val_loss"])
        assert random.getstate() == state
    random.setstate(before)
    assert losses[0] == losses[1] != losses[2]


def test_a_seed_beyond_what_is_kept(tmp_path):
    for seed in (2**63, 2**64, -1):
        with pytest.raises(EvonasError, match=f"--seed {seed} .*(less|greater) than"):
            search(tmp_path, Wide(), trials=1, seed=seed)
    assert search(tmp_path, Wide(), trials=1, seed=2**63 - 1)["seed"] == 2**63 - 1
