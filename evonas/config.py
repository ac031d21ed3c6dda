"""Moved to `evonas.app.config`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.app.config")
