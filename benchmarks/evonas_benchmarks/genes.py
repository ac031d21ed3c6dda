"""Moved to `evonas_benchmarks.tables.genes`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas_benchmarks.tables.genes")
