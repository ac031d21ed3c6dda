"""Groups: all examples of one patient, camera or day stay on one side of every split that evonas makes."""

from __future__ import annotations

from dataclasses import replace
from hashlib import blake2b
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np

from evonas.core.errors import EvonasError, choices
from evonas.domains import mapped
from evonas.domains.as_array import as_array
from evonas.domains.parts import TEST_SEED, TEST_SHARE, carved
from evonas.domains.splitting import plural, set_apart


@runtime_checkable
class Groupable(Protocol):
    """A whole data set of examples (n, *shape) with classes (n,) from 0; `aside` are the positions, among all that were
    given, of test examples that had to be taken from there (None: they were given as such); `groups` (n,) from 0."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    x_val: np.ndarray | None
    aside: np.ndarray | None
    groups: np.ndarray | None
    notes: Any

    @property
    def name(self) -> str: ...


D = TypeVar("D", bound=Any)


def read_groups(values: Any, n: int, name: str, what: str = "example") -> np.ndarray:
    """(n,) positions from 0 among the distinct values, which may be of any kind that has a text.

    Raises EvonasError where there are not n of them, one is missing, or all are the same.
    """
    array = as_array(values, "groups") if not isinstance(values, (list, tuple)) else np.array(values, dtype=object)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1 or len(array) != n:
        had = f"{len(array):,} values" if array.ndim == 1 else f"shape {array.shape}"
        raise EvonasError(f"groups has {had} for {n:,} {plural(what)} of {name!r}; give one for each, in their order")
    found = array.tolist()
    empty = next((i for i, one in enumerate(found) if one is None or one != one or str(one).strip() == ""), None)
    if empty is not None:
        raise EvonasError(f"groups has no value at position {empty}; give each {what} a group, one of its own at least")
    names, codes = np.unique([str(one) for one in found], return_inverse=True)
    if len(names) < 2:
        raise EvonasError(
            f"groups has one value only, {str(names[0])!r}: no {what} could be held back from it; leave groups out"
        )
    return codes.astype(np.int64)


def with_groups(data: D, values: Any, what: str) -> D:
    """The same data, of which no group is on two sides: test examples that had to be taken are taken anew.

    `values` (n,) are of all examples that were given for learning, in their order. Raises EvonasError where they cannot
    be, or where this kind of data has no groups.
    """
    if not isinstance(data, Groupable):
        raise EvonasError(f"groups: {type(data).__name__} cannot be split by groups; leave groups out")
    whole: Any = data  # a dataclass, which no protocol can say
    n = len(data.y) + (0 if data.aside is None else len(data.aside))
    codes = read_groups(values, n, data.name, what)
    number = f"{len(np.unique(codes)):,} groups, each on one side of every split"
    if data.aside is None:
        given = f"{number}; the test {plural(what)} are those that were given, whatever their groups"
        return replace(whole, groups=codes, notes=(*data.notes, given))
    x, y = (_whole(getattr(data, part), getattr(data, f"{part}_test"), data.aside) for part in ("x", "y"))
    rng, validated = np.random.default_rng(TEST_SEED), data.x_val is not None
    kept, aside = set_apart(y, codes, round(TEST_SHARE * n), rng, data.name, kept=1 if validated else 2)
    notes = [note for note in data.notes if note != carved(what)]
    parts = {"x": mapped.taken(x, kept), "y": y[kept], "x_test": mapped.taken(x, aside), "y_test": y[aside]}
    return replace(
        whole,
        **parts,
        **_files(data, kept, aside),
        aside=aside,
        groups=codes[kept],
        notes=(*notes, number, carved(what, True)),
    )


def one_sided(data: Any, val: np.ndarray, test: np.ndarray, what: str) -> tuple[str, ...]:
    """Lines on classes that no group which was held back has: (n,) classes that validate and that test, as far as
    evonas chose them."""
    if data.groups is None:
        return ()
    chosen = [("validation", val)] if data.x_val is None else []
    chosen += [("test", test)] if data.aside is not None else []
    lines = []
    for use, labels in chosen:
        there = set(labels.tolist())
        absent = [name for code, name in enumerate(data.class_names) if code not in there]
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        if absent:
            lines.append(f"no {use} {what} is of {choices(absent[:5])}{more}: whole groups are held back, none with it")
    return tuple(lines)


def digest(groups: np.ndarray) -> str:
    """Tells whether groups are the same, whatever they are called."""
    _, first, codes = np.unique(groups, return_index=True, return_inverse=True)
    in_order = np.argsort(np.argsort(first))[codes]
    return blake2b(in_order.astype("<i8").tobytes(), digest_size=8).hexdigest()


def _whole(some: np.ndarray, others: np.ndarray, aside: np.ndarray) -> np.ndarray:
    """What was divided, in its order."""
    found = mapped.empty((len(some) + len(others), *some.shape[1:]), some.dtype)
    found[np.setdiff1d(np.arange(len(found)), aside)] = some
    found[aside] = others
    return found


def _files(data: Any, kept: np.ndarray, aside: np.ndarray) -> dict[str, Any]:
    """The names of files, where there are any."""
    every = all_files(data)
    return {"files": [every[i] for i in kept], "files_test": [every[i] for i in aside]} if every else {}


@runtime_checkable
class HasFiles(Protocol):
    """Data that came from files, one each: their names, below the folder that was given."""

    files: Any
    files_test: Any


def all_files(data: Any) -> list[str]:
    """Names of all that was given for learning, in its order; none where there are none."""
    if not isinstance(data, HasFiles) or not data.files:
        return []
    aside = np.zeros(0, int) if not isinstance(data, Groupable) or data.aside is None else data.aside
    found = np.empty(len(data.files) + len(aside), dtype=object)
    found[np.setdiff1d(np.arange(len(found)), aside)] = list(data.files)
    found[aside] = list(data.files_test) if len(aside) else []
    return found.tolist()
