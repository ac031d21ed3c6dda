"""Moved to `evonas_benchmarks.tables.small_images`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas_benchmarks.tables.small_images")
