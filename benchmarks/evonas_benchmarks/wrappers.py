"""Moved to `evonas_benchmarks.suites.wrappers`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas_benchmarks.suites.wrappers")
