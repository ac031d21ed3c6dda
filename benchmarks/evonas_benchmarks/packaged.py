"""Moved to `evonas_benchmarks.tables.packaged`."""

from evonas.core.moved import moved

__getattr__ = moved(
    __name__, "evonas_benchmarks.tables.packaged", small_images="evonas_benchmarks.tables.small_images:small_images"
)
