"""Moved to `evonas.search.loop`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.search.loop")
