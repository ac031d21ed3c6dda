"""Images of a Hugging Face data set from a folder, read by pyarrow: no network, no code, no copy in a cache."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from evonas.core.environment import free_memory
from evonas.core.errors import EvonasError, choices, named_line
from evonas.core.parsing import parse_json, read_json
from evonas.domains.images.collected import as_numbers, collected, in_parts, part_named
from evonas.domains.images.dataset import Images
from evonas.domains.images.pictures import Source
from evonas.domains.images.source_options import SourceOptions
from evonas.domains.images.walking import Found
from evonas.domains.labels import word

USUAL = ("label", "labels", "fine_label", "class", "target")  # columns of labels that are not marked as such
UNKNOWN = -1  # what stands for a label that is kept back


@dataclass(frozen=True)
class Cell:
    """A picture in a row: its bytes, or the file that it is in."""

    column: pa.ChunkedArray
    row: int
    name: str
    folder: Path

    def opened(self) -> BinaryIO:
        value: Any = self.column[self.row].as_py()
        value = value if isinstance(value, dict) else {"bytes": value}
        if value.get("bytes") is None and not value.get("path"):
            raise ValueError("it is empty")
        held = value.get("bytes")
        if held is None:
            path = (self.folder / value["path"]).resolve()
            if not path.is_relative_to(self.folder.resolve()):
                raise ValueError(f"it lies in {str(path)!r}, outside of the data set's folder")
            held = path.read_bytes()
        return io.BytesIO(held)

    def __str__(self) -> str:
        return self.name


def from_hugging_face(argument: str, *, root: Path | None = None) -> Images:
    """A folder that `save_to_disk` of the library `datasets` wrote, or one with Parquet files, as a data set's
    repository has them (`train-00000-of-00002.parquet`, `train/0000.parquet`): `FOLDER?image=COLUMN&label=COLUMN`.

    The columns need no option where one is of images, and one of classes or called as usual. Classes are called as the
    data set calls them. A part without labels is left out. `size` and `fit` are as in `folder:`; the pictures' files
    are mapped (Parquet: held in memory) as they are, compressed.

    Raises EvonasError, one line, where the folder is none of this, a column is missing, or a picture cannot be read.
    """
    options = SourceOptions.of("hf", argument, ("image", "label"))
    if not options.named or not options.path.is_dir():
        raise EvonasError(
            f"no folder {options.named!r}; give hf:FOLDER, as save_to_disk writes it, or with Parquet files"
        )
    found = Found(options.path, "hf")
    split: dict[str, list[tuple[Source, str]]] = {}
    for name, table in _tables(options.path).items():
        features = _features(table.schema)
        image = _image_column(table.schema, features, options)
        label = _label_column(table.schema, features, options)
        labels = _labels(table[label], features.get(label) or {}, f"{label!r} of {name!r} in {options.named!r}")
        if labels is None:
            found.passed.setdefault(f"parts whose labels are all {UNKNOWN}, kept back", []).append(repr(name))
            continue
        cells = _cells(table[image], name, options.path)
        split[name] = list(zip(cells, labels, strict=True))
    if not split:
        raise EvonasError(f"{options.named!r} has no labels: all are {UNKNOWN}; give a data set with labels")
    pictures = as_numbers(in_parts(split, repr(options.named)))
    return collected(pictures, options, found, word(options.path.resolve().name))


def _tables(folder: Path) -> dict[str, pa.Table]:
    """The table of each split."""
    try:
        if (folder / "dataset_dict.json").is_file():
            names = read_json(folder / "dataset_dict.json")["splits"]
            return {str(name): _saved(folder / Path(str(name)).name) for name in names}
        if (folder / "state.json").is_file():
            return {"train": _saved(folder)}
        files: dict[str, list[Path]] = {}
        for file in sorted(folder.rglob("*.parquet")):
            above = part_named(file.parent.name) if file.parent != folder else None
            files.setdefault(part_named(file.name) or above or file.stem.partition("-")[0], []).append(file)
        tables = {name: _parquet(name, held) for name, held in files.items()}
    except EvonasError:
        raise
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
        raise EvonasError(f"{str(folder)!r} cannot be read as a data set: {named_line(error)}") from error
    if not tables:
        raise EvonasError(
            f"the folder {str(folder)!r} is no data set of Hugging Face's: it holds no state.json, dataset_dict.json "
            "or .parquet; dataset.save_to_disk(FOLDER) writes one"
        )
    return tables


def _parquet(name: str, files: list[Path]) -> pa.Table:
    """Of the files of one split, which lie in one folder."""
    folders = {str(file.parent) for file in files}
    if len(folders) > 1:
        raise EvonasError(f"the split {name!r} is in {choices(folders)}; give the folder of one: hf:FOLDER")
    held = [pq.ParquetFile(file) for file in files]
    room, rows = free_memory(), sum(one.metadata.num_rows for one in held)
    groups = [one.metadata.row_group(i) for one in held for i in range(one.metadata.num_row_groups)]
    needed = max(sum(group.total_byte_size for group in groups), 8 * rows)  # of equal rows few bytes are written
    if needed > room:
        raise EvonasError(
            f"the split {name!r} takes {needed / 1e9:.1f} GB or more, and {room / 1e9:.1f} GB of memory are free; give "
            "a data set that save_to_disk wrote, which is mapped, or a smaller one"
        )
    return _checked([one.read() for one in held])


def _saved(folder: Path) -> pa.Table:
    """What `save_to_disk` wrote; it is mapped."""
    state = read_json(folder / "state.json")
    files = [folder / Path(str(one["filename"])).name for one in state["_data_files"]]
    return _checked([pa.ipc.open_stream(pa.memory_map(str(file))).read_all() for file in files])


def _checked(tables: list[pa.Table]) -> pa.Table:
    """One table, in which no value lies outside of the file: Arrow believes what it is told. Raises ArrowException."""
    for table in tables:
        twice = next((name for name in table.column_names if table.column_names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"it has the column {twice!r} twice")
        table.validate(full=True)
    return pa.concat_tables(tables)


def _features(schema: pa.Schema) -> Mapping[str, Any]:
    """Column -> what `datasets` says of it; empty where it says nothing."""
    try:
        held = parse_json((schema.metadata or {})[b"huggingface"])["info"]["features"]
        return {name: one for name, one in held.items() if isinstance(one, dict)}
    except (KeyError, ValueError, TypeError, AttributeError):
        return {}


def _image_column(schema: pa.Schema, features: Mapping[str, Any], options: SourceOptions) -> str:
    there = [
        field.name
        for field in schema
        if (features.get(field.name) or {}).get("_type") == "Image"
        or (pa.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0 and not features)
    ]
    return _one("image", there, schema, options)


def _label_column(schema: pa.Schema, features: Mapping[str, Any], options: SourceOptions) -> str:
    classes = [name for name in schema.names if (features.get(name) or {}).get("_type") == "ClassLabel"]
    return _one("label", classes or [name for name in USUAL if name in schema.names][:1], schema, options)


def _one(what: str, there: list[str], schema: pa.Schema, options: SourceOptions) -> str:
    named = options.own.get(what)
    if named is not None and named in schema.names:
        return named
    if named is None and len(there) == 1:
        return there[0]
    why = f"has no column {named!r}" if named else f"has {len(there) or 'no'} columns of {what}s"
    raise EvonasError(f"{options.named!r} {why}; it has {choices(schema.names)}: hf:{options.named}?{what}=COLUMN")


def _labels(column: pa.ChunkedArray, feature: Mapping[str, Any], where: str) -> list[str] | None:
    """The name of each row's class; None where all are kept back."""
    values, names = column.to_pylist(), feature.get("names")
    odd = next((one for one in values if isinstance(one, bool) or not isinstance(one, str | int)), "")
    if odd != "":
        raise EvonasError(f"{where} holds {odd!r}; give a column of texts or whole numbers: ?label=COLUMN")
    if values and all(value == UNKNOWN for value in values):
        return None
    if not isinstance(names, list):
        return [word(value) for value in values]
    wrong = next((value for value in values if not (isinstance(value, int) and 0 <= value < len(names))), None)
    if wrong is not None:
        raise EvonasError(f"{where} holds {wrong!r}, and it has {len(names)} classes; take such rows out")
    return [word(names[value]) for value in values]


def _cells(column: pa.ChunkedArray, part: str, folder: Path) -> list[Cell]:
    paths = _paths(column) if _has_paths(column.type) else [None] * len(column)
    names = [f"{part}/{path}" for path in paths]
    alone = len(set(names)) == len(names)
    return [Cell(column, i, names[i] if alone else f"{part}/{i}", folder) for i in range(len(column))]


def _paths(column: pa.ChunkedArray) -> list[str | None]:
    """Without the bytes beside them."""
    return [path for chunk in column.chunks for path in chunk.field("path").to_pylist()]  # type: ignore[attr-defined]


def _has_paths(type_: pa.DataType) -> bool:
    return pa.types.is_struct(type_) and type_.get_field_index("path") >= 0
