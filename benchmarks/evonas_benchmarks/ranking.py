"""Moved to `evonas_benchmarks.analysis.ranking`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas_benchmarks.analysis.ranking")
