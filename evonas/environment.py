"""Moved to `evonas.core.environment`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.core.environment")
