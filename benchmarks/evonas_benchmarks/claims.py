"""Moved to `evonas_benchmarks.assert_better`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas_benchmarks.assert_better")
