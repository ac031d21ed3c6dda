"""Moved to `evonas.app.job`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.app.job")
