"""Which examples the final network learns from, and that it is said."""

import re

import numpy as np
import pytest

from evonas.domains.domain import FinalTraining, TrainingOptions, domain_named
from evonas.encodings.series import SeriesEncoding
from tests.training.nets import Line, arrays

X, Y = arrays(120)
VAL = {"x_val": X[:30], "y_val": Y[:30]}
SERIES = np.repeat(X.reshape(120, -1)[:, :12, None], 2, axis=1)
SERIES_VAL = {"x_val": SERIES[:30], "y_val": Y[:30]}


def finished(folder, kind, x, options, others=(), **given):
    domain = domain_named(kind)
    split = domain.split(domain.from_arrays(x[30:90], Y[30:90], x[90:], Y[90:], name="mine", **given), seed=0)
    encoding = Line() if kind == "images" else SeriesEncoding()
    genome = 1.0 if kind == "images" else encoding.sample(np.random.default_rng(0))
    trainer = domain.trainer(encoding, split, TrainingOptions(epochs=2, device="cpu", **options))
    return domain.finish(trainer, FinalTraining(genome, others=others), "cell", 0, folder)


@pytest.mark.parametrize(
    ("given", "refit_all", "images", "says"),
    [
        ({}, False, 60, "learned from 48 training images and the 12 validation images drawn from them"),
        (VAL, False, 60, "not from the 30 validation images that were given: --refit-all adds them"),
        (VAL, True, 90, "learned from 60 training images and the 30 validation images that were given"),
    ],
)
def test_validation_images_that_were_given_join_only_where_it_is_asked_for(given, refit_all, images, says, tmp_path):
    found = finished(tmp_path, "images", X, {"refit_all": refit_all}, **given)
    assert found["images"] == 2 * images  # in two epochs
    (note,) = found["notes"]
    assert note.startswith("the final network learned from ")
    assert note.endswith(says)


@pytest.mark.parametrize(("refit_all", "series"), [(False, 60), (True, 90)])
def test_the_same_of_series(refit_all, series, tmp_path):
    found = finished(tmp_path, "series", SERIES, {"refit_all": refit_all}, **SERIES_VAL)
    assert found["images"] == 2 * series
    assert "60 training series" in found["notes"][0]


@pytest.mark.parametrize(
    ("others", "says"),
    [
        ((2.0,), "the network is the mean of 2 networks, with the parameters and operations of all"),
        ((2.0, np.inf), "the network is the mean of 2 networks, .*; the training of 1 more diverged"),
        ((np.inf,), "the network is a single one; the training of 1 more diverged"),
    ],
)
def test_what_became_of_several_genomes_is_said(others, says, tmp_path):
    found = finished(tmp_path, "images", X, {}, others)
    assert re.fullmatch(says, found["notes"][-1])
    assert found["genome"] == 1.0
