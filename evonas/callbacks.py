"""Moved to `evonas.app.display`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.app.display")
