"""Moved to `evonas.search.duplicates`, where the class is called `DuplicateFilter`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.search.duplicates", Seen="evonas.search.duplicates:DuplicateFilter")
