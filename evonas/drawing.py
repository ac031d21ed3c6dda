"""Moved to `evonas.report.drawing`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.report.drawing")
