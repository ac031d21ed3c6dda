"""A training that goes on from a checkpoint is, to the last bit, the one that was never interrupted."""

import logging
import os
import resource
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from evonas.core.types import Candidate, Task
from evonas.encodings.cell import CellEncoding
from evonas.execution.processes import Processes
from evonas.training.checkpoints import Checkpoints, State, digest
from evonas.training.fitting import Fitting
from evonas.training.pace import Steps
from evonas.training.trainer import TorchTrainer
from tests.training.nets import Line, blobs
from tests.training.test_trainer import CONVOLUTIONS, Counting, evaluate, figures, trainer


class Forgetful(Line):
    """Convolution, normalisation and dropout: weights, running statistics, momentum and two generators to restore."""

    def build(self, genome: float, task: Task) -> nn.Module:
        return nn.Sequential(
            nn.Conv2d(task.input_shape[0], 8, 3, padding=1),
            nn.BatchNorm2d(8),
            nn.Dropout(0.3),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
            nn.Linear(32, task.n_classes),
        )


def forgetful(folder=None, **options) -> TorchTrainer:
    return trainer(Forgetful(), **{"epochs": 6, "checkpoints": folder, **options})


def files(folder) -> list[str]:
    return sorted(os.listdir(folder)) if folder.exists() else []


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("stops", [(1 / 3,), (1 / 6, 1 / 3, 5 / 6)])
def test_in_pieces_it_is_the_same_training(tmp_path, precision, stops):
    whole = figures(evaluate(forgetful(precision=precision), 1.0))
    low = [figures(evaluate(forgetful(tmp_path, precision=precision), 1.0, fidelity=f)) for f in stops]
    assert figures(evaluate(forgetful(tmp_path, precision=precision), 1.0)) == whole
    assert all(part != whole for part in low)


def test_only_the_rest_of_the_epochs_is_trained(tmp_path):
    def images(fidelity: float) -> int:
        encoding = Counting()
        assert evaluate(trainer(encoding, epochs=9, checkpoints=tmp_path), 1.0, fidelity=fidelity).ok
        return encoding.images // len(blobs().y_train)

    assert [images(f) for f in (1 / 9, 1 / 3, 1 / 3, 1.0)] == [1, 2, 0, 6]
    assert images(1 / 9) == 1  # a shorter one starts anew, and leaves what goes further
    assert images(1.0) == 6
    assert len(files(tmp_path)) == 1


def test_without_checkpoints_a_low_fidelity_has_a_schedule_of_its_own(tmp_path):
    short = figures(evaluate(forgetful(), 1.0, fidelity=1 / 3))
    assert short == figures(evaluate(forgetful(epochs=2), 1.0))
    assert short != figures(evaluate(forgetful(tmp_path), 1.0, fidelity=1 / 3))


@pytest.mark.thorough
def test_in_pieces_of_other_worker_processes(tmp_path):
    """This process and a worker take turns; the second worker only is a process, for a start takes seconds."""
    whole = figures(evaluate(trainer(threads=1, epochs=6)))
    here, there = (replace(one, threads=1) for one in trainer(epochs=6, checkpoints=tmp_path).for_workers(2))
    assert evaluate(here, fidelity=1 / 3).ok
    (file,) = tmp_path.iterdir()
    first = file.read_bytes()
    with Processes([there]) as executor:
        assert executor.submit(Candidate(CONVOLUTIONS, 2 / 3), blobs().task, 0).result().ok
    assert file.read_bytes() != first  # the worker went on with it
    assert figures(evaluate(here)) == whole


def _bytes(change):
    def damage(path):
        content = bytearray(path.read_bytes())
        path.write_bytes(change(content))

    return damage


def _foreign(path):
    save_file({"weight": torch.zeros(3)}, path, {"format": "pt"})


def _flipped(content: bytearray) -> bytearray:
    content[-1] ^= 1
    return content


DAMAGE = {
    "empty": _bytes(lambda content: b""),
    "cut": _bytes(lambda content: content[: len(content) // 2]),
    "one bit": _bytes(_flipped),
    "text": _bytes(lambda content: b"not a checkpoint at all"),
    "another program's": _foreign,
}


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_checkpoint_is_said_and_trained_from_the_start(tmp_path, how, caplog):
    evaluate(forgetful(tmp_path), 1.0, fidelity=1 / 3)
    (name,) = files(tmp_path)
    DAMAGE[how](tmp_path / name)
    with caplog.at_level(logging.WARNING, "evonas"):
        result = figures(evaluate(forgetful(tmp_path), 1.0))
    assert f"checkpoint {name} is damaged" in caplog.text
    assert result == figures(evaluate(forgetful(), 1.0))


@pytest.mark.parametrize(
    "state",
    [
        State({"network.weight": torch.zeros(3)}, {"epoch": 1, "accuracy": 0.5, "first_loss": 1.0}),
        State({}, {}),
    ],
)
def test_a_whole_checkpoint_of_something_else_is_not_gone_on_from(tmp_path, state):
    evaluate(forgetful(tmp_path), 1.0, fidelity=1 / 3)
    (name,) = files(tmp_path)
    Checkpoints(tmp_path).save(name.removesuffix(".safetensors"), state)
    assert figures(evaluate(forgetful(tmp_path), 1.0)) == figures(evaluate(forgetful(), 1.0))


def test_a_state_without_generators_changes_nothing():
    built = forgetful()
    network = built.encoding.build(1.0, built.data.task)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    recipe, data = built.recipe(1.0), built.on_device("train")
    fitting = Fitting(network, data, recipe, Steps(60), torch.Generator(), 32, torch.float32, 3)
    state = fitting.state()
    for name in [name for name in state.tensors if name.startswith("network.")]:
        state.tensors[name] = torch.ones_like(state.tensors[name])
    del state.tensors["generator"]
    with pytest.raises(ValueError, match="of no training"):
        fitting.restore(state)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_a_folder_that_cannot_be_written(tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")
    with caplog.at_level(logging.WARNING, "evonas"):
        assert evaluate(forgetful(tmp_path / "file"), 1.0, fidelity=1 / 3).ok
    assert "a checkpoint could not be written" in caplog.text
    assert figures(evaluate(forgetful(tmp_path / "file"), 1.0)) == figures(evaluate(forgetful(), 1.0))


def test_a_full_disk(tmp_path, caplog):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    try:
        with caplog.at_level(logging.WARNING, "evonas"):
            assert evaluate(forgetful(tmp_path), 1.0, fidelity=1 / 3).ok
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "a checkpoint could not be written" in caplog.text
    assert files(tmp_path) == []


OTHERS = {
    "seed": lambda t: (t, 1.0, 1),
    "genome": lambda t: (t, 2.0, 0),
    "epochs": lambda t: (replace(t, epochs=12, _cache={}), 1.0, 0),
    "lr": lambda t: (replace(t, lr=0.1, _cache={}), 1.0, 0),
    "batch size": lambda t: (replace(t, batch_size=16, _cache={}), 1.0, 0),
    "precision": lambda t: (replace(t, precision="bfloat16", _cache={}), 1.0, 0),
    "data": lambda t: (replace(t, data=blobs(seed=1), _cache={}), 1.0, 0),
    "encoding": lambda t: (replace(t, encoding=Line(), _cache={}), 1.0, 0),
}


@pytest.mark.parametrize("what", OTHERS)
def test_another_training_does_not_go_on_from_it(tmp_path, what):
    first = forgetful(tmp_path, precision="float32")
    evaluate(first, 1.0, fidelity=1 / 3)
    other, genome, seed = OTHERS[what](first)
    assert figures(evaluate(other, genome, seed)) == figures(
        evaluate(replace(other, checkpoints=None, _cache={}), genome, seed)
    )


def test_options_of_an_encoding_are_part_of_the_training(tmp_path):
    narrow, wide = (trainer(CellEncoding(width=w), epochs=6, checkpoints=tmp_path) for w in (4, 8))
    evaluate(narrow, fidelity=1 / 3)
    evaluate(wide, fidelity=1 / 3)
    assert len(files(tmp_path)) == 2


def test_the_final_training_goes_on_from_nothing(tmp_path):
    evaluate(forgetful(tmp_path), 1.0, fidelity=1 / 3)
    with_it, without = (forgetful(folder).finish(1.0, 0).metrics for folder in (tmp_path, None))
    assert with_it["test_loss"] == without["test_loss"]


def test_what_is_saved_comes_back(tmp_path):
    store = Checkpoints(tmp_path / "made" / "when needed")
    assert store.load("a") is None
    tensors = {"one": torch.arange(6.0).reshape(2, 3).t(), "none": torch.zeros(0), "scalar": torch.tensor(7)}
    store.save("a", State(tensors, {"epoch": 3}))
    store.save("b", State({}, {}))
    back = store.load("a")
    assert back is not None
    assert back.notes == {"epoch": 3}
    assert all(torch.equal(back.tensors[name], value) for name, value in tensors.items())
    assert store.load("b") == State({}, {})


def test_a_digest_tells_arrays_by_content_type_and_shape():
    a = np.arange(6, dtype=np.int32)
    assert digest(a, "x") == digest(a.copy(), "x")
    others = [digest(b, "x") for b in (a.astype(np.int64), a.reshape(2, 3), a + 1)] + [digest(a, "y")]
    assert len({digest(a, "x"), *others}) == 5
