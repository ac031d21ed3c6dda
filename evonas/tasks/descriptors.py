"""Moved to `evonas.domains.images.descriptors`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.domains.images.descriptors")
