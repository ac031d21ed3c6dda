"""Metrics of a network's answers that evonas computes where a search asks for them."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from evonas.core.own_metrics import OwnMetric


def balanced_accuracy(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The mean of the classes' recalls, 0 to 1, of the classes that there are in `y_true` (n,)."""
    from sklearn.metrics import recall_score

    there = np.unique(y_true).tolist()  # of recall_score, for balanced_accuracy_score warns of answers beside them
    return float(recall_score(y_true, y_pred, labels=there, average="macro", zero_division=0))  # type: ignore[arg-type]


def f1_macro(y_true: np.ndarray, y_pred: np.ndarray) -> float:
    """The mean of the classes' F1, 0 to 1."""
    from sklearn.metrics import f1_score

    return float(f1_score(y_true, y_pred, average="macro", zero_division=0))  # type: ignore[arg-type]


def auc(y_true: np.ndarray, probabilities: np.ndarray) -> float:
    """The area under the ROC curve, 0 to 1: of two classes the usual one, of more the mean over each against the others
    (Provost & Domingos 2000). Classes without an example in `y_true` (n,) are left out; NaN where there is one class
    only."""
    from sklearn.metrics import roc_auc_score

    there = np.unique(y_true)
    if len(there) < 2:
        return float("nan")
    return float(np.mean([roc_auc_score(y_true == one, probabilities[:, one]) for one in there.tolist()]))


SCORES = {
    "balanced_accuracy": OwnMetric("balanced_accuracy", balanced_accuracy, ("y_true", "y_pred")),
    "f1_macro": OwnMetric("f1_macro", f1_macro, ("y_true", "y_pred")),
    "auc": OwnMetric("auc", auc, ("y_true", "probabilities")),
}


def asked(names: Collection[str]) -> tuple[OwnMetric, ...]:
    """Those of the names."""
    return tuple(one for name, one in SCORES.items() if name in names)
