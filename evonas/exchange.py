"""Moved to `evonas.memory.archive_io`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.memory.archive_io")
