"""Stratified splits: which examples are trained on, which validate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evonas.core.errors import EvonasError
from evonas.core.types import Task
from evonas.domains import mapped

VALIDATION_SHARE = 0.2
MOST_VALIDATION = 10_000  # examples; more would cost time and tell little
TRIES, WORK = 32, 20_000  # random orders that groups are gone through in; groups that are looked at in all of them


@dataclass(frozen=True)
class ArraySplit:
    """What one run works with: examples (n, *shape), int64 labels (n,), and the task they make.

    `val_given` is whether the validation examples were given, or drawn from those to be learned from.
    """

    task: Task
    x_train: np.ndarray
    y_train: np.ndarray
    x_val: np.ndarray
    y_val: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    class_names: tuple[str, ...]
    val_given: bool = False

    def refits(self, given: bool) -> bool:
        """Whether a final network learns from validation examples too: from drawn ones, for they are training examples;
        from those that were given where this is asked for."""
        return given or not self.val_given

    def labelled(self) -> tuple[np.ndarray, np.ndarray]:
        """All examples with known labels, training and validation: (n, *shape) and (n,)."""
        joined = mapped.empty((len(self.x_train) + len(self.x_val), *self.x_train.shape[1:]), self.x_train.dtype)
        joined[: len(self.x_train)] = self.x_train
        joined[len(self.x_train) :] = self.x_val
        return joined, np.concatenate([self.y_train, self.y_val])


def split_positions(
    labels: np.ndarray,
    *,
    seed: int,
    train_size: int | None = None,
    name: str,
    what: str = "image",
    validated: bool = False,
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Positions in (n,) `labels` that train and that validate, stratified by class and drawn by `seed`.

    A fifth validates, 10,000 at most. With `train_size`, so many are trained on, and a quarter as many more, of those
    that are left, validate. Where others validate (`validated`), all may be trained on. Examples of one of the (n,)
    `groups` do not do both. Labels are 0 to classes - 1.

    Raises EvonasError where a class would be missing from either part.
    """
    rng = np.random.default_rng([seed, 0x5117])
    available, classes = len(labels), len(np.unique(labels))
    most = available if validated else available - classes
    if train_size is not None and not classes <= train_size <= most:
        raise EvonasError(
            f"--train-size {train_size} is not valid: {name!r} has {available} {plural(what)} of {classes} classes "
            f"to train {'' if validated else 'and validate '}on; give {classes} to {most}"
        )
    rest, val = np.arange(available), np.arange(0)
    if not validated:
        validation = min(MOST_VALIDATION, round(available * VALIDATION_SHARE))
        if train_size is not None:
            validation = min(MOST_VALIDATION, max(classes, train_size // 4), available - train_size)
        if groups is None:
            rest, val = stratified(labels, validation, rng, name, what)
        else:
            rest, val = set_apart(labels, groups, validation, rng, name)
    if train_size is not None and train_size < len(rest):
        rest = rest[_drawn(labels[rest], train_size, rng, spared=0)]
    return rest, val


def stratified(
    labels: np.ndarray, total: int, rng: np.random.Generator, name: str, what: str = "image"
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of those kept and of the `total` put aside, both sorted; of each class at least one on either side.

    Raises EvonasError where a class has a single example.
    """
    classes, counts = np.unique(labels, return_counts=True)
    if counts.min() < 2:
        raise EvonasError(
            f"class {classes[counts.argmin()]} of {name!r} has a single {what}, too few to split; "
            "give at least two a class"
        )
    aside = _drawn(labels, total, rng, spared=1)
    return np.setdiff1d(np.arange(len(labels)), aside, assume_unique=True), aside


def set_apart(
    labels: np.ndarray, groups: np.ndarray, total: int, rng: np.random.Generator, name: str, kept: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of those that stay and of those put aside, both sorted: whole groups, near `total` examples and of each
    class in proportion, as near as some random orders of the groups lead.

    Every class and at least `kept` groups stay, so a class that a single group has is not put aside. Raises EvonasError
    where no group can be.
    """
    table = np.zeros((int(groups.max()) + 1, int(labels.max()) + 1))
    np.add.at(table, (groups, labels), 1)
    there, counts = np.flatnonzero(table.sum(1)), table.sum(0)
    known = counts > 0
    share = total / len(labels)
    least, best = np.inf, []
    for _ in range(max(1, min(TRIES, WORK // len(there)))):
        taken, chosen = np.zeros(len(counts)), []
        away = np.inf
        for group in rng.permutation(there):
            more = taken + table[group]
            distance = float(np.square(more[known] / counts[known] - share).sum())
            if len(there) - len(chosen) > kept and (more[known] < counts[known]).all() and distance < away:
                chosen.append(group)
                taken, away = more, distance
        if chosen and away < least:
            least, best = away, chosen
    if not best:
        raise EvonasError(
            f"{name!r} cannot be split by its {len(there)} groups: whichever is held back, a class is not learned from "
            "or too few groups are left; give more groups, or leave groups out"
        )
    aside = np.isin(groups, best)
    return np.flatnonzero(~aside), np.flatnonzero(aside)


def plural(what: str) -> str:
    """`image` -> `images`, `series` -> `series`."""
    return what if what.endswith("s") else f"{what}s"


def class_counts(labels: np.ndarray, class_names: Sequence[str]) -> str:
    """`cat (50), dog (48)`; of more than twelve classes only the range of their counts."""
    counts = np.bincount(labels, minlength=len(class_names))
    if len(class_names) > 12:
        return f"{counts.min():,} to {counts.max():,} each"
    return ", ".join(f"{name} ({count:,})" for name, count in zip(class_names, counts, strict=True))


def _drawn(labels: np.ndarray, total: int, rng: np.random.Generator, spared: int) -> np.ndarray:
    """Sorted positions of `total` labels, of each class in proportion, at least one and at most all but `spared`."""
    _, counts = np.unique(labels, return_counts=True)
    order = rng.permutation(len(labels))
    by_class = order[np.argsort(labels[order], kind="stable")]
    starts = np.cumsum(counts) - counts
    quotas = _quotas(counts, total, counts - spared)
    return np.sort(np.concatenate([by_class[s : s + quota] for s, quota in zip(starts, quotas, strict=True)]))


def _quotas(counts: np.ndarray, total: int, most: np.ndarray) -> np.ndarray:
    """`total` divided in proportion to `counts` by largest remainders, as far as shares of 1 to `most` allow."""
    exact = counts * total / counts.sum()
    quotas = np.clip(np.floor(exact).astype(int), 1, most)
    while missing := total - quotas.sum():
        step = 1 if missing > 0 else -1
        free = quotas < most if step > 0 else quotas > 1
        if not free.any():
            break
        quotas[np.where(free, step * (exact - quotas), -np.inf).argmax()] += step
    return quotas
