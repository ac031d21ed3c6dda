"""Moved to `evonas.search.methods`, where methods and rankers are made from a `SearchContext`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.search.methods")
