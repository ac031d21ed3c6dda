"""Moved to `evonas_benchmarks.tables.restricted`, where the class is called `RestrictedEncoding`."""

from evonas.core.moved import moved

__getattr__ = moved(
    __name__, "evonas_benchmarks.tables.restricted", Within="evonas_benchmarks.tables.restricted:RestrictedEncoding"
)
