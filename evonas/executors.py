"""Moved to `evonas.execution.processes`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.execution.processes")
