"""The loss of a training, and classes that count alike in it."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional as F

from evonas.core.fixed import Fixed
from evonas.core.types import Candidate
from evonas.domains.images import images_from_arrays, split
from evonas.training.criterion import Criterion, class_weights
from evonas.training.trainer import TorchTrainer
from tests.training.nets import Line, arrays

LABELS = torch.tensor([0, 0, 0, 0, 0, 0, 1, 1, 2])


def logits():
    return torch.randn(len(LABELS), 3, generator=torch.Generator().manual_seed(0))


def test_weights_are_scikit_learns():
    weights = class_weights(LABELS, 3)
    usual = compute_class_weight("balanced", classes=np.arange(3), y=LABELS.numpy())
    assert weights.tolist() == pytest.approx(usual.tolist())
    assert float(weights[LABELS].mean()) == pytest.approx(1)
    assert class_weights(LABELS, 4)[3] == pytest.approx(9 / 4)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_each_class_has_the_same_share_of_the_loss(smoothing):
    found = Criterion(smoothing, class_weights(LABELS, 3))(logits(), LABELS)
    each = F.cross_entropy(logits(), LABELS, label_smoothing=smoothing, reduction="none")
    of_classes = [each[one == LABELS].mean() for one in range(3)]
    assert float(found) == pytest.approx(float(sum(of_classes)) / 3)


def test_shares_of_mixed_examples_are_weighted_as_labels_are():
    criterion, targets = Criterion(0.1, class_weights(LABELS, 3)), F.one_hot(LABELS, 3).float()
    assert float(criterion(logits(), targets)) == pytest.approx(float(criterion(logits(), LABELS)))


def test_without_weights_it_is_cross_entropy():
    assert float(Criterion(0.2)(logits(), LABELS)) == float(F.cross_entropy(logits(), LABELS, label_smoothing=0.2))


def unbalanced():
    """Noise whose brightness says a little of the class, which is the first one mostly."""
    x, y = arrays(300)
    rng = np.random.default_rng(1)
    kept = np.concatenate([np.flatnonzero(y == 0), np.flatnonzero(y == 1)[:12], np.flatnonzero(y == 2)[:12]])
    x = x // 3 + rng.integers(0, 150, x.shape)
    return split(images_from_arrays(x[kept].astype(np.uint8), y[kept], name="unbalanced"), seed=0)


def recall_of_the_rare(balance):
    data = unbalanced()
    trainer = TorchTrainer(Line(), data, epochs=20, lr=0.02, device="cpu", fixed=Fixed(balance=balance))
    task = data.task
    network, _ = trainer.train(Candidate(1.0), trainer.on_device("train"), 0, None, None)
    x, y = next(iter(trainer.on_device("train").batches(1000)))
    said = network.eval()(x).argmax(1)
    assert trainer(Candidate(1.0), task, 0).ok
    return float((said == y)[y > 0].float().mean())


def test_rare_classes_are_found_more_often():
    assert recall_of_the_rare(True) > recall_of_the_rare(False) + 0.15


def test_it_is_another_training_and_says_so(tmp_path):
    plain, balanced = (
        TorchTrainer(Line(), unbalanced(), epochs=1, device="cpu", checkpoints=tmp_path, fixed=Fixed(balance=b))
        for b in (False, True)
    )
    assert plain._key(1.0, 0) != balanced._key(1.0, 0)
    assert plain.describe() == ""
    assert balanced.describe().startswith(
        "classes count alike: the loss of an example is weighted inversely to its class"
    )
