"""The files of the UCR/UEA time series archives: `.tsv` (label first) and `.ts` (header, label last).

`.ts` is the format of sktime and aeon; https://www.aeon-toolkit.org describes it. Values are numbers, `?` or `NaN`
where one is missing; dimensions are separated by `:` and may have different lengths.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from evonas.core.errors import EvonasError

SUFFIXES = (".ts", ".tsv")


def read(path: Path) -> tuple[list[np.ndarray], np.ndarray]:
    """Series (length, channels), NaN where a value is missing, and their labels, whole numbers where all are.

    Raises EvonasError that names the file and the line that is not valid.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvonasError(f"{str(path)!r} cannot be read: {error}") from error
    parse = _ts if path.suffix.lower() == ".ts" else _tsv
    series, labels = [], []
    for number, dimensions, label in parse(path, lines):
        if series and len(dimensions) != series[0].shape[1]:
            raise EvonasError(
                f"line {number} of {str(path)!r} has {len(dimensions)} dimensions, the first {series[0].shape[1]}"
            )
        try:
            series.append(_together([_numbers(text) for text in dimensions]))
        except ValueError as error:
            raise EvonasError(f"line {number} of {str(path)!r} is no series of numbers: {error}") from None
        labels.append(label)
    if not series:
        raise EvonasError(f"{str(path)!r} holds no series; a .ts file has them behind @data, a .tsv file one a line")
    return series, _labels(labels)


def _tsv(path: Path, lines: list[str]) -> Iterator[tuple[int, list[list[str]], str]]:
    for number, line in enumerate(lines, 1):
        if line.strip():
            label, *values = line.strip("\r\n").split("\t")
            if not values:
                raise EvonasError(f"line {number} of {str(path)!r} has no tab; give a label, then values")
            yield number, [values], label.strip()


def _ts(path: Path, lines: list[str]) -> Iterator[tuple[int, list[list[str]], str]]:
    header: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        text = line.strip()
        if not text or text[0] in "#%":
            continue
        if "data" not in header:
            if not text.startswith("@"):
                raise EvonasError(f"line {number} of {str(path)!r} is neither a header (@…) nor behind @data")
            key, _, value = text[1:].partition(" ")
            header[key.lower()] = value.strip().lower()
            if key.lower() == "data":
                _check_header(path, header)
            continue
        *dimensions, label = text.split(":")
        if not dimensions:
            raise EvonasError(f"line {number} of {str(path)!r} has no label; it stands behind the last colon")
        yield number, [part.split(",") for part in dimensions], label.strip()


def _check_header(path: Path, header: dict[str, str]) -> None:
    if header.get("timestamps", "false") == "true":
        raise EvonasError(f"{str(path)!r} has time stamps, which are not read; write it with equally spaced values")
    if not header.get("classlabel", "false").startswith("true"):
        what = "numbers as targets" if "targetlabel" in header else "no class labels"
        raise EvonasError(f"{str(path)!r} has {what}; a search needs classes (@classLabel true …)")


def _numbers(values: list[str]) -> np.ndarray:
    return np.array([np.nan if value.strip() in ("?", "") else float(value) for value in values])


def _together(dimensions: list[np.ndarray]) -> np.ndarray:
    """(length, channels): as long as the longest, NaN behind the end of shorter ones."""
    found = np.full((max(map(len, dimensions)), len(dimensions)), np.nan)
    for channel, values in enumerate(dimensions):
        found[: len(values), channel] = values
    return found


def _labels(labels: list[str]) -> np.ndarray:
    try:
        numbers = np.array([float(label) for label in labels])
    except ValueError:
        return np.array(labels)
    whole = np.isfinite(numbers).all() and (numbers == np.rint(numbers)).all()
    return numbers.astype(np.int64) if whole else np.array(labels)
