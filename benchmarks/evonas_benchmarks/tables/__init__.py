"""Tables of trainings: packaged ones, one of our own, and those of a user."""

from evonas_benchmarks.tables.frames import Columns, from_frame
from evonas_benchmarks.tables.lookup import Entry, Lookup, Table, mean_over_seeds
from evonas_benchmarks.tables.packaged import table

__all__ = ["Columns", "Entry", "Lookup", "Table", "from_frame", "mean_over_seeds", "table"]
