"""Moved to `evonas.app.runs`."""

from evonas.core.moved import moved

__getattr__ = moved(__name__, "evonas.app.runs", print_table="evonas.app.console:print_table")
