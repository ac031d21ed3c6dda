"""Moved to `evonas.domains.images.dataset`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.domains.images.dataset")
