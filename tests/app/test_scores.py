"""Metrics of a network's answers in a whole search: objectives, limits, replayed, and of the test set at the end."""

import functools

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, f1_score

from evonas.core.errors import EvonasError
from evonas.domains.images import images_from_arrays
from evonas.domains.series import series_from_arrays
from evonas.report import quality
from tests.app.quick import resume, search
from tests.app.test_limits import blobs, options, trials

SEARCH = {"encoding": "cell(width=4)", "method": "random", "trials": 3}
OWN = {
    "recall": balanced_accuracy_score,
    "errors": lambda y_true, y_pred: float(np.mean(y_true != y_pred)),
    "sureness": lambda y_true, probabilities: float(probabilities[np.arange(len(y_true)), y_true].mean()),
}


def test_they_are_computed_where_they_are_asked_for_and_replayed(tmp_path):
    given = {**SEARCH, "objectives": "balanced_accuracy,auc", "metrics": OWN}
    result = search(*blobs(), **options(tmp_path, "f1_macro>=0.01", **given))
    found = trials(tmp_path)
    for one in found:
        assert one.metrics["errors"] == pytest.approx(1 - one.metrics["val_accuracy"])
        assert one.metrics["balanced_accuracy"] == one.metrics["recall"]
        assert 0 <= one.metrics["auc"] <= 1
        assert 0 < one.metrics["sureness"] < 1
        assert "f1_macro" in one.metrics
    assert result["metrics"]["balanced_accuracy"] == max(one.metrics["balanced_accuracy"] for one in found)
    of_test = result["quality"]["metrics"]
    assert of_test["errors"] == pytest.approx(1 - result["test_accuracy"])
    assert set(of_test) == {*OWN, "balanced_accuracy", "auc", "f1_macro"}
    assert any(
        "on the test examples: " in line and "balanced accuracy" in line for line in quality.words(result["quality"])
    )
    place = {"archive": str(tmp_path / "a.db"), "data": images_from_arrays(*blobs(), name="memory")}
    with pytest.raises(EvonasError, match="the metric 'errors' was an object, which is gone"):
        resume("run", trials=4, **place)
    resume("run", trials=4, metrics=OWN, **place)
    assert trials(tmp_path)[:3] == found


def test_nothing_is_computed_that_nobody_asks_for(tmp_path):
    result = search(*blobs(), **options(tmp_path, **{**SEARCH, "trials": 1}))
    assert not {"auc", "f1_macro", "balanced_accuracy"} & trials(tmp_path)[0].metrics.keys()
    assert result["quality"]["metrics"] == {}


def test_series_have_them(tmp_path):
    rng, y = np.random.default_rng(0), np.arange(60) % 2
    series = rng.normal(size=(60, 16)) + 3.0 * y[:, None]
    given = options(tmp_path, trials=1, method="random", objectives="auc")
    search(series, y, domain="series", **given)
    assert trials(tmp_path)[0].metrics["auc"] > 0.5
    assert series_from_arrays(series, y).name == "memory"


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        ({"macro": f1_score}, "the metric 'macro' raised ValueError: Target is multiclass but average='binary'"),
        ({"macro": lambda y_true: 1.0}, r"--metric macro takes \(y_true\); let it take genome"),
        ({"macro": lambda y_pred: 1.0}, r"--metric macro takes \(y_pred\); let it take genome"),
        (
            {"macro": lambda y, p: 1.0},
            r"--metric macro takes \(y, p\); let it take .* y_true with y_pred or probabilities",
        ),
        ({"macro": lambda y_true, y_pred: y_pred}, "the metric 'macro' gave a ndarray, not a number"),
        ({"auc": f1_score}, "evonas has a metric 'auc' of its own"),
    ],
)
def test_what_cannot_be_is_said_before_a_training(tmp_path, metrics, says):
    with pytest.raises(EvonasError, match=says) as error:
        search(*blobs(), **options(tmp_path, **{**SEARCH, "metrics": metrics}))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_function_with_an_argument_of_its_own_is_gone_afterwards(tmp_path):
    own = {"macro": functools.partial(f1_score, average="macro")}
    search(*blobs(), **options(tmp_path, **{**SEARCH, "trials": 1, "metrics": own, "objectives": "macro:max"}))
    place = {"archive": str(tmp_path / "a.db"), "data": images_from_arrays(*blobs(), name="memory")}
    with pytest.raises(EvonasError, match="the metric 'macro' was an object, which is gone; give it again"):
        resume("run", trials=2, **place)
