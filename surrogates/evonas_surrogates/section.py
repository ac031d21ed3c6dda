"""Moved to `evonas_surrogates.memory_report`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas_surrogates.memory_report")
