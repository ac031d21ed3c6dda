"""Moved to `evonas.search.fidelity`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.search.fidelity")
