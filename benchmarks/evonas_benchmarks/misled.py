"""Moved to `evonas_benchmarks.baselines.corrupted_transfer`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas_benchmarks.baselines.corrupted_transfer")
