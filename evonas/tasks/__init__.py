"""Moved to `evonas.domains.images`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.domains.images")
