"""Images from a table of their paths and labels: `csv:labels.csv?image=path&label=kind`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from evonas.core.errors import EvonasError, choices
from evonas.domains.images.collected import as_numbers, collected, in_parts
from evonas.domains.images.dataset import Images
from evonas.domains.images.pictures import Source
from evonas.domains.images.source_options import SourceOptions
from evonas.domains.images.walking import Found
from evonas.domains.labels import word

USUAL = {  # what columns are called where no option says it
    "image": ("image", "path", "file", "filename", "file_name", "filepath"),
    "label": ("label", "class", "target", "category"),
    "split": ("split",),
}
DELIMITERS = ",;\t"


def from_csv(argument: str, *, root: Path | None = None) -> Images:
    """A file with a header and a line for each picture: `FILE?image=COLUMN&label=COLUMN[&split=COLUMN][&folder=PATH]`.

    Paths begin in the file's folder, or in `folder`. The columns need no option where they are called as usual
    (`USUAL`); one of splits holds train, val and test. `size` and `fit` are as in `folder:`. Separated by commas,
    semicolons or tabs, in UTF-8. A line that is there again is passed over.

    Raises EvonasError, one line, where a column, a label or a picture is missing, or a picture has two labels.
    """
    options = SourceOptions.of("csv", argument, ("image", "label", "split", "folder"))
    header, lines = _read(options)
    column = {what: _column(what, header, options) for what in USUAL}
    folder = options.path.parent / options.own.get("folder", "")
    if not folder.is_dir():
        raise EvonasError(f"no folder {str(folder)!r}; folder=… in csv:{argument} is where the paths begin")
    found = Found(folder, "csv")
    split: dict[str, list[tuple[Source, str]]] = {}
    seen: dict[str, tuple[int, str, str]] = {}
    for number, line in lines:
        values = {what: line[place].strip() for what, place in column.items() if place is not None}
        if not values["image"] or not values["label"]:
            what = "label" if values["image"] else "path"
            raise EvonasError(f"{options.named!r} has no {what} in line {number}; give one, or take the line out")
        path, label, part = values["image"], values["label"], values.get("split", "train")
        before = seen.setdefault(path, (number, label, part))
        if before[1:] != (label, part):
            raise EvonasError(
                f"{options.named!r} has {path!r} in line {before[0]} and in line {number} with another "
                f"{'label' if before[1] != label else 'split'}; keep one of them"
            )
        if before[0] != number:
            found.pass_over("lines of a picture that was there before", folder / path)
            continue
        if not (folder / path).is_file():
            raise EvonasError(
                f"{options.named!r} names {path!r} in line {number}, and there is no such file in {folder}"
            )
        split.setdefault(part, []).append((folder / path, word(label)))
    return collected(as_numbers(in_parts(split, repr(options.named))), options, found, word(options.path.stem))


def _read(options: SourceOptions) -> tuple[Sequence[str], list[tuple[int, list[str]]]]:
    """The header, and the other lines that are not empty, with their numbers."""
    if not options.path.is_file():
        raise EvonasError(f"no file {options.named!r}; give csv:FILE with a header and a picture a line")
    try:
        with options.path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            reader = csv.reader(file, delimiter=max(DELIMITERS, key=first.count))
            rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        why = getattr(error, "strerror", None) or error
        raise EvonasError(f"{options.named!r} cannot be read: {why}; give a table as text in UTF-8") from error
    header = [name.strip() for name in rows[0][1]] if rows else []
    if len(rows) < 2:
        raise EvonasError(f"{options.named!r} holds no picture; give a header, as image,label, and a picture a line")
    odd = next((number for number, row in rows if len(row) != len(header)), None)
    if odd is not None:
        raise EvonasError(f"{options.named!r} has another number of columns in line {odd} than in its header")
    return header, rows[1:]


def _column(what: str, header: Sequence[str], options: SourceOptions) -> int | None:
    """The place of a column; None of splits where there is none."""
    named = options.own.get(what)
    if named is not None and named in header:
        return header.index(named)
    plain = [name.lower() for name in header]
    usual = [plain.index(name) for name in USUAL[what] if name in plain]
    if named is None and (usual or what == "split"):
        return usual[0] if usual else None
    why = f"has no column {named!r}" if named else f"has no column that is called as one of {what}s usually is"
    raise EvonasError(f"{options.named!r} {why}; it has {choices(header)}: csv:{options.named}?{what}=COLUMN")
