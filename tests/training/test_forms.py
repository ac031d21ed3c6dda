"""Test-time augmentation: the forms of an image, their mean, and whether that helps on validation."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from evonas.core.optional import JudgesForms
from evonas.core.recipe import Recipe
from evonas.core.types import Candidate
from evonas.training.forms import ONE_FORM, Forms, OverForms, over_forms
from evonas.training.trainer import TorchTrainer
from tests.training.nets import HalfBlind, Line, blobs, either_half

IMAGES = torch.randn(4, 3, 6, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("forms", "count"),
    [
        (ONE_FORM, 1),
        (Forms(mirror_x=True), 2),
        (Forms(mirror_y=True), 2),
        (Forms(True, True), 4),
        (Forms(shift_y=1), 3),
        (Forms(True, False, 1, 1), 6),
        (Forms(True, True, 2, 1), 12),
    ],
)
def test_the_forms_are_all_different_and_the_first_is_the_image(forms, count):
    found = forms.each(IMAGES)
    assert len(found) == forms.count == count
    assert (found[0] == IMAGES).all()
    assert all(form.shape == IMAGES.shape for form in found)
    assert len({form.numpy().tobytes() for form in found}) == count


def test_a_shift_goes_there_and_back_and_repeats_the_border():
    _, there, back = Forms(shift_x=2, shift_y=1).each(IMAGES)
    assert (there[:, :, 1:, 2:] == IMAGES[:, :, :-1, :-2]).all()
    assert (there[:, :, 0, 0] == IMAGES[:, :, 0, 0]).all()
    assert (back[:, :, :-1, :-2] == IMAGES[:, :, 1:, 2:]).all()


@pytest.mark.parametrize(
    ("recipe", "shape", "forms"),
    [
        (Recipe(), (3, 32, 32), ONE_FORM),
        (Recipe(mirror_x=True, shift_x=0.125, shift_y=0.125), (3, 32, 32), Forms(True, False, 1, 1)),
        (Recipe(shift_x=0.125), (3, 8, 96), Forms(shift_x=3)),
        (Recipe(shift_x=0.02, shift_y=0.25), (3, 32, 32), Forms(shift_x=1, shift_y=1)),
        (Recipe(shift_x=0.01, mirror_y=True), (1, 32, 32), Forms(mirror_y=True)),  # less than half a pixel
        (Recipe(mirror_x=True, shift_x=0.125), (3, 32), ONE_FORM),  # series
    ],
)
def test_a_network_sees_no_form_that_it_was_not_trained_on(recipe, shape, forms):
    assert Forms.of(recipe, shape) == forms


def test_logits_are_the_mean_over_the_forms():
    network = nn.Sequential(nn.Flatten(), nn.Linear(144, 5))
    forms = Forms(True, False, 1, 1)
    expected = torch.stack([network(form) for form in forms.each(IMAGES)]).mean(0)
    assert torch.allclose(OverForms(network, forms)(IMAGES), expected)
    mirrored = OverForms(network, Forms(mirror_x=True))
    assert torch.allclose(mirrored(IMAGES), mirrored(IMAGES.flip(3)), atol=1e-6)
    assert over_forms(network, ONE_FORM) is network


def half_blind(folder, mirror=True, **options):
    options = {"epochs": 8, "device": "cpu", "kept": folder, **options}
    return TorchTrainer(HalfBlind(mirror), either_half(), **options)


def evaluated(trainer):
    return trainer(Candidate(1.0), trainer.data.task, 0)


def test_a_network_is_judged_on_validation_images_with_and_without(tmp_path):
    trainer = half_blind(tmp_path)
    assert isinstance(trainer, JudgesForms)
    evaluation = evaluated(trainer)
    found = trainer.judge_forms(evaluation, evaluation.candidate.genome, 60)
    left = trainer.handed_over(evaluation)
    assert found is not None
    assert left is not None
    x = left.preprocessing(torch.from_numpy(np.moveaxis(trainer.data.x_val, -1, 1).copy()))
    plain, over = (
        network(x).argmax(1).numpy() == trainer.data.y_val
        for network in (left.model, over_forms(left.model, Forms(mirror_x=True)))
    )
    assert (found.examples, found.mended, found.spoilt) == (len(x), (over & ~plain).sum(), (plain & ~over).sum())
    assert plain.mean() == pytest.approx(evaluation.metrics["val_accuracy"])
    assert found.helps


def test_the_decision_ends_when_its_time_is_over(tmp_path):
    trainer = half_blind(tmp_path)
    one = evaluated(trainer)
    found = trainer.judge_forms(one, one.candidate.genome, 0)
    assert found is not None
    assert found.examples == 64 < len(trainer.data.y_val)


def test_there_is_nothing_to_judge_without_another_form_or_without_the_network(tmp_path):
    plain = half_blind(tmp_path / "plain", mirror=False)
    one = evaluated(plain)
    assert plain.judge_forms(one, one.candidate.genome, 60) is None
    forgetful = half_blind(tmp_path / "none")
    one = evaluated(forgetful)
    assert replace(forgetful, kept=None).judge_forms(one, one.candidate.genome, 60) is None


def test_the_final_network_looks_at_the_forms_and_costs_so_many_times_more():
    trainer = half_blind(None)
    plain, over = (trainer.finish(1.0, 0, tta=tta) for tta in (False, True))
    assert over.metrics["flops"] == 2 * plain.metrics["flops"]
    assert over.metrics["params"] == plain.metrics["params"]
    assert over.metrics["test_accuracy"] > plain.metrics["test_accuracy"] + 0.1
    assert over.members[0].forms == Forms(mirror_x=True)
    x = over.preprocessing(torch.from_numpy(np.moveaxis(trainer.data.x_test, -1, 1).copy()))
    right = over.model(x).argmax(1).numpy() == trainer.data.y_test
    assert right.mean() == pytest.approx(over.metrics["test_accuracy"])


def test_a_network_without_other_forms_stays_itself():
    assert not isinstance(half_blind(None, mirror=False, epochs=1).finish(1.0, 0, tta=True).model, OverForms)
    shifted = TorchTrainer(Line(), blobs(), epochs=1, device="cpu")  # by an eighth of six pixels, which is one
    assert shifted.finish(1.0, 0, tta=True).members[0].forms == Forms(shift_x=1, shift_y=1)
