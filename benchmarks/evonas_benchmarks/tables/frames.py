"""A user's own table: a data frame, a CSV or a Parquet file, with columns of genes and of metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evonas.core.errors import EvonasError, choices, first_line
from evonas.core.goals import Objective
from evonas.core.types import Encoding, Task
from evonas_benchmarks.tables.genes import OrderedGenes
from evonas_benchmarks.tables.lookup import Entry, Table

if TYPE_CHECKING:
    import pandas as pd

ENDINGS = (".csv", ".parquet")


def read_frame(path: Path, genes: Sequence[str]) -> pd.DataFrame:
    """A CSV or Parquet file, in which a choice may be called anything: None, nan, NA, null, or nothing between quotes.

    A CSV file does not say what its columns hold: a column of genes is numbers where all its fields are, truth values
    where all are true or false, else text, kept as it stands. A field with nothing in it, without quotes, is a hole,
    and among numbers nan is one.

    Raises EvonasError where it cannot be read.
    """
    import pandas as pd

    try:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        if path.suffix == ".csv":
            known = [gene for gene in genes if gene in frame.columns]
            frame = frame.assign(**{gene: _choices(column) for gene, column in _fields(path, known).items()})
    except Exception as error:
        raise EvonasError(f"the table {str(path)!r} cannot be read: {first_line(error)}") from error
    return frame


def _fields(path: Path, columns: Sequence[str]) -> Mapping[str, list[str | None]]:
    """Column -> the text of its fields; None where there is nothing, and not even quotes."""
    import pyarrow as pa
    from pyarrow import csv

    convert = csv.ConvertOptions(
        include_columns=list(columns),
        column_types={column: pa.string() for column in columns},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    return csv.read_csv(path, convert_options=convert).to_pydict() if columns else {}


def _choices(fields: Sequence[str | None]) -> pd.Series:
    """What a column of genes holds."""
    import pandas as pd

    texts = pd.Series(fields, dtype=object)
    there = texts.dropna()
    if set(there.str.lower()) <= {"true", "false"}:
        return texts.map(lambda text: text if text is None else text.lower() == "true").astype(object)
    numbers: Any = pd.to_numeric(there, errors="coerce")
    named = numbers.notna() | (there.str.lower() == "nan")
    if not named.all() or not np.isfinite(numbers).any():
        return texts
    return numbers.reindex(texts.index)


def from_frame(
    frame: pd.DataFrame,
    genes: Sequence[str],
    tasks: Mapping[str, str | Columns],
    *,
    name: str = "mine",
    encoding: Encoding[Any] | None = None,
) -> Table:
    """A task family of your own table: a row an architecture, columns of genes and of metrics.

    Args:
        frame: every combination of genes at most once; a metric may be NaN where it was not measured.
        genes: the columns that make the genome, in its order; each a category with the choices found in the column.
        tasks: task name -> its objective's column, or all its columns.
        encoding: one of your own whose genomes are the tuples of the genes' values.

    Raises EvonasError where a column is missing, a metric is text, or an architecture comes twice.
    """
    if not genes or not tasks:
        raise EvonasError(f"table {name!r} needs genes=[columns] and tasks={{name: objective column}}")
    chosen = {task: columns if isinstance(columns, Columns) else Columns(columns) for task, columns in tasks.items()}
    metrics = list(dict.fromkeys(column for columns in chosen.values() for column in columns.used()))
    if len(set(genes)) < len(genes):
        raise EvonasError(f"table {name!r} has a gene twice; there are {', '.join(genes)}")
    for column in (*genes, *metrics):
        if column not in frame.columns:
            raise EvonasError(f"table {name!r} has no column {column!r}; there are {choices(map(str, frame.columns))}")
    values = {column: _numbers(frame[column], column, name) for column in metrics}
    genomes = [tuple(row) for row in frame[list(genes)].astype(object).itertuples(index=False, name=None)]
    for row, genome in enumerate(genomes):
        odd = next((value for value in genome if isinstance(value, np.ndarray | list | dict)), None)
        if odd is not None:
            raise EvonasError(f"table {name!r} has the gene {odd!r} in row {row + 1}; give numbers or texts")
        if any(map(_missing, genome)):
            raise EvonasError(f"table {name!r} has no gene in row {row + 1}: {genome}; fill it or drop the row")
    if len(set(genomes)) < len(genomes):
        twice = next(genome for genome, count in Counter(genomes).items() if count > 1)
        raise EvonasError(f"table {name!r} has the architecture {twice} twice; average the repetitions, or drop one")
    if encoding is None:
        columns_of = zip(*genomes, strict=True)
        encoding = OrderedGenes({g: sorted(set(c), key=_order) for g, c in zip(genes, columns_of, strict=True)})
    entries = {
        task: Entry(
            Task(task, (0, 0, 0), 0),
            {column: values[column] for column in columns.used()},
            Objective(columns.objective, columns.maximize),
            columns.test,
            columns.seconds,
        )
        for task, columns in chosen.items()
    }
    return Table(name, encoding, genomes, entries)


@dataclass(frozen=True)
class Columns:
    """Which columns of a table are a task's: its objective, what reports the best one found, a training's
    seconds, and what else a search goes by."""

    objective: str
    maximize: bool = True
    test: str | None = None
    seconds: str | None = None
    further: tuple[str, ...] = ()

    def used(self) -> list[str]:
        named = (self.objective, self.test, self.seconds, *self.further)
        return list(dict.fromkeys(column for column in named if column is not None))


def _numbers(column: Any, name: str, table: str) -> np.ndarray:
    """(n,) floats. Raises EvonasError, with the first offender, where there is text or infinity."""
    import pandas as pd

    values: Any = pd.to_numeric(column, errors="coerce")
    wrong = column[(values.isna() & column.notna()) | np.isinf(values)]
    if len(wrong) or values.isna().all():
        offender = repr(wrong.tolist()[0]) if len(wrong) else "nothing"
        raise EvonasError(f"column {name!r} of table {table!r} holds {offender}, and should hold numbers")
    return values.to_numpy(float)


def _order(value: Any) -> tuple[bool, Any]:
    """Numbers first, by size; then text."""
    return (isinstance(value, str), value)


def _missing(value: Any) -> bool:
    import pandas as pd

    return bool(pd.isna(value))
