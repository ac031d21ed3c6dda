"""Moved to `evonas_benchmarks.tables.graph_cell`; the cells are in `evonas_benchmarks.tables.graph_tree`."""

from evonas.core.moved import moved

__getattr__ = moved(
    __name__,
    "evonas_benchmarks.tables.graph_cell",
    Links="evonas_benchmarks.tables.graph_tree:Links",
    Operations="evonas_benchmarks.tables.graph_tree:Operations",
    check="evonas_benchmarks.tables.graph_tree:check",
)
