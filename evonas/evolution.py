"""Moved to `evonas.search.evolution`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.search.evolution")
