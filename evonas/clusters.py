"""Moved to `evonas.execution.clusters`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.execution.clusters")
