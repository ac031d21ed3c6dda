"""What may be learned from, what validates and what tests, with labels checked and missing parts carved out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError, choices
from evonas.domains.labels import Label, class_words, read_labels, with_article
from evonas.domains.mapped import taken
from evonas.domains.splitting import plural, stratified

TEST_SHARE = 0.2
TEST_SEED = 0  # a test set that has to be carved out is the same one whatever the run's seed


@dataclass(frozen=True)
class Parts:
    """Examples (n, *shape) and (n,) int64 classes of each part; validation ones where they were given. `aside` are the
    positions in the user's `x` of test examples that had to be taken from there."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    x_val: np.ndarray | None
    y_val: np.ndarray | None
    class_names: tuple[str, ...]
    notes: tuple[str, ...]
    aside: np.ndarray | None = None


def check_pairs(name: str, **parts: tuple[Any, Any]) -> None:
    """Raises EvonasError where a part has examples without labels, or labels without examples."""
    for part, (x, y) in parts.items():
        if (x is None) != (y is None):
            raise EvonasError(f"{name!r} has one of x_{part} and y_{part}; give both, or neither")


def make_parts(
    x: np.ndarray,
    y: Any,
    test: tuple[np.ndarray | None, Any] = (None, None),
    val: tuple[np.ndarray | None, Any] = (None, None),
    *,
    name: str,
    what: str,
    class_names: Sequence[str] | None = None,
) -> Parts:
    """Parts of examples that are read already, with a user's labels for them.

    A stratified fifth is put aside where there is no test part. `what` is one example in a sentence.

    Raises EvonasError, one line, where labels or their number are not valid.
    """
    for part, examples in (("val", val[0]), ("test", test[0])):
        if examples is not None and not len(examples):
            raise EvonasError(
                f"x_{part} of {name!r} has no {plural(what)}; give some, or leave x_{part} and y_{part} out"
            )
    classes, codes = read_labels(y, "y", what)
    _check_count(x, codes, name, what)
    if len(classes) < 2:
        raise EvonasError(f"{name!r} has one class only, {classes[0]!s}; a search needs {plural(what)} of two or more")
    if len(x) < len(classes):
        raise EvonasError(f"{name!r} has {len(x)} {plural(what)} for {len(classes)} classes; give several for each")
    words = class_words(classes if class_names is None else class_names, len(classes), name)
    missing = [use for use, part in (("validate", val[0]), ("test", test[0])) if part is None]
    _check_enough(codes, words, name, what, missing)
    answers = {}
    for part, (examples, labels) in (("validation", val), ("test", test)):
        answers[part] = None if examples is None else _codes(labels, classes, part, name, what)
        if examples is not None:
            _check_count(examples, answers[part], name, what)
    validated = classes if val[0] is None else [classes[code] for code in np.unique(answers["validation"])]
    notes = unvalidated(classes, validated, what)
    if test[0] is not None:
        return Parts(x, codes, test[0], answers["test"], val[0], answers["validation"], words, notes)
    kept, aside = stratified(codes, round(TEST_SHARE * len(codes)), np.random.default_rng(TEST_SEED), name, what)
    divided = taken(x, kept), codes[kept], taken(x, aside), codes[aside]
    return Parts(*divided, val[0], answers["validation"], words, (*notes, carved(what)), aside)


def carved(what: str, groups: bool = False) -> str:
    """A line on a test part that had to be made."""
    how = "about a fifth, whole groups, is" if groups else "a fixed fifth, stratified by class, is"
    return f"no test {plural(what)} were given: {how} kept for the test"


def unvalidated(classes: Sequence[Label], validated: Sequence[Label], what: str) -> tuple[str, ...]:
    """A line on the classes of which no example validates, where there are any: nothing tells how they are learned."""
    absent = sorted(set(classes) - set(validated))  # type: ignore[type-var]
    line = f"no validation {what} is of {len(absent)} of the {len(classes)} classes: {choices(absent[:5])}"
    return (line,) if absent else ()


def _codes(labels: Any, classes: Sequence[Label], part: str, name: str, what: str) -> np.ndarray:
    """(n,) positions in `classes`."""
    code = {label: i for i, label in enumerate(classes)}
    found, codes = read_labels(labels, "y_val" if part == "validation" else f"y_{part}", what)
    unknown = [label for label in found if label not in code]
    if unknown:
        raise EvonasError(f"{name!r} has {part} labels that no training {what} has: {unknown[:5]}")
    return np.array([code[label] for label in found], dtype=np.int64)[codes]


def _check_count(examples: np.ndarray, labels: np.ndarray, name: str, what: str) -> None:
    if len(examples) != len(labels):
        raise EvonasError(
            f"{name!r} has {len(examples)} {plural(what)} but {len(labels)} labels; give one label {with_article(what)}"
        )


def _check_enough(codes: np.ndarray, words: Sequence[str], name: str, what: str, missing: Sequence[str]) -> None:
    """Of each class one example to train on, and one for each of the parts that have to be carved out."""
    counts, needed = np.bincount(codes), 1 + len(missing)
    if counts.min() < needed:
        uses = " and ".join(filter(None, [", ".join(["train", *missing][:-1]), ["train", *missing][-1]]))
        raise EvonasError(
            f"class {words[int(counts.argmin())]!r} of {name!r} has {counts.min()} of the {needed} {plural(what)} or "
            f"more that it takes to {uses} on; add some, or leave the class out"
        )
