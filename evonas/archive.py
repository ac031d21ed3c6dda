"""Moved to `evonas.memory.archive`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.memory.archive", freeze="evonas.core.genomes:freeze")
