"""From labels of any common type to classes: positions 0, 1, … and their names."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError
from evonas.domains.as_array import as_array

Label = int | str


def read_labels(values: Any, what: str, of: str = "image") -> tuple[list[Label], np.ndarray]:
    """The distinct labels, sorted, and (n,) int64 positions among them.

    `what` is the name of the values in messages, `of` what each of them is a label of.

    Labels are whole numbers (floats that are whole and booleans too) or text (bytes are read as UTF-8), of any type of
    NumPy, torch or pandas. Raises EvonasError, one line, where they are something else, or of both kinds.
    """
    if isinstance(values, (list, tuple)) and any(_changed_by_numpy(value) for value in values):
        values = np.array(values, dtype=object)
    array = as_array(values, what)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        hint = "; of one-hot rows y.argmax(1) is the label" if array.ndim == 2 and len(array) else ""
        raise EvonasError(f"{what} has shape {array.shape}; give one label {with_article(of)}, shape (n,){hint}")
    if array.dtype.kind == "f":
        array = array.astype(np.float64)
        if not ((np.abs(array) < 2**62).all() and (array == np.rint(array)).all()):
            raise EvonasError(f"{what} holds NaN or numbers that are not whole; give classes as 0, 1, … or as strings")
        array = array.astype(np.int64)
    if array.dtype.kind not in "biuUSTO":
        raise EvonasError(f"{what} holds {array.dtype} values; give classes as whole numbers or strings")
    if array.dtype.kind not in "biuU":
        labels = [_label(value, what, of, position) for position, value in enumerate(array.tolist())]
    elif len(array):
        distinct, codes = np.unique(array, return_inverse=True)
        return distinct.tolist(), codes.astype(np.int64)
    else:
        labels = []
    distinct = set(labels)
    if len({isinstance(label, str) for label in distinct}) > 1:
        some = sorted({type(label).__name__ for label in distinct})
        raise EvonasError(f"{what} mixes labels of {' and '.join(some)}; give all as whole numbers, or all as strings")
    ordered = sorted(distinct)  # type: ignore[type-var]
    code = {label: i for i, label in enumerate(ordered)}
    return ordered, np.array([code[label] for label in labels], dtype=np.int64)


def _changed_by_numpy(value: Any) -> bool:
    """NumPy makes text of all that is beside text, and floats of whole numbers where one needs more than 63 bits."""
    return isinstance(value, (str, bytes)) or (isinstance(value, Integral) and not -(2**63) <= int(value) < 2**63)


def _label(value: Any, what: str, of: str, position: int) -> Label:
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (Integral, np.bool_)):
        return int(value)
    if isinstance(value, Real) and float(value).is_integer():
        return int(float(value))
    if value is None or type(value).__name__ in ("NAType", "NaTType") or value != value:
        raise EvonasError(
            f"{what} holds no label at position {position} ({value}); leave that {of} out, or name its class"
        )
    raise EvonasError(
        f"{what} holds a {type(value).__name__} at position {position}; give classes as whole numbers or strings"
    )


def with_article(noun: str) -> str:
    """`an image`, `a series`."""
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def word(label: Any) -> str:
    """The name of a class, which can be printed and written: bytes that are no UTF-8 (from the names of old ZIP files,
    say) are written as `\\xe9`."""
    if isinstance(label, bytes):
        return label.decode("utf-8", "backslashreplace")
    try:
        return str(label).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half of a pair of surrogates
        return str(label).encode("utf-8", "backslashreplace").decode("utf-8")


def class_words(names: Sequence[Any], classes: int, name: str) -> tuple[str, ...]:
    """Raises EvonasError where there are not so many names, or one is there twice."""
    words = tuple(map(word, names))
    if len(words) != classes:
        raise EvonasError(f"{name!r} has {classes} classes but {len(words)} class names; name each class")
    twice = [one for one in words if words.count(one) > 1]
    if twice:
        raise EvonasError(f"{name!r} has the class name {twice[0]!r} twice; give each class its own")
    return words
