"""A linear model on the plain values: what a network has to be better than to be worth having."""

from __future__ import annotations

import numpy as np

from evonas.domains.mapped import taken
from evonas.domains.splitting import ArraySplit

VALUES = 1024  # of an example: larger ones are made smaller by means of neighbours
WORK = 2.5e9  # examples × values² of the fit, under a second on a slow core
PENALTIES = (0.001, 0.01, 0.1)  # of squared weights, times the examples; values have a variance of one all together
AT_ONCE, NUMBERS = 4096, 2**24  # examples that are looked at at one time at most, and their values


def linear_accuracy(split: ArraySplit, rng: np.random.Generator) -> tuple[float, int]:
    """Test accuracy (0 to 1) of ridge regression on the classes, and how many training examples it learned from.

    The strength of its penalty is chosen on validation examples. It learns from as many training examples, drawn by
    `rng`, as take about a second. The test set is looked at once.
    """
    from sklearn.linear_model import RidgeClassifier

    shape = split.x_train.shape[1:]
    values = int(np.prod([-(-side // step) for side, step in zip(shape, _steps(shape), strict=True)]))
    most = max(len(split.class_names), int(WORK / values**2))
    train, val = (_some(len(y), n, rng) for y, n in ((split.y_train, most), (split.y_val, most)))
    x, y = flat(taken(split.x_train, train)), split.y_train[train]
    mean, deviation = x.mean(0), float(x.std()) or 1.0
    x = (x - mean) / deviation
    x_val, y_val = (flat(taken(split.x_val, val)) - mean) / deviation, split.y_val[val]
    models = [RidgeClassifier(alpha=penalty * len(x)).fit(x, y) for penalty in PENALTIES]
    best = max(models, key=lambda model: model.score(x_val, y_val)) if len(val) else models[1]
    right = 0
    for part in _pieces(split.x_test):
        said = best.predict((flat(split.x_test[part]) - mean) / deviation)
        right += int(np.count_nonzero(said == split.y_test[part]))
    return right / len(split.y_test), len(train)


def flat(x: np.ndarray) -> np.ndarray:
    """(n, *sizes, channels) -> (n, values) floats: as they are, or means of neighbours where there are too many. Large
    examples, which need not fit in memory, are looked at in pieces."""
    return np.concatenate([_means(x[part]) for part in _pieces(x)])


def _pieces(x: np.ndarray) -> list[slice]:
    """Of examples, one after the other."""
    step = max(1, min(AT_ONCE, NUMBERS // max(1, int(np.prod(x.shape[1:])))))
    return [slice(start, start + step) for start in range(0, len(x), step)] or [slice(0, 0)]


def _means(x: np.ndarray) -> np.ndarray:
    found = x.astype(np.float32)
    for axis, step in enumerate(_steps(x.shape[1:]), 1):
        if step > 1:
            starts = np.arange(0, x.shape[axis], step)
            sizes = np.diff([*starts, x.shape[axis]]).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
            found = np.add.reduceat(found, starts, axis) / sizes
    return found.reshape(len(found), int(np.prod(found.shape[1:]))).astype(np.float32)


def _steps(shape: tuple[int, ...]) -> tuple[int, ...]:
    """How many neighbours become one along each axis; channels stay."""
    *sizes, channels = shape
    step = 1
    while channels * np.prod([-(-size // step) for size in sizes]) > VALUES and step < max(sizes):
        step += 1
    return (*(step for _ in sizes), 1)


def _some(there: int, most: int, rng: np.random.Generator) -> np.ndarray:
    """Positions, sorted: all, or so many drawn."""
    return np.arange(there) if there <= most else np.sort(rng.choice(there, most, replace=False))
