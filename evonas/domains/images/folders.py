"""Images from a folder: one folder of pictures for each class, at any depth; perhaps in `train`, `val` and `test`."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from evonas.core.errors import EvonasError
from evonas.domains.images.arrays import images_from_arrays
from evonas.domains.images.dataset import Images
from evonas.domains.images.decoding import decode
from evonas.domains.images.framing import FITS, Fit, Frame
from evonas.domains.images.reader import ImageReader
from evonas.domains.images.sizes import chosen_size
from evonas.domains.images.walking import Found, files_of, parts_of
from evonas.domains.labels import word

DEFAULT_SIZE = "auto"
LEAST, MOST = 4, 1024  # pixels of a side that may be asked for


def from_folder(argument: str, *, root: Path | None = None) -> Images:
    """`PATH/CLASS/**`, or `PATH/train/CLASS/**` beside `PATH/test` or `PATH/val`; `PATH?size=48&fit=crop`.

    All pictures below the folder of a class belong to it, linked folders' as well. Hidden folders and what systems
    leave behind are none. The size is chosen from the training pictures (`chosen_size`) unless it is given: so many
    pixels square. Pictures of another shape are padded, cropped or stretched (`Frame`). Grey where every picture is.
    Mirroring is for colour images only. What does not fit in memory is mapped.

    Raises EvonasError, one line, where there is no such folder, no class, or a file that cannot be read.
    """
    options = _Options.of(argument)
    found = Found(options.path)
    files = {part: files_of(folder, found) for part, folder in parts_of(options.path, found).items()}
    size = (options.size, options.size) if options.size else None
    if size is None:
        size, why = chosen_size([file for file, _ in files["train"]])
        found.notes += [why] if why else []
    frame = Frame(*size, options.fit)
    arrays, ground = decode({part: [file for file, _ in held] for part, held in files.items()}, frame, found)
    labels = {part: [label for _, label in held] for part, held in files.items()}
    paths = {part: [word(os.path.relpath(file, options.path)) for file, _ in held] for part, held in files.items()}
    names = {label: word(label) for label in sorted(set(labels["train"]))}
    found.notes += [
        f"the name of the folder of class {name} is no UTF-8" for label, name in names.items() if label != name
    ]
    images = images_from_arrays(
        arrays["train"],
        labels["train"],
        arrays.get("test"),
        labels.get("test"),
        x_val=arrays.get("val"),
        y_val=labels.get("val"),
        channels="last",
        name=word(options.path.resolve().name),
        notes=found.notes,
        left_out=found.left_out(),
        files=paths["train"],
        files_test=paths.get("test", ()),
    )
    reader = images.reader or ImageReader((*size, images.x.shape[-1]))
    return replace(images, reader=replace(reader, frame=replace(frame, ground=_byte(ground, reader, arrays["train"]))))


def _byte(ground: float, reader: ImageReader, images: np.ndarray) -> int:
    """What became of the padding's value."""
    values = np.full((1, 1, 1, 1), ground, images.dtype)
    return int(reader.scale.read(values, "the padding")[0].item())


@dataclass(frozen=True)
class _Options:
    path: Path
    size: int | None = None
    fit: Fit = "pad"

    @classmethod
    def of(cls, argument: str) -> _Options:
        text, mark, query = argument.rpartition("?")
        if not mark or "=" not in query or Path(argument).expanduser().is_dir():
            text, query = argument, ""
        size: str = DEFAULT_SIZE
        fit: Fit = "pad"
        for option in query.split("&") if query else ():
            key, _, value = option.partition("=")
            if key == "fit" and value in FITS:
                fit = FITS[FITS.index(value)]
            elif key == "size" and _is_size(value):
                size = value
            else:
                raise EvonasError(
                    f"cannot read {option!r} in folder:{argument}; write ?size=48, from {LEAST} to {MOST} pixels, or "
                    f"size=auto, and fit={', '.join(FITS[:-1])} or {FITS[-1]}: ?size=48&fit=pad"
                )
        path = Path(text).expanduser()
        if not text or not path.is_dir():
            raise EvonasError(f"no folder {text!r}; give folder:PATH with one folder of images a class")
        return cls(path, None if size == DEFAULT_SIZE else int(size), fit)


def _is_size(value: str) -> bool:
    return value == DEFAULT_SIZE or (value.isdecimal() and LEAST <= int(value) <= MOST)
