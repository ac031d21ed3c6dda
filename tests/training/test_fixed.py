"""Loss, optimizer and augmentation of one's own in a training."""

from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from evonas.core.errors import EvonasError
from evonas.core.fixed import Fixed, identity, named
from evonas.core.recipe import Recipe
from evonas.core.types import Candidate
from evonas.training.criterion import Criterion
from evonas.training.fitting import schedule
from evonas.training.trainer import TorchTrainer
from tests.training.nets import Line, blobs

sgd = partial(torch.optim.SGD, lr=0.2, momentum=0.9, nesterov=True)


def noisy(images):
    return images + 0.1 * torch.randn_like(images)


class Whole(Line):
    """Recipes that say everything."""

    def recipe(self, genome):
        varied = {"mirror_x": True, "shift_x": 0.3, "rotation": 10, "cutout": 0.4, "mixup": 0.2}
        return Recipe("muon", 0.1, label_smoothing=0.2, batch_size=32, **varied)


def trainer(folder=None, encoding=None, **fixed):
    return TorchTrainer(
        encoding or Line(),
        blobs(),
        epochs=4,
        lr=0.2,
        weight_decay=0,
        device="cpu",
        checkpoints=folder,
        fixed=Fixed(**fixed),
    )


def trained(given, fidelity=1.0):
    found = given(Candidate(1.0, fidelity), given.data.task, 0)
    assert found.ok, found.error
    return found.metrics


def test_cross_entropy_of_ones_own_is_the_same_training():
    plain = TorchTrainer(Line(), blobs(), epochs=4, lr=0.2, weight_decay=0, label_smoothing=0, device="cpu")
    for loss in (F.cross_entropy, torch.nn.CrossEntropyLoss(reduction="none")):
        assert trained(trainer(loss=loss))["val_loss"] == pytest.approx(trained(plain)["val_loss"], rel=1e-5)
    assert trained(trainer(loss=torch.nn.MultiMarginLoss()))["val_loss"] != trained(plain)["val_loss"]


def test_an_optimizer_of_ones_own_has_the_schedule_of_the_recipe():
    assert trained(trainer(optimizer=sgd))["val_loss"] == pytest.approx(trained(trainer())["val_loss"], rel=1e-5)
    seen = []

    def two_rates(parameters):
        groups = [{"params": parameters[:1], "lr": 0.1}, {"params": parameters[1:], "lr": 0.01}]
        made = torch.optim.AdamW(groups)
        made.register_step_pre_hook(lambda *_: seen.append([group["lr"] for group in made.param_groups]))
        return made

    trained(trainer(optimizer=two_rates))
    rates = np.array(seen)
    assert rates[:, 0] == pytest.approx(10 * rates[:, 1])
    assert rates[0, 0] == pytest.approx(0.1 * schedule(0.0))
    assert 0.09 < rates[:, 0].max() <= 0.1
    assert rates[-1, 0] < 0.02


def test_an_augmentation_of_ones_own_sees_each_batch_and_is_seeded():
    shapes = []

    def seen(images):
        shapes.append(tuple(images.shape))
        return noisy(images)

    first, again = trained(trainer(augment=seen)), trained(trainer(augment=noisy))
    assert first["val_loss"] == again["val_loss"] != trained(trainer())["val_loss"]
    assert len(shapes) == 4 * 2
    assert sum(shape[0] for shape in shapes) == 4 * 96
    assert shapes[0][1:] == (1, 6, 6)


def test_what_recipes_say_of_it_has_no_effect():
    def of(**fixed):
        return trainer(encoding=Whole(), **fixed).recipe(1.0)

    whole = of()
    assert of(loss=F.cross_entropy) == Recipe(**{**vars(whole), "label_smoothing": 0.0, "mixup": 0.0})
    assert of(optimizer=sgd) == Recipe(**{**vars(whole), "optimizer": "sgd", "lr": 1.0, "weight_decay": 0.0})
    plain = {"mirror_x": False, "shift_x": 0.0, "rotation": 0.0, "cutout": 0.0, "mixup": 0.0}
    assert of(augment=noisy) == Recipe(**{**vars(whole), **plain})


def test_a_shorter_training_is_the_first_part_of_a_longer_one(tmp_path):
    parts = {"loss": F.cross_entropy, "optimizer": partial(torch.optim.Adam, lr=0.02), "augment": noisy}
    trained(trainer(tmp_path, **parts), 0.5)
    assert list(tmp_path.iterdir())
    in_parts, whole = trained(trainer(tmp_path, **parts)), trained(trainer(tmp_path / "none", **parts))
    assert in_parts["val_loss"] == whole["val_loss"]


def test_balance_weights_a_loss_of_an_example_each():
    weights, logits, labels = torch.tensor([0.5, 2.0]), torch.randn(3, 2), torch.tensor([0, 0, 1])
    each = partial(F.cross_entropy, reduction="none")
    assert float(Criterion(own=each, weights=weights)(logits, labels)) == pytest.approx(
        float(Criterion(weights=weights)(logits, labels))
    )
    with pytest.raises(EvonasError, match="--balance weights examples, and the loss gives one number for all"):
        Criterion(own=F.cross_entropy, weights=weights)(logits, labels)


def test_trainings_with_other_parts_are_others():
    keys = {
        trainer("folder", **fixed)._key(1.0, 0)
        for fixed in (
            {},
            {"loss": F.cross_entropy},
            {"loss": partial(F.cross_entropy, reduction="none")},
            {"optimizer": sgd},
            {"optimizer": partial(sgd, lr=0.1)},
            {"augment": noisy},
            {"augment": lambda images: images},
        )
    }
    assert len(keys) == 7
    assert identity(sgd) == identity(partial(torch.optim.SGD, lr=0.2, momentum=0.9, nesterov=True))


def test_it_says_what_it_is():
    found = Fixed(loss=F.cross_entropy, optimizer=sgd).describe(np.array([0, 1]))
    assert found.startswith("the loss is your cross_entropy; label_smoothing, mixup of recipes have no effect\n")
    assert "the optimizer is your partial of SGD; optimizer, lr, weight_decay of recipes" in found
    assert named(torch.nn.CrossEntropyLoss()) == "CrossEntropyLoss"
