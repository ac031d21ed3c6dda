"""From pictures, each with its label, to `Images`: at one size, grey where all are, mapped where they are many."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError, choices
from evonas.domains.images.arrays import images_from_arrays
from evonas.domains.images.dataset import Images
from evonas.domains.images.decoding import decode
from evonas.domains.images.framing import Frame
from evonas.domains.images.pictures import Source
from evonas.domains.images.reader import ImageReader
from evonas.domains.images.sizes import chosen_size
from evonas.domains.images.source_options import SourceOptions
from evonas.domains.images.walking import PARTS, Found
from evonas.domains.labels import Label, word

Pictures = Mapping[str, Sequence[tuple[Source, Label]]]


def collected(pictures: Pictures, options: SourceOptions, found: Found, name: str) -> Images:
    """`Images` of pictures with their labels in the parts `train`, and perhaps `val` and `test`.

    Raises EvonasError, one line, where a picture cannot be read.
    """
    empty = next((part for part, held in pictures.items() if not held), None)
    if empty is not None:
        raise EvonasError(f"the part {empty!r} of {name!r} holds no pictures; give it some, or take it away")
    files = {part: [file for file, _ in held] for part, held in pictures.items()}
    labels = {part: [label for _, label in held] for part, held in pictures.items()}
    size = (options.size, options.size) if options.size else None
    if size is None:
        size, why = chosen_size(files["train"], found.source)
        found.notes += [why] if why else []
    frame = Frame(*size, options.fit)
    arrays, ground, deep = decode(files, frame, found)
    names = {part: [word(found.name(file)) for file in held] for part, held in files.items()}
    images = images_from_arrays(
        arrays["train"],
        labels["train"],
        arrays.get("test"),
        labels.get("test"),
        x_val=arrays.get("val"),
        y_val=labels.get("val"),
        channels="last",
        name=name,
        notes=found.notes,
        left_out=found.left_out(),
        files=names["train"],
        files_test=names.get("test", ()),
    )
    reader = images.reader or ImageReader((*size, images.x.shape[-1]))
    frame = replace(frame, ground=_byte(ground, reader, arrays["train"]))
    return replace(images, reader=replace(reader, frame=frame, deep=deep))


def part_named(text: str) -> str | None:
    """`train`, `val` or `test` of what it may be called: `Validation`, `train-00001-of-00004`; None of another word."""
    plain = text.strip().lower()
    for part, words in PARTS.items():
        if any(plain == one or (plain.startswith(one) and not plain[len(one)].isalpha()) for one in words):
            return part
    return None


def in_parts(split: Mapping[str, Sequence[Any]], source: str) -> dict[str, Sequence[Any]]:
    """What is listed by the names of its splits, by parts; one that stands alone is for training, whatever its name.

    Raises EvonasError where several are there and none is for training, or two mean the same part.
    """
    if len(split) == 1:
        return {"train": next(iter(split.values()))}
    found: dict[str, Sequence[Any]] = {}
    for name, held in split.items():
        part = part_named(name)
        if part is None or part in found:
            why = "is no part" if part is None else f"is another {part!r}"
            raise EvonasError(
                f"{source} has the parts {choices(split)}, of which {name!r} {why}; name train, val, test"
            )
        found[part] = held
    if "train" not in found:
        raise EvonasError(f"{source} has the parts {choices(split)}, but no 'train'; name the one to learn from so")
    return found


def as_numbers(pictures: Mapping[str, Sequence[tuple[Source, str]]]) -> Pictures:
    """The same with labels as whole numbers where all are, so that 10 comes behind 9; `007` is a text."""
    every = [label for held in pictures.values() for _, label in held]
    short = all(label.isascii() and label.isdecimal() and len(label) < 19 for label in every)
    if not short or not all(str(int(label)) == label for label in every):
        return pictures
    return {part: [(file, int(label)) for file, label in held] for part, held in pictures.items()}


def _byte(ground: float, reader: ImageReader, images: np.ndarray) -> int:
    """What became of the padding's value."""
    values = np.full((1, 1, 1, 1), ground, images.dtype)
    return int(reader.scale.read(values, "the padding")[0].item())
