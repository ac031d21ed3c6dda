"""Moved to `evonas_benchmarks.tables.graph_features`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas_benchmarks.tables.graph_features")
