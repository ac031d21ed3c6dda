"""Loss, optimizer and augmentation of one's own in a whole search: given, named, recorded, given again."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from evonas.app.config import SearchConfig
from evonas.app.preparation import prepare
from evonas.core import trust
from evonas.core.errors import EvonasError
from evonas.domains.images import images_from_arrays
from evonas.memory.archive import Archive
from evonas.report.facts import run_facts
from tests.app.quick import resume, search
from tests.app.test_limits import blobs, options, trials

MINE = """
import torch
from torch.nn import functional as F

class Focal(torch.nn.Module):
    def __init__(self, gamma=2.0):
        super().__init__()
        self.gamma = gamma

    def forward(self, logits, labels):
        nats = F.cross_entropy(logits, labels, reduction="none")
        return (1 - (-nats).exp()) ** self.gamma * nats

def adam(parameters, lr=0.003):
    return torch.optim.Adam(parameters, lr=lr)

def noisy(images):
    return images + 0.1 * torch.randn_like(images)
"""
SEARCH = {"encoding": "net", "method": "random", "trials": 2}


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mine")
    (folder / "mine.py").write_text(MINE)
    return folder


def test_named_ones_are_found_again(mine, tmp_path):
    given = {"loss": f"{mine}/mine.py:Focal(gamma=1)", "optimizer": f"{mine}/mine.py:adam(lr=0.01)"}
    given |= {"augment": f"{mine}/mine.py:noisy", "balance": True}
    result = search(*blobs(), **options(tmp_path, **{**SEARCH, **given}))
    record, found = Archive(tmp_path / "a.db").run("run"), trials(tmp_path)
    assert {name: record.config[name] for name in given} == given
    assert all(one.ok for one in found)
    said = [note.partition(";")[0] for note in result["notes"] if " is your " in note]
    assert said == [
        "the loss is your Focal",
        "the optimizer is your partial of adam",
        "the augmentation is your noisy",
    ]
    recipe = result["trainings"][0]["recipe"]
    assert recipe["loss"] == "Focal"
    assert recipe["augment"] == "noisy"
    assert recipe["lr"] is recipe["shift_x"] is None
    said = dict(run_facts(vars(record), result.values))["given"]
    assert said.startswith(f"classes count alike, loss {given['loss']}, optimizer {given['optimizer']}, augment")
    resume("run", archive=str(tmp_path / "a.db"), data=images_from_arrays(*blobs(), name="memory"), trials=3)
    assert trials(tmp_path)[:2] == found


def test_objects_are_given_again(tmp_path):
    given = {"loss": torch.nn.CrossEntropyLoss(label_smoothing=0.3), "augment": lambda images: images * 1.0}
    search(*blobs(), **given, **options(tmp_path, **{**SEARCH, "trials": 1}))
    record, found = Archive(tmp_path / "a.db").run("run"), trials(tmp_path)
    assert record.config["loss"] == "<CrossEntropyLoss>"
    place = {"archive": str(tmp_path / "a.db"), "data": images_from_arrays(*blobs(), name="memory"), "trials": 2}
    with pytest.raises(
        EvonasError, match="the augment of this run was an object, which is gone; give it again: augment="
    ):
        resume("run", loss=given["loss"], **place)
    with pytest.raises(EvonasError, match="the loss of run 'run' is '<CrossEntropyLoss>', not '<MultiMarginLoss>'"):
        resume("run", **{**given, "loss": torch.nn.MultiMarginLoss()}, **place)
    resume("run", **given, **place)
    assert trials(tmp_path)[:1] == found


def prepared(folder, objects, **further):
    config = SearchConfig.make({**options(folder, trials=1, encoding="net"), "data": "memory", **further})
    return prepare(config, data=images_from_arrays(*blobs(), name="memory"), objects=objects)


@pytest.mark.parametrize(
    ("name", "part", "says"),
    [
        ("loss", lambda logits, labels: 1.0, "the loss gave a float, not a tensor: one number, or one an example"),
        ("loss", lambda logits, labels: logits, r"the loss gave shape \(6, 3\); give one number, or one an example"),
        ("loss", lambda logits, labels: labels.float().mean(), "the loss gave a loss that leads to no gradient"),
        ("loss", lambda logits: logits, "the loss raised TypeError: .* give a function .logits, labels. -> loss"),
        ("loss", torch.nn.Linear, "the loss raised TypeError: .* missing 2 required positional arguments"),
        ("loss", np.zeros(3), "cannot be called; give a function"),
        ("optimizer", torch.optim.LBFGS, "the optimizer gave a LBFGS; give a function parameters -> optimizer"),
        ("optimizer", lambda parameters: None, "the optimizer gave a NoneType; give a function parameters"),
        (
            "augment",
            lambda images: images[:1],
            r"the augment gave \(1, 1, 6, 6\) torch.float32 for images of \(2, 1, 6, 6\)",
        ),
        ("augment", lambda images: images.numpy(), "the augment gave ndarray for images of"),
        ("augment", lambda images: images.double(), "the augment gave .* torch.float64 for images"),
    ],
)
def test_what_cannot_be_is_said_before_a_training(tmp_path, name, part, says):
    with pytest.raises(EvonasError, match=says) as error:
        prepared(tmp_path, {name: part}, **{name: "<part>"})
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_name_without_a_file_is_none(tmp_path):
    with pytest.raises(
        EvonasError, match="--optimizer 'adamw' names no function; give file.py:function, a function par"
    ):
        prepared(tmp_path, {}, optimizer="adamw")


def test_what_a_search_writes_is_no_option(tmp_path):
    with pytest.raises(EvonasError, match="'grouped' is no option: a search finds it and records it; take it out"):
        prepared(tmp_path, {}, grouped="x")


def test_what_cannot_travel_to_a_worker_is_said(tmp_path):
    says = "=<lambda> cannot be sent to another process; define it under its own name in a file, or search with one"
    with pytest.raises(EvonasError, match=f"augment{says}"):
        prepared(tmp_path, {"augment": lambda images: images * 1.0}, augment="<lambda>", workers=2)
    assert prepared(tmp_path, {"loss": F.cross_entropy}, loss="torch:loss", workers=2).trainer.fixed.loss


def test_a_class_of_losses_is_made(tmp_path):
    job = prepared(tmp_path, {"loss": torch.nn.CrossEntropyLoss}, loss="torch.nn:CrossEntropyLoss")
    assert isinstance(job.trainer.fixed.loss, torch.nn.CrossEntropyLoss)
    assert job.config.first is not None
    assert job.trainer.recipe(job.config.first[0]).label_smoothing == 0


def test_an_evaluator_of_ones_own_has_them_itself(tmp_path):
    (tmp_path / "own.py").write_text("def score(candidate, task, seed):\n    return {'f': 1.0}\n")
    trust.given(f"{tmp_path}/own.py:score")
    config = {"evaluator": f"{tmp_path}/own.py:score", "encoding": "net", "objectives": "f:max", "loss": "<loss>"}
    with pytest.raises(EvonasError, match="--loss <loss> means nothing to an evaluator of your own"):
        prepare(SearchConfig.make({**config, "archive": str(tmp_path / "a.db")}), objects={"loss": F.cross_entropy})
