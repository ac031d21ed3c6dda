"""A Parquet file of trainings: what was trained, what was measured, and how it was made."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from evonas.core.errors import EvonasError, first_line
from evonas.core.parsing import parse_json


def read(file: Path, keys: Sequence[str], measured: Sequence[str]) -> dict[str, np.ndarray]:
    """Column -> (n,) values: keys as they are, what was measured as numbers, NaN where a training has none.

    Raises EvonasError where the file is missing or lacks a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file)
        known = {name: np.array(table[name].to_pylist()) for name in keys}
        return known | {name: np.array(table[name].to_pylist(), dtype=float) for name in measured}
    except (OSError, pa.ArrowException, KeyError) as error:
        said = f"the table {str(file)!r} cannot be read: {first_line(error)}; install evonas again"
        raise EvonasError(said) from error


def write(rows: Sequence[Mapping[str, Any]], types: Mapping[str, str], about: Mapping[str, Any], file: Path) -> None:
    """Whole or not at all. `types` are of the columns, as Arrow names them; `word` is one of few texts. `about` is what
    is known of the making, as JSON values."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    word = pa.dictionary(pa.int16(), pa.string())
    fields = [(name, word if kind == "word" else pa.type_for_alias(kind)) for name, kind in types.items()]
    schema = pa.schema(fields).with_metadata({"evonas": json.dumps(about)})
    table = pa.Table.from_pylist([dict(row) for row in rows], schema)
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".unfinished")
    pq.write_table(table, unfinished, compression="zstd")
    unfinished.replace(file)


def about(file: Path) -> dict[str, Any]:
    """What `write` was told of the making."""
    import pyarrow.parquet as pq

    return parse_json((pq.read_schema(file).metadata or {}).get(b"evonas", b"{}"))
