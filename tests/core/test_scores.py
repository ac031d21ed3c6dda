"""Balanced accuracy, macro F1 and the area under the ROC curve, beside scikit-learn's own."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from evonas.core.goals import metric
from evonas.core.scores import SCORES, asked, auc, balanced_accuracy, f1_macro


@settings(deadline=None, max_examples=25)
@given(st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_they_are_scikit_learns_where_all_classes_are_there(classes, seed):
    rng = np.random.default_rng(seed)
    y = np.concatenate([np.arange(classes), rng.integers(classes, size=30)])
    probabilities = rng.dirichlet(np.ones(classes), len(y))
    said = probabilities.argmax(1)
    assert balanced_accuracy(y, said) == pytest.approx(balanced_accuracy_score(y, said))
    assert f1_macro(y, said) == pytest.approx(f1_score(y, said, average="macro"))
    usual = (
        roc_auc_score(y, probabilities[:, 1]) if classes == 2 else roc_auc_score(y, probabilities, multi_class="ovr")
    )
    assert auc(y, probabilities) == pytest.approx(usual)


def test_classes_without_an_example_are_left_out_without_a_warning():
    y, probabilities = np.array([0, 0, 1]), np.array([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.1, 0.8, 0.1]])
    with warnings.catch_warnings(action="error"):
        assert balanced_accuracy(y, probabilities.argmax(1)) == 0.75
        assert auc(y, probabilities) == pytest.approx((0.75 + 1) / 2)
        assert math.isnan(auc(y[:2], probabilities[:2]))


def test_only_those_that_are_asked_for():
    assert [one.name for one in asked(("val_accuracy", "auc", "params"))] == ["auc"]
    assert all(one.kind == "y_true" and metric(name).maximize for name, one in SCORES.items())
